package dev.copas;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One task for one datagram socket. */
@Timeout(60)
class DatagramServersTest {

  private static final String LOCAL = "127.0.0.1";

  private final Copas copas = Modes.create();
  private final ConcurrentLinkedQueue<Throwable> errors = new ConcurrentLinkedQueue<>();
  private final DatagramSocket client = new DatagramSocket(0, InetAddress.ofLiteral(LOCAL));

  DatagramServersTest() throws SocketException {
    client.setSoTimeout((int) SocketFixture.SOON.toMillis());
    copas.setErrorHandler((error, task, socket) -> errors.add(error));
  }

  @AfterEach
  void close() {
    copas.close();
    client.close();
    assertTrue(errors.isEmpty(), errors::toString);
  }

  private static void echo(CopasDatagramSocket socket) throws IOException {
    while (true) {
      Datagram datagram = socket.receive();
      socket.send(datagram.bytes(), datagram.sender());
    }
  }

  private CopasDatagramSocket echo() throws IOException {
    CopasDatagramSocket socket = copas.bindDatagram(LOCAL, 0);
    copas.addServer(socket, DatagramServersTest::echo);
    return socket;
  }

  private void ask(String text, DatagramSocket server) throws IOException {
    send(text, server);
    assertAnswered(text);
  }

  private void assertAnswered(String text) throws IOException {
    var answer = new DatagramPacket(new byte[100], 100);
    client.receive(answer);
    assertEquals(text, new String(answer.getData(), 0, answer.getLength(), UTF_8));
  }

  private void send(String text, DatagramSocket server) throws IOException {
    byte[] bytes = text.getBytes(UTF_8);
    client.send(new DatagramPacket(bytes, bytes.length, server.getLocalSocketAddress()));
  }

  @Test
  void oneTaskServesTheSocket() throws Exception {
    var name = new CompletableFuture<String>();
    CopasDatagramSocket socket = copas.bindDatagram(LOCAL, 0);
    copas.addServer(
        socket,
        ServerOptions.defaults().name("echo"),
        own -> {
          name.complete(Copas.current().name());
          echo(own);
        });
    copas.start();
    ask("hello", socket);
    ask("", socket);
    assertEquals("echo:handler", name.join());
  }

  /** As it was written for java.net, with one packet for everything. */
  private static void oldEcho(DatagramSocket socket) throws IOException {
    var packet = new DatagramPacket(new byte[100], 100);
    while (true) {
      socket.receive(packet);
      socket.send(packet);
    }
  }

  @Test
  void aMethodThatTakesADatagramSocketFitsAsItIs() throws Exception {
    CopasDatagramSocket socket = copas.bindDatagram(LOCAL, 0);
    copas.addServer(socket, DatagramServersTest::oldEcho);
    copas.start();
    ask("short", socket);
    ask("a good deal longer", socket);
  }

  @Test
  void timeOutsOfTheOptionsAreTheSockets() throws Exception {
    CopasDatagramSocket socket = copas.bindDatagram(LOCAL, 0);
    var options = ServerOptions.defaults().timeouts(null, Duration.ofMillis(10));
    copas.addServer(socket, options, CopasDatagramSocket::receive);
    copas.loop();
    assertInstanceOf(SocketTimeoutException.class, errors.poll());
    assertTrue(socket.isClosed());
  }

  @Test
  void aTimeOutThatIsNotGivenStaysAsItIs() throws Exception {
    CopasDatagramSocket socket = copas.bindDatagram(LOCAL, 0);
    socket.setSoTimeout(10);
    var options = ServerOptions.defaults().timeouts(Duration.ofHours(1), null);
    var found = new CompletableFuture<Integer>();
    copas.addServer(socket, options, own -> found.complete(own.getSoTimeout()));
    copas.loop();
    assertEquals(10, found.join());
  }

  // ---- How a handler ends

