package dev.copas;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.SocketFixture.Job;
import dev.copas.SocketFixture.Pair;
import java.io.InterruptedIOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

/** Waits that end early, by a time-out or because the task is cancelled. */
@Timeout(60)
class SocketsTimeoutTest {

  /** In real time, since no wait may end early by the system's clock. */
  private static final Duration SHORT = Duration.ofMillis(20);

  // ---- Time-outs

  @Test
  void everyReceiveTimesOutAndNeverEarly() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      CopasSocket socket = pair.ours();
      fixture.runInTask(() -> {
        socket.setTimeouts(null, null, SHORT);
        for (Executable receive : receives(socket)) {
          long begin = System.nanoTime();
          assertThrows(SocketTimeoutException.class, receive);
          assertTrue(System.nanoTime() - begin >= SHORT.toNanos(), "too early");
        }
      });
    }
  }

  private static List<Executable> receives(CopasSocket socket) {
    return List.of(
        socket::receive,
        () -> socket.receive(1),
        socket::receiveAll,
        socket::receivePartial,
        () -> socket.receive(ByteBuffer.allocate(1)),
        () -> socket.receive(ByteBuffer.allocate(10_000)),
        () -> socket.getInputStream().read());
  }

  @Tag("native")
  @Test
  void aTimeoutOfZeroOnlyLooks() throws Exception {
    try (var fixture = SocketFixture.stepped()) {
      Pair pair = fixture.pair();
      CopasSocket socket = pair.ours();
      fixture.runInTask(() -> {
        socket.setTimeouts(Duration.ZERO, Duration.ZERO, Duration.ZERO);
        for (Executable receive : receives(socket)) {
          assertThrows(SocketTimeoutException.class, receive);
        }
      });
      pair.plainSends("one\ntwo\nthree");
      fixture.runInTask(() -> {
        assertEquals("one", socket.receive());
        assertEquals("two", socket.receive());
        assertThrows(SocketTimeoutException.class, socket::receive);
        assertEquals("three", new String(socket.receive(5), ISO_8859_1));
        assertThrows(SocketTimeoutException.class, socket::receivePartial);
        socket.send("there is room");
        socket.flush();
      });
      assertEquals("there is room", pair.plainReceives(13));
      pair.plain().shutdownOutput();
      assertNull(fixture.inTask(socket::receive));
    }
  }

  @Test
  void aTimeoutLosesNothing() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      CopasSocket socket = pair.ours();
      socket.setTimeouts(null, null, SHORT);
      pair.plainSends("par");
      fixture.runInTask(() -> {
        assertThrows(SocketTimeoutException.class, socket::receive);
        assertThrows(SocketTimeoutException.class, () -> socket.receive(10));
        assertThrows(SocketTimeoutException.class, socket::receiveAll);
        socket.setTimeouts(null, null, null);
      });
      pair.plainSends("tial\n");
      assertEquals("partial", fixture.inTask(socket::receive));
    }
  }

  @Test
  void aNegativeTimeoutIsRefusedAndChangesNothing() throws Exception {
    try (var fixture = SocketFixture.started()) {
      CopasSocket socket = fixture.pair().ours();
      socket.setTimeouts(null, null, Duration.ofMillis(1500));
      Duration bad = Duration.ofNanos(-1);
      for (Executable set :
          List.<Executable>of(
              () -> socket.setTimeouts(bad, null, null),
              () -> socket.setTimeouts(null, bad, null),
              () -> socket.setTimeouts(null, null, bad),
              () -> ServerOptions.defaults().timeouts(bad, null),
              () -> ServerOptions.defaults().timeouts(null, bad))) {
        var error = assertThrows(IllegalArgumentException.class, set);
        SocketFixture.assertSays("negative", error);
      }
      assertThrows(IllegalArgumentException.class, () -> socket.setSoTimeout(-1));
      assertEquals(1500, socket.getSoTimeout());
    }
  }

  @Test
  void soTimeoutAndReceiveTimeoutAreOneThing() throws Exception {
    try (var fixture = SocketFixture.started()) {
      CopasSocket socket = fixture.pair().ours();
      assertEquals(0, socket.getSoTimeout());
      socket.setTimeouts(null, null, Duration.ofSeconds(2));
      assertEquals(2000, socket.getSoTimeout());
      socket.setTimeouts(null, null, Duration.ZERO);
      assertEquals(1, socket.getSoTimeout());
      socket.setTimeouts(null, null, Duration.ofNanos(1));
      assertEquals(1, socket.getSoTimeout());
      socket.setTimeouts(null, null, Duration.ofDays(365_000_000));
      assertEquals(0, socket.getSoTimeout());
      socket.setSoTimeout(30);
      assertEquals(30, socket.getSoTimeout());
      assertThrows(SocketTimeoutException.class, () -> fixture.runInTask(socket::receive));
      socket.setSoTimeout(0);
      assertEquals(0, socket.getSoTimeout());
      Job<@Nullable String> job = fixture.start(socket::receive);
      fixture.awaitWaiting(job);
      assertFalse(job.isDone());
    }
  }

  @Test
  void acceptTimesOut() throws Exception {
    try (var fixture = SocketFixture.started();
        var listener = fixture.copas.bind(SocketFixture.LOCAL, 0)) {
      listener.setSoTimeout(20);
      assertEquals(20, listener.getSoTimeout());
      assertThrows(SocketTimeoutException.class, () -> fixture.runInTask(listener::accept));
      fixture.client(listener);
      fixture.inTask(listener::accept).close();
    }
  }

  // ---- Cancelled tasks

  @Test
  void aCancelledReceiveLosesNothingAndLeavesTheSocketOpen() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      CopasSocket socket = pair.ours();
      for (int i = 0; i < 7; i++) {
        Executable receive = receives(socket).get(i);
        Job<@Nullable Void> job = fixture.startRun(() -> checkInterrupted(receive, socket));
        fixture.awaitWaiting(job);
        job.task.cancel();
        fixture.result(job);
      }
      Job<@Nullable Void> job = fixture.startRun(() -> checkInterrupted(socket::receive, socket));
      pair.plainSends("par");
      fixture.awaitWaiting(job);
      job.task.cancel();
      fixture.result(job);
      pair.plainSends("tial\n");
      assertEquals("partial", fixture.inTask(socket::receive));
    }
  }

  /** The interrupt ends the wait and nothing else: not even java.net's streams close the socket. */
  private static void checkInterrupted(Executable wait, CopasSocket socket) throws Exception {
    var error = assertThrows(InterruptedIOException.class, wait);
    assertFalse(error instanceof SocketTimeoutException, error.toString());
    assertFalse(Thread.currentThread().isInterrupted());
    assertFalse(socket.isClosed());
    Copas.pause(); // The task goes on as any other.
  }

  @Test
  void aCancelledSendTellsAndLeavesTheSocketOpen() throws Exception {
    byte[] message = SocketFixture.pattern(16 * 1024 * 1024, 1);
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair(4096);
      CopasSocket socket = pair.ours();
      var source = ByteBuffer.wrap(message);
      Job<@Nullable Void> job =
          fixture.startRun(() -> checkInterrupted(() -> socket.send(source), socket));
      fixture.awaitWaiting(job);
      job.task.cancel();
      fixture.result(job);
      Job<@Nullable Void> rest =
          fixture.startRun(() -> {
            socket.send(source); // What has not left yet.
            socket.close();
          });
      assertEquals(
          message.length,
          SocketFixture.readExpected(pair.plain().getInputStream(), message, message.length));
      assertEquals(-1, pair.plain().getInputStream().read());
      fixture.result(rest);
    }
  }

  @Test
  void aCancelledAcceptLeavesTheSocketOpen() throws Exception {
    try (var fixture = SocketFixture.started();
        var listener = fixture.copas.bind(SocketFixture.LOCAL, 0)) {
      Job<CopasSocket> job = fixture.start(listener::accept);
      fixture.awaitWaiting(job);
      job.task.cancel();
      assertThrows(InterruptedIOException.class, () -> fixture.finish(job));
      assertFalse(listener.isClosed());
      fixture.client(listener);
      fixture.inTask(listener::accept).close();
    }
  }

  @Test
  void aReceiveThatNeedNotWaitIgnoresAnInterruptAndKeepsItsStatus() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      pair.plainSends("a\nb\n");
      fixture.runInTask(() -> {
        assertEquals("a", pair.ours().receive());
        Thread.currentThread().interrupt();
        assertEquals("b", pair.ours().receive());
        assertTrue(Thread.interrupted());
      });
    }
  }

  @Test
  void aCancelledHandlerIsNoError() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var tasks = new LinkedBlockingQueue<Task>();
      var server =
          fixture.serve(socket -> {
            tasks.add(Copas.current());
            socket.receive();
          });
      Socket client = fixture.client(server);
      Task task = tasks.take();
      fixture.await(() -> task.state() == Task.State.WAITING);
      task.cancel();
      assertEquals(-1, client.getInputStream().read());
      assertTrue(fixture.errors.isEmpty(), fixture.errors.toString());
    }
  }
}
