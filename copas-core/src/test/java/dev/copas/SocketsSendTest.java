package dev.copas;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.SocketFixture.Job;
import dev.copas.SocketFixture.Pair;
import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What leaves a socket, when it does, and what happens when the peer does not take it. */
@Timeout(60)
class SocketsSendTest {

  private static final int SMALL = 4096;

  /** A null that the compiler does not see. */
  @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
  static <T> T none() {
    return (T) null;
  }

  // ---- What can be sent

  @Test
  void everyKindOfArgumentArrives() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      byte[] bytes = "0123456789".getBytes(ISO_8859_1);
      fixture.runInTask(() -> {
        CopasSocket socket = pair.ours();
        socket.send("tëxt?");
        socket.send("");
        socket.send(new byte[0]);
        socket.send(bytes);
        socket.send(bytes, 3, 4);
        socket.send(bytes, 10, 0);
        socket.send(ByteBuffer.wrap(bytes, 1, 2));
        socket.send(ByteBuffer.wrap(bytes).asReadOnlyBuffer());
        socket.send(ByteBuffer.allocateDirect(3).put(bytes, 0, 3).flip());
        socket.send(ByteBuffer.allocate(0));
        assertTrue(socket.trySend("try"));
        assertTrue(socket.trySend(bytes));
        assertTrue(socket.trySend(ByteBuffer.wrap(bytes, 8, 2)));
        socket.close();
      });
      assertEquals(
          new String("tëxt?".getBytes(UTF_8), ISO_8859_1)
              + "0123456789"
              + "3456"
              + "12"
              + "0123456789"
              + "012"
              + "try"
              + "0123456789"
              + "89",
          pair.plainReceivesAll());
    }
  }

  @Test
  void aBufferIsConsumedAndItsBytesMayChangeAfterwards() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      byte[] bytes = "before".getBytes(ISO_8859_1);
      fixture.runInTask(() -> {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        pair.ours().send(buffer);
        assertFalse(buffer.hasRemaining());
        bytes[0] = 'X';
      });
      assertEquals("before", pair.plainReceives(6));
    }
  }

  @Test
  void aTextThatTheCharsetCannotExpressIsNotSentAtAll() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      fixture.runInTask(() -> {
        CopasSocket socket = pair.ours();
        assertThrows(MalformedTextException.class, () -> socket.send("half a pair: \uD800"));
        assertThrows(MalformedTextException.class, () -> socket.trySend("\uDC00"));
        socket.setCharset(ISO_8859_1);
        var error = assertThrows(MalformedTextException.class, () -> socket.send("1 €"));
        SocketFixture.assertSays("ISO-8859-1", error);
        socket.send("caf\u00e9?");
        socket.close();
      });
      assertEquals("caf\u00e9?", pair.plainReceivesAll());
    }
  }

  @Test
  void nullAndRangesOutsideTheArrayAreRefused() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      fixture.runInTask(() -> {
        CopasSocket socket = pair.ours();
        byte[] three = new byte[3];
        assertThrows(NullPointerException.class, () -> socket.send(SocketsSendTest.<String>none()));
        assertThrows(NullPointerException.class, () -> socket.send(SocketsSendTest.<byte[]>none()));
        assertThrows(
            NullPointerException.class, () -> socket.send(SocketsSendTest.<ByteBuffer>none()));
        assertThrows(
            NullPointerException.class, () -> socket.trySend(SocketsSendTest.<String>none()));
        assertThrows(IndexOutOfBoundsException.class, () -> socket.send(three, -1, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> socket.send(three, 1, 3));
        assertThrows(IndexOutOfBoundsException.class, () -> socket.send(three, 0, -1));
        OutputStream out = socket.getOutputStream();
        assertThrows(IndexOutOfBoundsException.class, () -> out.write(three, 2, 2));
        socket.send("ok");
        socket.close();
      });
      assertEquals("ok", pair.plainReceivesAll());
    }
  }

  @Test
  void singleByteWritesArriveInOrder() throws Exception {
    byte[] message = SocketFixture.pattern(20_000, 1);
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      Job<@Nullable Void> job =
          fixture.startRun(() -> {
            OutputStream out = pair.ours().getOutputStream();
            for (int i = 0; i < message.length; i++) {
              if (i % 2 == 0) {
                pair.ours().send(message, i, 1);
              } else {
                out.write(message[i]);
              }
            }
            pair.ours().close();
          });
      assertArrayEquals(message, pair.plain().getInputStream().readAllBytes());
      fixture.result(job);
    }
  }

  // ---- When it leaves

  @Tag("native")
  @Test
  void whatIsSentLeavesTogetherWhenTheTaskGivesUpTheLoop() throws Exception {
    try (var fixture = SocketFixture.stepped()) {
      Pair pair = fixture.pair();
      var before = new ArrayList<Integer>();
      Job<@Nullable Void> job =
          fixture.startRun(() -> {
            for (String part : List.of("to", "get", "her")) {
              pair.ours().send(part);
              before.add(pair.plain().getInputStream().available());
            }
            Copas.pauseForever();
          });
      fixture.awaitWaiting(job);
      assertEquals(List.of(0, 0, 0), before);
      assertEquals("together", pair.plainReceives(8));
    }
  }

  @Test
  void whatWasSentLeavesWhateverTheTaskWaitsFor() throws Exception {
    var latch = new CountDownLatch(1);
    var lock = new ReentrantLock();
    var monitor = new Object();
    List<CheckedRunnable<Exception>> waits =
        List.of(
            () -> Thread.sleep(SocketFixture.SOON),
            () -> latch.await(),
            () -> lock.lockInterruptibly(),
            () -> {
              synchronized (monitor) {
                while (true) {
                  monitor.wait();
                }
              }
            },
            () -> Copas.pauseForever());
    lock.lock();
    try (var fixture = SocketFixture.started()) {
      for (CheckedRunnable<Exception> wait : waits) {
        Pair pair = fixture.pair();
        Job<@Nullable Void> job =
            fixture.startRun(() -> {
              pair.ours().send("left");
              wait.run();
            });
        assertEquals("left", pair.plainReceives(4));
        assertFalse(job.isDone());
      }
    } finally {
      lock.unlock();
    }
  }

  @Test
  void largeAndSmallMessagesKeepTheirOrder() throws Exception {
    byte[] message = SocketFixture.pattern(200_000, 3);
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      var job =
          fixture.startRun(() -> {
            int sent = 0;
            for (int length = 1; sent < message.length; length = length * 7 % 30_011) {
              int count = Math.min(length, message.length - sent);
              pair.ours().send(message, sent, count);
              sent += count;
            }
            pair.ours().close();
          });
      assertArrayEquals(message, pair.plain().getInputStream().readAllBytes());
      fixture.finish(job);
    }
  }

  @Test
  void flushPushesBytesOutWhileTheTaskGoesOnComputing() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      fixture.runInTask(() -> {
        pair.ours().send("now");
        pair.ours().flush();
        long deadline = System.nanoTime() + SocketFixture.SOON.toNanos();
        while (pair.plain().getInputStream().available() < 3) {
          assertTrue(System.nanoTime() < deadline, "nothing came before the task waited");
          Thread.onSpinWait();
        }
      });
    }
  }

  // ---- Peers that do not read

  @Test
  void aClientThatNeverReadsHoldsOnlyItsOwnSender() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair stuck = fixture.pair(SMALL);
      Job<@Nullable Void> sender =
          fixture.startRun(() -> stuck.ours().send(new byte[64 * 1024 * 1024]));
      var server =
          fixture.serve(socket -> {
            for (String line; (line = socket.receive()) != null; ) {
              socket.send(line + "\n");
            }
          });
      try (var client = fixture.client(server)) {
        for (int i = 0; i < 100; i++) {
          client.getOutputStream().write("hello\n".getBytes(ISO_8859_1));
          assertEquals("hello\n", new String(client.getInputStream().readNBytes(6), ISO_8859_1));
        }
      }
      assertFalse(sender.isDone());
      sender.task.cancel();
      assertThrows(java.io.InterruptedIOException.class, () -> fixture.finish(sender));
    }
  }

  @Test
  void aSendThatTimesOutTellsExactlyHowManyBytesAreOnTheirWay() throws Exception {
    byte[] message = SocketFixture.pattern(64 * 1024 * 1024, 9);
    for (int chunk : new int[] {1000, 30_000, message.length}) {
      try (var fixture = SocketFixture.started()) {
        Pair pair = fixture.pair(SMALL);
        int accepted = fixture.inTask(() -> sendUntilTimeout(pair.ours(), message, chunk));
        assertTrue(accepted > 0 && accepted < message.length, "accepted " + accepted);
        pair.ours().close();
        assertEquals(
            accepted, SocketFixture.readExpected(pair.plain().getInputStream(), message, accepted));
        assertEquals(-1, pair.plain().getInputStream().read());
      }
    }
  }

  private static int sendUntilTimeout(CopasSocket socket, byte[] message, int chunk)
      throws IOException {
    socket.setTimeouts(null, Duration.ofMillis(200), null);
    int sent = 0;
    try {
      while (sent < message.length) {
        int length = Math.min(chunk, message.length - sent);
        socket.send(message, sent, length);
        sent += length;
      }
    } catch (SocketTimeoutException e) {
      sent += e.bytesTransferred;
    }
    socket.setTimeouts(null, null, null);
    return sent;
  }

  @Test
  void sendingGoesOnAfterATimeout() throws Exception {
    byte[] message = SocketFixture.pattern(16 * 1024 * 1024, 10);
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair(SMALL);
      int accepted = fixture.inTask(() -> sendUntilTimeout(pair.ours(), message, 100_000));
      Job<@Nullable Void> rest =
          fixture.startRun(() -> {
            pair.ours().send(message, accepted, message.length - accepted);
            pair.ours().close();
          });
      assertEquals(
          message.length,
          SocketFixture.readExpected(pair.plain().getInputStream(), message, message.length));
      assertEquals(-1, pair.plain().getInputStream().read());
      fixture.result(rest);
    }
  }

  @Test
  void trySendSendsAllOrNothingAndNeverWaits() throws Exception {
    byte[] message = SocketFixture.pattern(64 * 1024 * 1024, 11);
    int chunk = 10_000;
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair(SMALL);
      int accepted =
          fixture.inTask(() -> {
            int sent = 0;
            while (pair.ours().trySend(ByteBuffer.wrap(message, sent, chunk))) {
              sent += chunk;
            }
            return sent;
          });
      assertTrue(accepted > 0, "accepted " + accepted);
      assertEquals(
          accepted, SocketFixture.readExpected(pair.plain().getInputStream(), message, accepted));
      fixture.runInTask(() -> {
        pair.ours().flush();
        assertTrue(pair.ours().trySend(ByteBuffer.wrap(message, accepted, chunk)));
        pair.ours().close();
      });
      assertArrayEquals(
          java.util.Arrays.copyOfRange(message, accepted, accepted + chunk),
          pair.plain().getInputStream().readAllBytes());
    }
  }

  @Test
  void theLongestLineCanBePassedOnWithSomethingAround() throws Exception {
    for (int most : new int[] {Options.defaults().maxLineBytes(), 300_000}) {
      try (var fixture = SocketFixture.started(Options.defaults().maxLineBytes(most))) {
        Pair from = fixture.pair();
        Pair to = fixture.pair();
        String line = "x".repeat(most);
        CompletableFuture<@Nullable Void> sending =
            SocketFixture.onThread(
                Thread.ofPlatform(),
                () -> {
                  from.plainSends(line + "\n");
                  return null;
                });
        String message = fixture.inTask(() -> "from somebody: " + from.ours().receive() + "\r\n");
        assertEquals(most + 17, message.length());
        assertTrue(fixture.inTask(() -> to.ours().trySend(message)));
        assertEquals(message, to.plainReceives(message.length()));
        SocketFixture.get(sending);
      }
    }
    assertEquals(100, Options.defaults().sendBufferBytes(100).sendBufferBytes());
    int huge = Options.defaults().maxLineBytes(Integer.MAX_VALUE).sendBufferBytes();
    assertTrue(huge > Integer.MAX_VALUE / 2, "no overflow");
  }

  @Test
  void trySendRefusesWhatCouldNeverFit() throws Exception {
    try (var fixture = SocketFixture.started(Options.defaults().sendBufferBytes(100))) {
      Pair pair = fixture.pair();
      assertTrue(fixture.inTask(() -> pair.ours().trySend(new byte[100])));
      var error =
          assertThrows(
              IllegalArgumentException.class,
              () -> fixture.runInTask(() -> pair.ours().trySend(new byte[101])));
      SocketFixture.assertSays("Options.sendBufferBytes", error);
    }
  }

  // ---- Several senders

  @Test
  void sendersTakeTurnsWithWholeMessagesFirstComeFirstServed() throws Exception {
    int size = 300_000;
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair(SMALL);
      var jobs = new ArrayList<Job<@Nullable Void>>();
      // The first one fills what the system takes, so that the others have to wait for their turn.
      int first = 16 * 1024 * 1024;
      jobs.add(fixture.startRun(() -> pair.ours().send("a".repeat(first))));
      for (String letter : List.of("b", "c", "d")) {
        fixture.awaitWaiting(jobs.getLast());
        jobs.add(fixture.startRun(() -> pair.ours().send(letter.repeat(size))));
      }
      fixture.awaitWaiting(jobs.getLast());
      assertFalse(fixture.inTask(() -> pair.ours().trySend("not now")));
      String expected = "a".repeat(first) + "b".repeat(size) + "c".repeat(size) + "d".repeat(size);
      assertEquals(expected, pair.plainReceives(expected.length()));
      for (var job : jobs) {
        fixture.result(job);
      }
    }
  }

  @Test
  void aSenderThatGivesUpItsPlaceInTheQueueSendsNothing() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair(SMALL);
      int first = 16 * 1024 * 1024;
      Job<@Nullable Void> stuck = fixture.startRun(() -> pair.ours().send("a".repeat(first)));
      fixture.awaitWaiting(stuck);
      Job<@Nullable Void> cancelled = fixture.startRun(() -> pair.ours().send("cancelled"));
      fixture.awaitWaiting(cancelled);
      Job<@Nullable Void> last = fixture.startRun(() -> pair.ours().send("last"));
      fixture.awaitWaiting(last);
      cancelled.task.cancel();
      assertThrows(java.io.InterruptedIOException.class, () -> fixture.finish(cancelled));
      assertEquals("a".repeat(first) + "last", pair.plainReceives(first + 4));
      fixture.result(stuck);
      fixture.result(last);
    }
  }

  // ---- Much of it

  @Test
  void fiftyMegabytesBothWaysAtOnceAreExact() throws Exception {
    int size = 50 * 1024 * 1024;
    byte[] ours = SocketFixture.pattern(size, 12);
    byte[] theirs = SocketFixture.pattern(size, 13);
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      Job<@Nullable Void> sender =
          fixture.startRun(() -> {
            int chunk = 0;
            for (int sent = 0; sent < size; sent += chunk) {
              chunk = Math.min(size - sent, 1 + (sent * 31 & 0xfffff));
              pair.ours().send(ours, sent, chunk);
            }
            pair.ours().shutdownOutput();
          });
      Job<Integer> receiver =
          fixture.start(
              () -> SocketFixture.readExpected(pair.ours().getInputStream(), theirs, size));
      var plainSender =
          SocketFixture.<@Nullable Void>onThread(
              Thread.ofPlatform(),
              () -> {
                pair.plainSends(theirs);
                pair.plain().shutdownOutput();
                return null;
              });
      assertEquals(size, SocketFixture.readExpected(pair.plain().getInputStream(), ours, size));
      assertEquals(-1, pair.plain().getInputStream().read());
      SocketFixture.get(plainSender);
      assertEquals(size, fixture.result(receiver));
      assertEquals(-1, fixture.inTask(() -> pair.ours().getInputStream().read()));
      fixture.result(sender);
    }
  }
}