  @Test
  void anErrorGoesToTheErrorHandlerAndEndsTheServer() throws Exception {
    CopasDatagramSocket socket = copas.bindDatagram(LOCAL, 0);
    copas.addServer(
        socket,
        own -> {
          own.receive();
          throw new IllegalStateException("bug");
        });
    send("x", socket);
    copas.loop();
    assertEquals("bug", nextError().getMessage());
    assertTrue(socket.isClosed(), "better no port than one where nobody answers");
  }

  private Throwable nextError() {
    @Nullable Throwable next = errors.poll();
    assertNotNull(next);
    return next;
  }

  @Test
  void aSocketThatStaysOpenCanBeAddedAgain() throws Exception {
    var keepOpen = ServerOptions.defaults().autoClose(false);
    try (var socket = copas.bindDatagram(LOCAL, 0)) {
      for (String text : List.of("one", "two")) {
        copas.addServer(
            socket, keepOpen, own -> assertEquals(text, new String(own.receive().bytes(), UTF_8)));
        send(text, socket);
        copas.loop();
        assertFalse(socket.isClosed());
      }
    }
  }

  // ---- Removing

  @Test
  void removingAServerClosesItsSocketAndTellsTheHandler() throws Exception {
    var seen = new CompletableFuture<SocketException>();
    var ended = new CompletableFuture<String>();
    CopasDatagramSocket socket = copas.bindDatagram(LOCAL, 0);
    copas.addServer(
        socket,
        own -> {
          try {
            echo(own);
          } catch (SocketException e) {
            seen.complete(e);
            Copas.pause(Duration.ofMillis(1)); // It may take its time to end in order.
            ended.complete("in order");
            throw e;
          }
        });
    copas.start();
    ask("hello", socket);
    assertTrue(copas.removeServer(socket));
    assertEquals("Socket closed", seen.join().getMessage());
    assertEquals("in order", ended.join());
    assertTrue(socket.isClosed());
    assertFalse(copas.removeServer(socket));
  }

  @Test
  void aServerThatIsRemovedWithItsSocketKeptIsCancelled() throws Exception {
    var seen = new CompletableFuture<InterruptedIOException>();
    CopasDatagramSocket socket = copas.bindDatagram(LOCAL, 0);
    copas.addServer(
        socket,
        own -> {
          try {
            echo(own);
          } catch (InterruptedIOException e) {
            seen.complete(e);
            throw e;
          }
        });
    copas.start();
    ask("first", socket);
    assertTrue(copas.removeServer(socket, true));
    assertFalse(copas.removeServer(socket, true));
    copas.addServer(socket, DatagramServersTest::echo);
    SocketFixture.assertSays("the socket is still open", seen.join());
    ask("second", socket);
    assertFalse(socket.isClosed());
  }

  @Test
  void aServerThatIsRemovedBeforeItBeginsDoesNotBegin() throws Exception {
    try (var socket = copas.bindDatagram(LOCAL, 0)) {
      var begun = new CompletableFuture<String>();
      copas.addServer(socket, own -> begun.complete(own.toString()));
      assertTrue(copas.removeServer(socket, true));
      copas.loop();
      assertFalse(begun.isDone());
      assertFalse(socket.isClosed());
    }
  }

  @Test
  void aSocketThatWasToBeKeptIsKeptAlsoWhenAllIsDropped() throws Exception {
    CopasDatagramSocket socket = echo();
    try (socket;
        var listening = copas.bind(LOCAL, 0)) {
      copas.addServer(listening, LoopFixture::echo);
      copas.loop(() -> {
        Copas.pause();
        assertTrue(copas.removeServer(socket, true));
        assertTrue(copas.removeServer(listening, true));
        copas.cancelAll(); // Before their tasks have ended.
      });
      assertFalse(socket.isClosed());
      assertFalse(listening.isClosed());
      errors.removeIf(InterruptedIOException.class::isInstance); // How the handler ends.
    }
  }

