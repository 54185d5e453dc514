package dev.copas.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.CopasServerSocket;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What only connections of TCP do. */
abstract class TcpConformance extends StreamConformance {

  private static final String LOCAL = "127.0.0.1";

  @Override
  CopasServerSocket listen(Copas copas) throws IOException {
    return copas.bind(LOCAL, 0);
  }

  @Override
  CopasSocket connect(Copas copas, ServerSocket server, Duration timeout) throws IOException {
    return copas.connect(LOCAL, server.getLocalPort(), timeout);
  }

  // ---- Resets

  @Test
  void aResetIsToldToTheReaderAndAfterThatTheWriterFindsABrokenPipe() throws Exception {
    run(net -> {
      var pair = net.pair();
      reset(pair.there());
      assertSays("Connection reset", SocketException.class, pair.here()::receive);
      assertSays("Connection reset", SocketException.class, pair.here()::receive);
      assertSays("Broken pipe", SocketException.class, () -> sendNow(pair.here()));
      pair.close();
    });
  }

  @Test
  void aResetIsToldToTheWriterAndDoesNotLookLikeAnEndToTheReader() throws Exception {
    run(net -> {
      var pair = net.pair();
      reset(pair.there());
      Copas.pause(MOMENT);
      pair.here().send("x");
      Copas.pause(MOMENT); // Here it is written; nobody is told yet.
      assertSays("Connection reset by peer", SocketException.class, pair.here()::receive);
      pair.close();
    });
  }

  /** Or the receiver would take a stream that was cut for a whole one. */
  @Test
  void anErrorOfAnEarlierSendShowsInsteadOfTheEndOfTheStream() throws Exception {
    run(net -> {
      var pair = net.pair();
      pair.there().send("half of it");
      assertEquals("half", new String(pair.here().receive(4), UTF_8));
      reset(pair.there());
      Copas.pause(MOMENT);
      pair.here().send("more\n");
      Copas.pause(); // The send fails here, where nobody hears it.
      assertThrows(SocketException.class, pair.here()::receiveAll);
      pair.close();
    });
  }

  @Test
  void aResetThatASenderWasToldOfIsToldToReceiversToo() throws Exception {
    run(net -> {
      var pair = net.pair();
      pair.there().send("half of it");
      assertEquals("half", new String(pair.here().receive(4), UTF_8));
      reset(pair.there());
      Copas.pause(MOMENT);
      assertSays("Connection reset by peer", SocketException.class, () -> sendNow(pair.here()));
      assertSays("Connection reset by peer", SocketException.class, pair.here()::receiveAll);
      assertSays("Connection reset by peer", SocketException.class, pair.here()::receive);
      pair.close();
    });
  }

  private static void reset(CopasSocket socket) throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  private static void sendNow(CopasSocket socket) throws IOException {
    socket.send("x");
    socket.flush();
  }

  @Test
  void bytesThatCameBeforeAResetCanBeRead() throws Exception {
    run(net -> {
      var pair = net.pair();
      sendNow(pair.there());
      Copas.pause(MOMENT);
      reset(pair.there());
      Copas.pause(MOMENT);
      assertEquals(1, pair.here().receive(1).length);
      assertSays("Connection reset", SocketException.class, pair.here()::receive);
      pair.close();
    });
  }

  /** NIO ends the stream first; so a reader cannot know that its peer has not read everything. */
  @Test
  void aCloseThatLeavesBytesUnreadIsAnEndAndThenAReset() throws Exception {
    run(net -> {
      var pair = net.pair();
      sendNow(pair.here());
      Copas.pause(MOMENT);
      pair.there().close();
      assertNull(pair.here().receive());
      Copas.pause(MOMENT);
      assertSays("Broken pipe", SocketException.class, () -> sendNow(pair.here()));
      pair.close();
    });
  }

  @Test
  void theFirstSendToAClosedPeerSucceedsAndALaterOneFails() throws Exception {
    run(net -> {
      var pair = net.pair();
      pair.there().close();
      assertNull(pair.here().receive());
      sendNow(pair.here());
      Copas.pause(MOMENT);
      assertSays("Broken pipe", SocketException.class, () -> sendNow(pair.here()));
      pair.close();
    });
  }

  // ---- Connecting

  @Test
  void whereNobodyListensItIsRefused() throws Exception {
    run(net -> {
      var server = net.listen();
      int port = server.getLocalPort();
      server.close();
      assertSays(
          "Connection refused: " + LOCAL + ":" + port,
          ConnectException.class,
          () -> net.copas().connect(LOCAL, port, LONG));
    });
  }

  @Test
  void anAddressIsTakenOnceAndFreeAfterAClose() throws Exception {
    run(net -> {
      var server = net.listen();
      int port = server.getLocalPort();
      assertSays(
          "Address already in use: " + LOCAL + ":" + port,
          BindException.class,
          () -> net.copas().bind(LOCAL, port));
      assertSays("in use", BindException.class, () -> net.copas().bind("*", port));
      server.close();
      net.copas().bind(LOCAL, port).close();
      assertSays("", BindException.class, () -> net.copas().bind("192.0.2.1", 0));
    });
  }

  // ---- Everything else

  @Test
  void bothEndsAgreeOnTheirAddresses() throws Exception {
    run(net -> {
      var pair = net.pair();
      assertEquals(pair.here().getLocalSocketAddress(), pair.there().getRemoteSocketAddress());
      assertEquals(pair.there().getLocalSocketAddress(), pair.here().getRemoteSocketAddress());
      assertNotEquals(pair.here().getLocalPort(), pair.there().getLocalPort());
      assertEquals(InetAddress.ofLiteral(LOCAL), pair.here().getInetAddress());
      pair.close();
      assertTrue(pair.here().getPort() > 0);
    });
  }

  @Test
  void optionsAreKept() throws Exception {
    run(net -> {
      var pair = net.pair();
      CopasSocket socket = pair.here();
      assertTrue(socket.getTcpNoDelay());
      assertTrue(pair.there().getTcpNoDelay());
      socket.setTcpNoDelay(false);
      assertFalse(socket.getTcpNoDelay());
      assertFalse(socket.getKeepAlive());
      socket.setKeepAlive(true);
      assertTrue(socket.getKeepAlive());
      assertEquals(-1, socket.getSoLinger());
      socket.setSoLinger(true, 3);
      assertEquals(3, socket.getSoLinger());
      socket.setSoLinger(false, 0);
      assertEquals(-1, socket.getSoLinger());
      socket.setSendBufferSize(20_000);
      assertTrue(socket.getSendBufferSize() >= 20_000);
      assertTrue(socket.getReceiveBufferSize() > 0);
      assertTrue(
          socket
              .supportedOptions()
              .containsAll(
                  Set.of(
                      StandardSocketOptions.TCP_NODELAY,
                      StandardSocketOptions.SO_KEEPALIVE,
                      StandardSocketOptions.SO_LINGER,
                      StandardSocketOptions.SO_REUSEADDR,
                      StandardSocketOptions.SO_SNDBUF)));
      assertThrows(
          UnsupportedOperationException.class,
          () -> socket.setOption(StandardSocketOptions.IP_MULTICAST_TTL, 1));
      pair.close();
      assertThrows(SocketException.class, socket::getTcpNoDelay);
    });
  }
}
