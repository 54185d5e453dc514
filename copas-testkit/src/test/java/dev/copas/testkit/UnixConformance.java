package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.CopasServerSocket;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.net.BindException;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What only connections of Unix sockets do. */
abstract class UnixConformance extends StreamConformance {

  private static final AtomicInteger NUMBERS = new AtomicInteger();

  @TempDir static Path folder;

  private static Path freePath() {
    return folder.resolve("s" + NUMBERS.incrementAndGet());
  }

  private static Path path(ServerSocket server) {
    return ((UnixDomainSocketAddress) server.getLocalSocketAddress()).getPath();
  }

  @Override
  CopasServerSocket listen(Copas copas) throws IOException {
    return copas.bindUnix(freePath());
  }

  @Override
  CopasSocket connect(Copas copas, ServerSocket server, Duration timeout) throws IOException {
    return copas.connectUnix(path(server), timeout);
  }

  @Test
  void whereNobodyListensNobodyConnects() throws Exception {
    run(net -> {
      var server = net.listen();
      server.close();
      assertSays(
          "No such file or directory: " + path(server),
          SocketException.class,
          () -> net.connect(server));
    });
  }

  @Test
  void whoFindsNoRoomConnectsWhenThereIsSome() throws Exception {
    run(net -> {
      try (var server = net.listen()) {
        var clients = new Job[20]; // More than may wait there.
        for (int i = 0; i < clients.length; i++) {
          clients[i] =
              net.start(() -> {
                try (var socket = net.connect(server)) {
                  assertEquals("welcome", socket.receive());
                }
              });
        }
        Copas.pause(MOMENT);
        for (int i = 0; i < clients.length; i++) {
          try (var accepted = server.accept()) {
            accepted.send("welcome\n");
          }
        }
        for (Job client : clients) {
          client.await();
        }
      }
    });
  }

  @Test
  void aPathIsTakenOnceAndFreeAfterAClose() throws Exception {
    run(net -> {
      var server = net.listen();
      assertSays(
          "Address already in use by a server that runs: " + path(server),
          BindException.class,
          () -> net.copas().bindUnix(path(server)));
      server.close();
      net.copas().bindUnix(path(server)).close();
    });
  }

  @Test
  void bothEndsAgreeOnTheirAddresses() throws Exception {
    run(net -> {
      var pair = net.pair();
      assertEquals(pair.here().getLocalSocketAddress(), pair.there().getRemoteSocketAddress());
      assertEquals(pair.there().getLocalSocketAddress(), pair.here().getRemoteSocketAddress());
      assertTrue(pair.here().getInetAddress().isLoopbackAddress());
      assertEquals(0, pair.there().getPort());
      pair.close();
    });
  }

  @Test
  void optionsAreKeptOrIgnored() throws Exception {
    run(net -> {
      var pair = net.pair();
      CopasSocket socket = pair.here();
      socket.setTcpNoDelay(true);
      socket.setKeepAlive(true);
      assertEquals(-1, socket.getSoLinger());
      socket.setSoLinger(true, 3);
      assertEquals(3, socket.getSoLinger());
      socket.setSoLinger(false, 0);
      assertEquals(-1, socket.getSoLinger());
      socket.setSendBufferSize(20_000);
      assertTrue(socket.getSendBufferSize() >= 20_000);
      assertTrue(socket.getReceiveBufferSize() > 0);
      assertThrows(
          UnsupportedOperationException.class,
          () -> socket.setOption(StandardSocketOptions.TCP_NODELAY, true));
      pair.close();
    });
  }
}
