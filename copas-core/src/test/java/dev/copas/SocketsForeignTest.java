package dev.copas;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.SocketFixture.Pair;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

/** Our sockets in the hands of threads that are no tasks of their loop. */
@Timeout(60)
class SocketsForeignTest {

  private static final List<Thread.Builder> KINDS =
      List.of(Thread.ofPlatform().name("foreign"), Thread.ofVirtual().name("foreign-virtual"));

  /** Everything one does with a connection. */
  private static @Nullable Void useSockets(SocketFixture fixture, int port) throws Exception {
    try (CopasSocket socket = fixture.copas.connect(SocketFixture.LOCAL, port)) {
      socket.send("line\n");
      assertEquals("line", socket.receive());
      socket.send("12345".getBytes(ISO_8859_1));
      socket.flush();
      assertEquals(5, socket.receive(5).length);
      socket.setSoTimeout(20);
      assertThrows(SocketTimeoutException.class, socket::receive);
      assertEquals(0, socket.getInputStream().available());
      socket.setSoTimeout(0);
      assertTrue(socket.trySend("try\n"));
      assertEquals('t', socket.getInputStream().read());
      socket.getOutputStream().write("rest".getBytes(ISO_8859_1));
      socket.shutdownOutput();
      assertEquals("ry\nrest", new String(socket.receiveAll(), ISO_8859_1));
      assertNull(socket.receivePartial());
    }
    return null;
  }

  private static CopasServerSocket echo(SocketFixture fixture) throws Exception {
    return fixture.serve(socket -> {
      for (byte[] part; (part = socket.receivePartial()) != null; ) {
        socket.send(part);
      }
    });
  }

  @Test
  void foreignThreadsUseSocketsWhileTheLoopRuns() throws Exception {
    try (var fixture = SocketFixture.started()) {
      int port = echo(fixture).getLocalPort();
      for (Thread.Builder kind : KINDS) {
        SocketFixture.get(
            SocketFixture.<@Nullable Void>onThread(kind, () -> useSockets(fixture, port)));
      }
      assertTrue(fixture.errors.isEmpty(), fixture.errors.toString());
    }
  }

  @Tag("native")
  @Test
  void aTaskOfAnotherLoopUsesSocketsAndItsOwnLoopGoesOn() throws Exception {
    try (var fixture = SocketFixture.started();
        var other = SocketFixture.started()) {
      int port = echo(fixture).getLocalPort();
      var job = other.<@Nullable Void>start(() -> useSockets(fixture, port));
      other.runInTask(Copas::pause);
      other.result(job);
    }
  }

  @Test
  void manyForeignThreadsAtOnceEachGetTheirOwn() throws Exception {
    try (var fixture = SocketFixture.started()) {
      int port = echo(fixture).getLocalPort();
      var outcomes = new java.util.ArrayList<CompletableFuture<@Nullable Void>>();
      for (int i = 0; i < 40; i++) {
        outcomes.add(
            SocketFixture.<@Nullable Void>onThread(
                KINDS.get(i % KINDS.size()), () -> useSockets(fixture, port)));
      }
      for (var outcome : outcomes) {
        SocketFixture.get(outcome);
      }
    }
  }

  @Test
  void aForeignThreadAccepts() throws Exception {
    try (var fixture = SocketFixture.started();
        var listener = fixture.copas.bind(SocketFixture.LOCAL, 0);
        Socket client = fixture.client(listener);
        CopasSocket ours = listener.accept()) {
      ours.send("hello");
      assertEquals("hello", new String(client.getInputStream().readNBytes(5), ISO_8859_1));
    }
  }