  @Test
  void aSocketHasOneServerOfItsOwnCopas() throws Exception {
    CopasDatagramSocket socket = echo();
    var twice =
        assertThrows(
            IllegalStateException.class, () -> copas.addServer(socket, DatagramServersTest::echo));
    SocketFixture.assertSays("there is a server on this socket already", twice);
    var plain =
        assertThrows(
            IllegalArgumentException.class,
            () -> copas.addServer(client, DatagramServersTest::echo));
    SocketFixture.assertSays("make it with bindDatagram()", plain);
    CopasDatagramSocket closed = copas.bindDatagram(LOCAL, 0);
    closed.close();
    var late =
        assertThrows(
            IllegalArgumentException.class,
            () -> copas.addServer(closed, DatagramServersTest::echo));
    SocketFixture.assertSays("is closed", late);
    assertFalse(copas.removeServer(closed));
  }

  // ---- How the loop ends

  @Test
  void aServerKeepsTheLoopRunningUntilExit() throws Exception {
    CopasDatagramSocket socket = echo();
    copas.addThread(() -> {
      assertFalse(copas.finished());
      Copas.pause(Duration.ofMillis(10));
      assertFalse(copas.finished(), "it waits for the next datagram");
      copas.exit();
    });
    copas.loop();
    assertFalse(socket.isClosed());
    copas.addThread(() -> {
      Copas.pause();
      send("again", socket);
      try (var other = copas.datagramSocket()) {
        other.connect(InetAddress.ofLiteral(LOCAL), socket.getLocalPort());
        other.send("from inside".getBytes(UTF_8));
        assertEquals("from inside", new String(other.receive().bytes(), UTF_8));
      }
      copas.exit();
    });
    copas.loop(); // The server goes on with the next loop.
    assertAnswered("again");
  }

  @Test
  void exitWaitsForAHandlerThatIsBusy() throws Exception {
    var done = new boolean[1];
    CopasDatagramSocket socket = copas.bindDatagram(LOCAL, 0);
    copas.addServer(
        socket,
        own -> {
          own.receive();
          copas.exit();
          Copas.pause(Duration.ofMillis(20));
          done[0] = true;
          own.receive();
        });
    send("x", socket);
    copas.loop();
    assertTrue(done[0]);
  }

  @Test
  void anIdleServerIsStoppedInPeace() throws Exception {
    CopasDatagramSocket socket = echo();
    copas.start();
    ask("hello", socket);
    assertTrue(copas.stop(Duration.ZERO));
    assertTrue(socket.isClosed());
  }

  @Test
  void aHandlerThatIsBusyHasTheTimeOfGrace() throws Exception {
    var busy = new CompletableFuture<@Nullable Void>();
    var done = new CompletableFuture<String>();
    CopasDatagramSocket socket = copas.bindDatagram(LOCAL, 0);
    copas.addServer(
        socket,
        own -> {
          own.receive();
          busy.complete(null);
          Copas.pause(Duration.ofMillis(50));
          done.complete("done");
        });
    copas.start();
    send("x", socket);
    busy.join();
    assertTrue(copas.stop(Duration.ofSeconds(20)));
    assertEquals("done", done.getNow("cut off"));
    assertTrue(socket.isClosed());
  }

  @Test
  void aHandlerThatIsBusyWithoutGraceIsCancelled() throws Exception {
    var busy = new CompletableFuture<@Nullable Void>();
    CopasDatagramSocket socket = copas.bindDatagram(LOCAL, 0);
    copas.addServer(
        socket,
        own -> {
          own.receive();
          busy.complete(null);
          Copas.pauseForever();
        });
    copas.start();
    send("x", socket);
    busy.join();
    assertFalse(copas.stop(Duration.ZERO), "something had to be cancelled");
  }

  @Test
  void cancelAllDropsTheServer() throws Exception {
    CopasDatagramSocket socket = echo();
    copas.loop(() -> {
      Copas.pause();
      copas.cancelAll();
    });
    assertTrue(socket.isClosed());
    assertFalse(copas.removeServer(socket));
  }
}
