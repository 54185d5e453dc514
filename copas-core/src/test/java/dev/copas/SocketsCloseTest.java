package dev.copas;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.SocketFixture.Job;
import dev.copas.SocketFixture.Pair;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

/** How connections end: half, in order, late, and by force. */
@Timeout(60)
class SocketsCloseTest {

  private static final int SMALL = 4096;
  private static final int TOO_MUCH = 16 * 1024 * 1024;

  // ---- Half

  @Test
  void shutdownOutputDeliversWhatWasSentAndThenTheEnd() throws Exception {
    byte[] message = SocketFixture.pattern(TOO_MUCH, 1);
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair(SMALL);
      Job<@Nullable String> job =
          fixture.start(() -> {
            pair.ours().send(message);
            pair.ours().send("the end");
            pair.ours().shutdownOutput();
            assertTrue(pair.ours().isOutputShutdown());
            return pair.ours().receive();
          });
      assertEquals(
          message.length,
          SocketFixture.readExpected(pair.plain().getInputStream(), message, message.length));
      assertEquals("the end", pair.plainReceivesAll());
      pair.plainSends("answer\n");
      assertEquals("answer", fixture.result(job));
    }
  }

  @Test
  void sendingAfterShutdownOutputIsAnError() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      fixture.runInTask(() -> {
        var out = pair.ours().getOutputStream();
        pair.ours().shutdownOutput();
        assertThrows(SocketException.class, () -> pair.ours().send("x"));
        assertThrows(SocketException.class, () -> pair.ours().trySend("x"));
        assertThrows(SocketException.class, () -> out.write(1));
        out.flush();
        assertThrows(SocketException.class, () -> pair.ours().getOutputStream());
        assertThrows(SocketException.class, () -> pair.ours().shutdownOutput());
      });
      assertEquals("", pair.plainReceivesAll());
    }
  }

  @Test
  void shutdownOutputWakesASenderThatWaits() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair(SMALL);
      Job<@Nullable Void> sender = fixture.startRun(() -> pair.ours().send(new byte[TOO_MUCH]));
      fixture.awaitWaiting(sender);
      fixture.runInTask(pair.ours()::shutdownOutput);
      assertThrows(SocketException.class, () -> fixture.finish(sender));
    }
  }

  @Test
  void afterThePeersEndOursCanStillSend() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      pair.plainSends("question");
      pair.plain().shutdownOutput();
      fixture.runInTask(() -> {
        assertEquals("question", pair.ours().receive());
        assertNull(pair.ours().receive());
        pair.ours().send("answer");
        pair.ours().close();
      });
      assertEquals("answer", pair.plainReceivesAll());
    }
  }

  @Test
  void shutdownInputEndsTheStreamForAReceiverThatWaits() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      Job<@Nullable String> receiver = fixture.start(pair.ours()::receive);
      fixture.awaitWaiting(receiver);
      fixture.runInTask(pair.ours()::shutdownInput);
      assertNull(fixture.result(receiver));
      assertTrue(pair.ours().isInputShutdown());
      fixture.runInTask(() -> {
        assertNull(pair.ours().receive());
        assertNull(pair.ours().receivePartial());
        assertEquals(-1, pair.ours().receive(ByteBuffer.allocate(1)));
        pair.ours().send("still sends");
        pair.ours().close();
      });
      assertEquals("still sends", pair.plainReceivesAll());
    }
  }

  @Test
  void shutdownInputDropsWhatWasNotReceivedYet() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      pair.plainSends("line\nrest");
      fixture.runInTask(() -> {
        assertEquals("line", pair.ours().receive());
        pair.ours().shutdownInput();
        assertEquals(0, pair.ours().receiveAll().length);
      });
    }
  }

  // ---- While somebody waits

  /** Something that waits on a socket for ever. */
  private record Wait(String name, CopasSocket socket, CheckedRunnable<Exception> body) {}

  private static List<Wait> waits(SocketFixture fixture) throws Exception {
    var sockets = new ArrayList<Pair>();
    for (int i = 0; i < 6; i++) {
      sockets.add(fixture.pair(SMALL));
    }
    CopasSocket a = sockets.get(0).ours();
    CopasSocket b = sockets.get(1).ours();
    CopasSocket c = sockets.get(2).ours();
    CopasSocket d = sockets.get(3).ours();
    CopasSocket e = sockets.get(4).ours();
    CopasSocket f = sockets.get(5).ours();
    fixture.inTask(() -> SocketFixture.fill(e, new byte[TOO_MUCH]));
    return List.of(
        new Wait("receive a line", a, a::receive),
        new Wait("receive a number", b, () -> b.receive(10)),
        new Wait("read a stream", c, () -> c.getInputStream().readAllBytes()),
        new Wait("send", d, () -> d.send(new byte[TOO_MUCH])),
        new Wait("flush", e, e::flush),
        new Wait("receive into a buffer", f, () -> f.receive(ByteBuffer.allocate(10_000))));
  }

  @Test
  void aCloseByAnotherTaskWakesWhoeverWaits() throws Exception {
    try (var fixture = SocketFixture.started()) {
      for (Wait wait : waits(fixture)) {
        Job<@Nullable Void> job = fixture.startRun(wait.body());
        fixture.awaitWaiting(job);
        fixture.runInTask(wait.socket()::close);
        assertThrows(SocketException.class, () -> fixture.finish(job), wait.name());
      }
    }
  }

  @Test
  void aCloseByAForeignThreadWakesWhoeverWaits() throws Exception {
    try (var fixture = SocketFixture.started()) {
      for (Wait wait : waits(fixture)) {
        Job<@Nullable Void> job = fixture.startRun(wait.body());
        fixture.awaitWaiting(job);
        wait.socket().close();
        assertThrows(SocketException.class, () -> fixture.finish(job), wait.name());
      }
    }
  }

  @Test
  void aCloseWakesASenderThatWaitsForItsTurn() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair(SMALL);
      Job<@Nullable Void> first = fixture.startRun(() -> pair.ours().send(new byte[TOO_MUCH]));
      fixture.awaitWaiting(first);
      Job<@Nullable Void> second = fixture.startRun(() -> pair.ours().send("x"));
      fixture.awaitWaiting(second);
      pair.ours().close();
      assertThrows(SocketException.class, () -> fixture.finish(first));
      assertThrows(SocketException.class, () -> fixture.finish(second));
    }
  }

  @Test
  void aCloseWakesWhoeverAccepts() throws Exception {
    try (var fixture = SocketFixture.started()) {
      for (boolean inTask : new boolean[] {true, false}) {
        CopasServerSocket listener = fixture.copas.bind(SocketFixture.LOCAL, 0);
        Job<CopasSocket> job = fixture.start(listener::accept);
        fixture.awaitWaiting(job);
        if (inTask) {
          fixture.runInTask(listener::close);
        } else {
          listener.close();
        }
        assertThrows(SocketException.class, () -> fixture.finish(job));
        assertThrows(SocketException.class, () -> fixture.runInTask(listener::accept));
      }
    }
  }

  // ---- In order

  @Test
  void closeDeliversWhatWasSentToASlowReader() throws Exception {
    byte[] message = SocketFixture.pattern(TOO_MUCH, 2);
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair(SMALL);
      int accepted = fixture.inTask(() -> SocketFixture.fill(pair.ours(), message));
      pair.ours().close();
      fixture.runInTask(Copas::pause); // The reader is slower than the next turns.
      assertEquals(
          accepted,
          SocketFixture.readExpected(pair.plain().getInputStream(), message, message.length));
      assertEquals(-1, pair.plain().getInputStream().read());
    }
  }

  @Test
  void closeNeverWaits() throws Exception {
    byte[] message = SocketFixture.pattern(TOO_MUCH, 3);
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair(SMALL);
      fixture.runInTask(() -> {
        int sent = SocketFixture.fill(pair.ours(), message);
        Copas.atomic(pair.ours()::close);
        assertTrue(sent > 0);
      });
    }
  }

  @Test
  void theLoopWaitsForBytesOfClosedSocketsUntilTheCloseTimeout() throws Exception {
    byte[] message = SocketFixture.pattern(TOO_MUCH, 4);
    try (var copas = Modes.create(Options.defaults().closeTimeout(Duration.ofMillis(300)));
        var listener = copas.bind(SocketFixture.LOCAL, 0);
        var plain = new Socket()) {
      plain.setReceiveBufferSize(SMALL);
      plain.connect(listener.getLocalSocketAddress());
      plain.setSoTimeout(10_000);
      var sent = new AtomicInteger();
      long begin = System.nanoTime();
      copas.loop(() -> {
        CopasSocket ours = listener.accept();
        sent.set(SocketFixture.fill(ours, message));
        ours.close();
      });
      long millis = (System.nanoTime() - begin) / 1_000_000;
      assertTrue(millis >= 300, "the loop was over after " + millis + " ms");
      int got;
      try {
        got = SocketFixture.readExpected(plain.getInputStream(), message, message.length);
      } catch (SocketException e) {
        return; // A reset says as clearly that something is missing.
      }
      assertTrue(got < sent.get(), "all of it came, so nothing was left to drop");
    }
  }

  @Test
  void theLoopEndsAsSoonAsBytesOfClosedSocketsAreDelivered() throws Exception {
    byte[] message = SocketFixture.pattern(TOO_MUCH, 5);
    try (var copas = Modes.create(Options.defaults().closeTimeout(Duration.ofDays(1)));
        var listener = copas.bind(SocketFixture.LOCAL, 0);
        var plain = new Socket()) {
      plain.setReceiveBufferSize(SMALL);
      plain.connect(listener.getLocalSocketAddress());
      var sent = new CompletableFuture<Integer>();
      var got =
          SocketFixture.onThread(
              Thread.ofPlatform(),
              () -> {
                SocketFixture.get(sent);
                return SocketFixture.readExpected(plain.getInputStream(), message, message.length);
              });
      copas.loop(() -> {
        CopasSocket ours = listener.accept();
        int count = SocketFixture.fill(ours, message);
        ours.close();
        sent.complete(count);
      });
      assertEquals(SocketFixture.get(sent), SocketFixture.get(got));
    }
  }

  @Test
  void lingeringInTheSystemDoesNotHoldTheLoop() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair(SMALL);
      fixture.runInTask(() -> {
        // Into the system's buffers only: then it is the system that lingers.
        pair.ours().send(new byte[SMALL]);
        pair.ours().flush();
        pair.ours().setSoLinger(true, 30);
        pair.ours().close();
      });
      long begin = System.nanoTime();
      fixture.runInTask(Copas::pause);
      assertTrue(System.nanoTime() - begin < 20_000_000_000L, "the close held the loop");
      assertEquals(SMALL, pair.plainReceivesAll().length());
    }
  }

  @Test
  void closingTwiceIsFine() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      fixture.runInTask(() -> {
        pair.ours().close();
        pair.ours().close();
      });
      pair.ours().close();
      assertTrue(pair.ours().isClosed());
      assertEquals("", pair.plainReceivesAll());
    }
  }

  @Test
  void everythingAfterCloseSaysClosed() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      pair.plainSends("unread\n");
      CopasSocket socket = pair.ours();
      fixture.runInTask(() -> {
        var in = socket.getInputStream();
        var out = socket.getOutputStream();
        socket.close();
        List<Executable> calls =
            List.of(
                socket::receive,
                () -> socket.receive(1),
                socket::receiveAll,
                socket::receivePartial,
                () -> socket.receive(ByteBuffer.allocate(1)),
                () -> socket.send("x"),
                () -> socket.send(new byte[1]),
                () -> socket.trySend("x"),
                socket::flush,
                in::read,
                () -> out.write(1),
                socket::getInputStream,
                socket::getOutputStream,
                socket::shutdownInput,
                socket::shutdownOutput,
                () -> socket.setTcpNoDelay(true),
                () -> socket.setSoTimeout(1),
                () -> socket.connect(pair.plain().getLocalSocketAddress()));
        for (Executable call : calls) {
          var error = assertThrows(SocketException.class, call);
          assertTrue(
              String.valueOf(error.getMessage())
                  .toLowerCase(java.util.Locale.ROOT)
                  .contains("closed"),
              error.toString());
        }
      });
    }
  }

  @Test
  void streamsOfAClosedSocketCanBeFlushedAndClosedAsThoseOfJavaNet() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      fixture.runInTask(() -> {
        // In the reverse order, as try-with-resources does it: the first close is the socket's.
        try (var out = new java.io.DataOutputStream(pair.ours().getOutputStream());
            var in = pair.ours().getInputStream()) {
          out.writeInt(42);
          assertNotNull(in);
        }
      });
      assertEquals(42, new java.io.DataInputStream(pair.plain().getInputStream()).readInt());
    }
  }

  @Test
  void aClosedSocketStillKnowsWhoItWasConnectedTo() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      String name = pair.ours().toString();
      var remote = pair.ours().getRemoteSocketAddress();
      int localPort = pair.ours().getLocalPort();
      assertTrue(name.contains(":" + pair.plain().getLocalPort()), name);
      fixture.runInTask(pair.ours()::close);
      assertEquals(name, pair.ours().toString());
      assertEquals(pair.plain().getLocalPort(), pair.ours().getPort());
      assertEquals(pair.plain().getLocalAddress(), pair.ours().getInetAddress());
      assertEquals(remote, pair.ours().getRemoteSocketAddress());
      assertEquals(localPort, pair.ours().getLocalPort());
      assertTrue(pair.ours().isConnected());
    }
  }

  // ---- By force

  @Test
  void aResetShowsToWhoeverReceives() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      Job<@Nullable String> job = fixture.start(pair.ours()::receive);
      fixture.awaitWaiting(job);
      pair.plainResets();
      assertThrows(SocketException.class, () -> fixture.finish(job));
      assertThrows(SocketException.class, () -> fixture.runInTask(pair.ours()::receive));
    }
  }

  /** What was sent after the last receive is lost with the connection, which is no news. */
  @Test
  void aResetThatAReceiveHasToldOfIsNotToldAgainByTheClose() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      pair.plainSends("hello\n");
      pair.plainResets();
      fixture.runInTask(() -> {
        assertEquals("hello", pair.ours().receive());
        pair.ours().send("an answer\n");
        assertThrows(SocketException.class, pair.ours()::receive);
        pair.ours().close();
      });
    }
  }

  @Test
  void aResetShowsToWhoeverSends() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair(SMALL);
      Job<@Nullable Void> job = fixture.startRun(() -> pair.ours().send(new byte[TOO_MUCH]));
      fixture.awaitWaiting(job);
      pair.plainResets();
      assertThrows(SocketException.class, () -> fixture.finish(job));
      assertThrows(SocketException.class, () -> fixture.runInTask(() -> pair.ours().send("x")));
      assertThrows(SocketException.class, () -> fixture.runInTask(pair.ours()::flush));
    }
  }

  /** The system tells it once; the stream of the one who waits must not seem to end well. */
  @Test
  void aResetThatASendIsToldOfShowsToWhoeverWaitsInAReceive() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      Job<@Nullable String> job = fixture.start(pair.ours()::receive);
      fixture.awaitWaiting(job);
      fixture.runInTask(() -> {
        pair.plainResets(); // The loop does not get to look before the send does.
        pair.ours().send("x");
        assertThrows(SocketException.class, pair.ours()::flush);
      });
      assertThrows(SocketException.class, () -> fixture.finish(job));
      assertThrows(SocketException.class, () -> fixture.runInTask(pair.ours()::receive));
    }
  }

  @Test
  void sendingToAPeerThatIsGoneFailsBeforeLong() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      pair.plain().close();
      assertThrows(
          SocketException.class,
          () ->
              fixture.runInTask(() -> {
                while (true) {
                  pair.ours().send("anybody there?\n");
                  Copas.pause();
                }
              }));
      assertThrows(SocketException.class, () -> fixture.runInTask(() -> pair.ours().send("x")));
      assertThrows(SocketException.class, () -> fixture.runInTask(() -> pair.ours().trySend("x")));
    }
  }

  @Test
  void clientsThatResetAtAnyByteHurtNobody() throws Exception {
    byte[] request = "first\nsecond\nthird\n".getBytes(ISO_8859_1);
    try (var fixture = SocketFixture.started()) {
      var server =
          fixture.serve(socket -> {
            for (String line; (line = socket.receive()) != null; ) {
              socket.send(line + "\n");
            }
          });
      try (Socket witness = fixture.client(server)) {
        for (int i = 0; i <= request.length; i++) {
          for (boolean awaitsAnswers : new boolean[] {true, false}) {
            try (Socket client = fixture.client(server)) {
              client.getOutputStream().write(request, 0, i);
              if (awaitsAnswers) {
                String sent = new String(request, 0, i, ISO_8859_1);
                int answered = sent.lastIndexOf('\n') + 1;
                assertEquals(
                    sent.substring(0, answered),
                    new String(client.getInputStream().readNBytes(answered), ISO_8859_1));
              }
              client.setSoLinger(true, 0);
            }
            witness.getOutputStream().write("alive\n".getBytes(ISO_8859_1));
            assertEquals("alive\n", new String(witness.getInputStream().readNBytes(6), ISO_8859_1));
          }
        }
      }
      for (Throwable error : fixture.errors) {
        assertTrue(error instanceof SocketException, error.toString());
      }
    }
  }

  @Test
  void serversThatResetAtAnyByteAreAnErrorForTheirClient() throws Exception {
    byte[] answer = "first\nsecond\n".getBytes(ISO_8859_1);
    try (var fixture = SocketFixture.started();
        ServerSocket listener = fixture.plainListener()) {
      for (int i = 0; i <= answer.length; i++) {
        Job<List<String>> job =
            fixture.start(() -> {
              var lines = new ArrayList<String>();
              try (var socket =
                  fixture.copas.connect(SocketFixture.LOCAL, listener.getLocalPort())) {
                for (String line; (line = socket.receive()) != null; ) {
                  lines.add(line);
                }
              } catch (SocketException e) {
                lines.add("reset");
              }
              return lines;
            });
        try (Socket peer = listener.accept()) {
          peer.getOutputStream().write(answer, 0, i);
          peer.setSoLinger(true, 0);
        }
        List<String> lines = fixture.result(job);
        assertEquals("reset", lines.getLast());
        assertFalse(lines.size() > 3, lines.toString());
      }
      assertTrue(fixture.errors.isEmpty(), fixture.errors.toString());
    }
  }
}