  @Test
  void anInterruptEndsTheWaitOfAForeignThreadAndLeavesTheSocketOpen() throws Exception {
    try (var fixture = SocketFixture.started()) {
      for (Thread.Builder kind : KINDS) {
        Pair pair = fixture.pair();
        var thread = new AtomicReference<@Nullable Thread>();
        var outcome =
            SocketFixture.<@Nullable String>onThread(
                kind,
                () -> {
                  thread.set(Thread.currentThread());
                  return pair.ours().receive();
                });
        fixture.await(() -> waits(thread.get()));
        Thread waiting = thread.get();
        if (waiting != null) {
          waiting.interrupt();
        }
        assertThrows(InterruptedIOException.class, () -> SocketFixture.finish(outcome));
        assertFalse(pair.ours().isClosed());
        pair.plainSends("later\n");
        // The call that was cancelled ends in the loop's next turn, before this one begins.
        assertEquals("later", pair.ours().receive());
      }
    }
  }

  private static boolean waits(@Nullable Thread thread) {
    return thread != null && thread.getState() == Thread.State.TIMED_WAITING;
  }

  @Test
  void aCloseByAnyThreadWakesAForeignOne() throws Exception {
    try (var fixture = SocketFixture.started()) {
      for (Thread.Builder kind : KINDS) {
        Pair pair = fixture.pair();
        var thread = new AtomicReference<@Nullable Thread>();
        var outcome =
            SocketFixture.<@Nullable String>onThread(
                kind,
                () -> {
                  thread.set(Thread.currentThread());
                  return pair.ours().receive();
                });
        fixture.await(() -> waits(thread.get()));
        pair.ours().close();
        assertThrows(SocketException.class, () -> SocketFixture.finish(outcome));
      }
    }
  }

  @Tag("native")
  @Test
  void callsThatNobodyWouldAnswerAreErrorsThatSayWhatToDo() throws Exception {
    try (var fixture = SocketFixture.stepped()) {
      Pair pair = fixture.pair();
      for (CheckedRunnable<Exception> call :
          List.<CheckedRunnable<Exception>>of(
              pair.ours()::receive,
              () -> pair.ours().send("x"),
              pair.ours()::flush,
              () -> pair.ours().getInputStream().read(),
              () -> fixture.copas.connect(SocketFixture.LOCAL, 1))) {
        var error = assertThrows(IllegalStateException.class, call::run);
        SocketFixture.assertSays("start()", error);
      }
    }
  }

  @Tag("native")
  @Test
  void whatNeverWaitsWorksWhileNobodyRunsTheLoop() throws Exception {
    try (var fixture = SocketFixture.stepped()) {
      Pair pair = fixture.pair();
      pair.ours().setTcpNoDelay(true);
      pair.ours().setTimeouts(null, null, Duration.ZERO);
      pair.ours().shutdownOutput();
      assertEquals("", pair.plainReceivesAll());
      pair.ours().close();
      assertTrue(pair.ours().isClosed());
    }
  }

  /** Pools may outlive the loop, and expect what java.net throws. */
  @Test
  void aSocketOfAClosedLoopIsClosed() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      OutputStream output = pair.ours().getOutputStream();
      InputStream input = pair.ours().getInputStream();
      fixture.copas.close();
      List<Executable> calls =
          List.of(
              () -> output.write(1),
              input::read,
              () -> pair.ours().send("late\n"),
              pair.ours()::receive);
      for (Executable call : calls) {
        LoopFixture.assertSays("Copas is closed", SocketException.class, call);
      }
      pair.ours().close();
      assertEquals("", pair.plainReceivesAll());
    }
  }

  @Test
  void closingTheLoopEndsTheWaitsOfForeignThreads() throws Exception {
    for (int i = 0; i < 20; i++) {
      try (var fixture = SocketFixture.started()) {
        Pair pair = fixture.pair();
        var outcome =
            SocketFixture.<@Nullable String>onThread(KINDS.get(i % 2), pair.ours()::receive);
        fixture.copas.close();
        // Cancelled, or too late to begin: never for ever.
        var error = assertThrows(Exception.class, () -> SocketFixture.finish(outcome));
        assertTrue(
            error instanceof InterruptedIOException
                || error instanceof SocketException
                || error instanceof IllegalStateException,
            error.toString());
      }
    }
  }
}
