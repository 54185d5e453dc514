package dev.copas;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.DatagramSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The ends of tasks, servers and loops that Copas knows by name. */
@Timeout(60)
class LifetimeTest {

  private final List<String> log = new ArrayList<>();

  private static SocketAddress addressOf(DatagramSocket socket) {
    return socket.getLocalSocketAddress();
  }

  @Test
  void exitReleasesThoseWhoWaitForIt() {
    try (var copas = Modes.create()) {
      copas.addThread(() -> {
        copas.waitForExit();
        log.add("released, exiting is " + copas.exiting());
      });
      copas.loop(() -> {
        Copas.pause();
        log.add("exit");
        copas.exit();
        copas.exit();
      });
      assertEquals(List.of("exit", "released, exiting is true"), log);
      assertFalse(copas.exiting());
    }
  }

  @Test
  void aLoopThatEndsByItselfReleasesThoseWhoWaitForItsExitAndWhatTheyStart() {
    try (var copas = Modes.create()) {
      copas.addThread(() -> {
        copas.waitForExit();
        copas.addThread(() -> log.add("started at the end")).join();
        log.add("last");
      });
      copas.loop();
      assertEquals(List.of("started at the end", "last"), log);
    }
  }

  @Test
  void waitingForAnExitThatHasComeTakesNoTime() {
    try (var copas = Modes.create()) {
      copas.loop(() -> {
        copas.exit();
        Copas.<RuntimeException>atomic(() -> {
          try {
            copas.waitForExit();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
        log.add("on");
      });
      assertEquals(List.of("on"), log);
    }
  }

  @Test
  void aCancelledWaitForExitThrows() {
    try (var copas = Modes.create()) {
      Task waiter =
          copas.addThread(() -> {
            assertThrows(InterruptedException.class, copas::waitForExit);
            log.add("cancelled");
          });
      copas.loop(() -> {
        Copas.pause();
        copas.removeThread(waiter);
      });
      assertEquals(List.of("cancelled"), log);
    }
  }

  @Test
  void waitForExitNeedsATask() {
    try (var copas = Modes.create()) {
      assertThrows(IllegalStateException.class, copas::waitForExit);
    }
  }

  @Test
  void aRemovedThreadRunsItsFinallyBlocksAndIsNoError() {
    try (var copas = Modes.create()) {
      copas.setErrorHandler((e, task, socket) -> log.add("error " + e));
      Task sleeper =
          copas.addThread(() -> {
            try {
              Copas.pause(Duration.ofDays(1));
            } finally {
              log.add("finally");
            }
          });
      copas.loop(() -> {
        Copas.pause();
        copas.removeThread(sleeper);
      });
      assertEquals(List.of("finally"), log);
      assertEquals(Task.State.ENDED, sleeper.state());
    }
  }

  @Test
  void cancelAllEndsServersConnectionsAndSleepersButNotItsCaller() throws Exception {
    try (var copas = Modes.create()) {
      var server = copas.bind("127.0.0.1", 0);
      copas.addServer(
          server,
          socket -> {
            log.add("served");
            try {
              socket.receive();
            } finally {
              log.add("connection");
            }
          });
      copas.addThread(() -> {
        try {
          Copas.pause(Duration.ofDays(1));
        } finally {
          log.add("sleeper");
        }
      });
      try (var client = new Socket(server.getInetAddress(), server.getLocalPort())) {
        copas.loop(() -> {
          while (log.isEmpty()) {
            Copas.pause();
          }
          copas.cancelAll();
          Copas.pause();
          log.add("caller");
        });
        assertEquals(-1, client.getInputStream().read());
      }
      assertTrue(server.isClosed());
      log.sort(null);
      assertEquals(List.of("caller", "connection", "served", "sleeper"), log);

      log.clear();
      copas.loop(() -> log.add("again"));
      assertEquals(List.of("again"), log);
    }
  }

  @Test
  void cancelAllComesFromAnyThread() throws Exception {
    try (var copas = Modes.create()) {
      copas.addServer(copas.bind("127.0.0.1", 0), CopasSocket::receive);
      copas.loop(() -> Thread.ofPlatform().start(copas::cancelAll));
    }
  }

  @Test
  void aServerSocketThatWasKeptOpenCanBeAddedAgainAtOnce() throws Exception {
    try (var copas = Modes.create()) {
      var server = copas.bind("127.0.0.1", 0);
      copas.addServer(server, socket -> socket.send("first\n"));
      copas.loop(() -> {
        assertEquals("first", ask(copas, server));
        assertTrue(copas.removeServer(server, true));
        assertFalse(copas.removeServer(server, true));
        copas.addServer(server, socket -> socket.send("second\n"));
        assertEquals("second", ask(copas, server));
        assertTrue(copas.removeServer(server));
        assertTrue(server.isClosed());
        log.add("done");
      });
      assertEquals(List.of("done"), log);
    }
  }

  @Test
  void connectionsToASocketThatWasKeptOpenWaitForTheNextServer() throws Exception {
    try (var copas = Modes.create()) {
      var server = copas.bind("127.0.0.1", 0);
      copas.addServer(server, socket -> socket.send("first\n"));
      copas.loop(() -> {
        Copas.pause();
        copas.removeServer(server, true);
        Copas.pause();
        try (var client = copas.connect("127.0.0.1", server.getLocalPort())) {
          copas.addServer(server, socket -> socket.send("second\n"));
          assertEquals("second", client.receive());
        }
        copas.removeServer(server);
        log.add("done");
      });
      assertEquals(List.of("done"), log);
    }
  }

  private static String ask(Copas copas, CopasServerSocket server) throws IOException {
    try (var client = copas.connect("127.0.0.1", server.getLocalPort())) {
      return String.valueOf(client.receive());
    }
  }

  @Test
  void aTaskMayHaveAnErrorHandlerOfItsOwn() {
    var seen = new AtomicReference<Throwable>();
    try (var copas = Modes.create()) {
      copas.setErrorHandler((e, task, socket) -> log.add("default: " + e.getMessage()));
      Task own =
          copas.addThread(() -> {
            throw new IllegalStateException("mine");
          });
      own.setErrorHandler((e, task, socket) -> seen.set(e));
      copas.loop(() -> {
        throw new IllegalStateException("theirs");
      });
      assertEquals("mine", seen.get().getMessage());
      assertEquals(List.of("default: theirs"), log);
    }
  }

  @Test
  void aDatagramSocketIsClosedWithItsLoop() throws Exception {
    var copas = Modes.create();
    CopasDatagramSocket socket = copas.bindDatagram("127.0.0.1", 0);
    SocketAddress target = addressOf(socket);
    assertFalse(socket.isClosed());
    copas.close();
    assertTrue(socket.isClosed());
    var error = assertThrows(SocketException.class, () -> socket.trySend(new byte[1], target));
    assertEquals("Socket closed", error.getMessage());
    socket.close();
  }

  /** It has waited for a datagram for so long that the stop gave it up. */
  @Test
  void aTaskThatIsLeftBehindLeavesItsSocketToOthers() throws Exception {
    var options = Options.defaults().closeTimeout(Duration.ofMillis(20));
    try (var copas = Modes.create(options);
        var socket = copas.bindDatagram("127.0.0.1", 0)) {
      var ended = new CompletableFuture<SocketException>();
      copas.addThread(() -> {
        assertThrows(InterruptedIOException.class, socket::receive);
        ended.complete(assertThrows(SocketException.class, socket::receive));
      });
      copas.loop(() -> {
        Copas.pause();
        copas.stop(Duration.ZERO);
      });
      assertEquals("Socket closed", ended.join().getMessage());
      copas.loop(() -> {
        socket.send("still there".getBytes(UTF_8), addressOf(socket));
        log.add(new String(socket.receive().bytes(), UTF_8));
      });
      assertEquals(List.of("still there"), log);
    }
  }
}
