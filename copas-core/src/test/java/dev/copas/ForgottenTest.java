package dev.copas;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.io.OutputStream;
import java.lang.ref.WeakReference;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sockets that nobody closes, and nobody can reach any more. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ForgottenTest {

  private static final String NEVER_CLOSED = "was never closed";

  @Test
  void aForgottenConnectionIsClosedAndReported() throws Exception {
    try (var log = new LoopFixture.Log();
        var fixture = SocketFixture.started();
        var listener = fixture.plainListener()) {
      Socket peer = forget(fixture, listener);
      assertEndsWithGarbage(peer);
      LogRecord report = log.await(NEVER_CLOSED);
      assertTrue(report.getMessage().contains("to " + address(listener)), report.getMessage());
    }
  }

  @Test
  void whatWasSentBeforeStillArrives() throws Exception {
    try (var log = new LoopFixture.Log();
        var fixture = SocketFixture.started();
        var listener = fixture.plainListener()) {
      fixture.runInTask(() -> connect(fixture, listener).send("farewell"));
      Socket peer = accept(fixture, listener);
      assertEquals("farewell", new String(peer.getInputStream().readNBytes(8), UTF_8));
      assertEndsWithGarbage(peer);
      log.await(NEVER_CLOSED);
    }
  }

  @Test
  void aForgottenAcceptedConnectionIsClosedAndReported() throws Exception {
    try (var log = new LoopFixture.Log();
        var fixture = SocketFixture.started();
        var listener = fixture.copas.bind(SocketFixture.LOCAL, 0)) {
      Socket peer = fixture.client(listener);
      fixture.runInTask(() -> listener.accept().setTcpNoDelay(true));
      assertEndsWithGarbage(peer);
      LogRecord report = log.await(NEVER_CLOSED);
      assertTrue(report.getMessage().contains(":" + peer.getLocalPort()), report.getMessage());
    }
  }

  @Test
  void aConnectionThatAServerLeavesToItsHandlerIsClosedAndReported() throws Exception {
    try (var log = new LoopFixture.Log();
        var fixture = SocketFixture.started()) {
      var options = ServerOptions.defaults().autoClose(false);
      try (var server = fixture.serve(options, socket -> socket.send("x"))) {
        Socket peer = fixture.client(server);
        assertEquals('x', peer.getInputStream().read());
        assertEndsWithGarbage(peer);
        log.await(NEVER_CLOSED);
      }
    }
  }

  @Test
  void aClosedConnectionIsNotReported() throws Exception {
    try (var log = new LoopFixture.Log();
        var fixture = SocketFixture.started();
        var listener = fixture.plainListener();
        var second = fixture.plainListener()) {
      WeakReference<CopasSocket> closed =
          fixture.inTask(() -> {
            try (CopasSocket socket = connect(fixture, listener)) {
              return new WeakReference<>(socket);
            }
          });
      awaitGarbage(() -> closed.refersTo(null));
      assertEndsWithGarbage(forget(fixture, second));
      String first = log.await(NEVER_CLOSED).getMessage();
      assertTrue(first.contains(address(second)), first);
      assertEquals(0, log.soFar().size());
    }
  }

  @Test
  void aStreamKeepsItsSocket() throws Exception {
    try (var log = new LoopFixture.Log();
        var fixture = SocketFixture.started();
        var listener = fixture.plainListener();
        var other = fixture.plainListener()) {
      InputStream in = fixture.inTask(() -> connect(fixture, listener).getInputStream());
      Socket first = accept(fixture, listener);
      OutputStream out = fixture.inTask(() -> connect(fixture, listener).getOutputStream());
      Socket second = accept(fixture, listener);

      assertEndsWithGarbage(forget(fixture, other));
      String report = log.await(NEVER_CLOSED).getMessage();
      assertTrue(report.contains(address(other)), report);

      first.getOutputStream().write('1');
      assertEquals('1', (int) fixture.inTask(in::read));
      fixture.runInTask(() -> out.write('2'));
      assertEquals('2', second.getInputStream().read());
      in.close();
      out.close();
      assertEquals(0, log.soFar().size());
    }
  }

  /** Nothing but the stack of the task holds it; the child compiles what would let go of it. */
  @Test
  void aTaskThatWaitsInItsLastCallKeepsItsSocket() throws Exception {
    var result =
        LoopChildJvm.inMode(
                "-Xcomp",
                "-XX:-TieredCompilation",
                "-XX:CompileCommand=quiet",
                "-XX:CompileCommand=compileonly,dev.copas.CopasSocket*::*",
                "-XX:CompileCommand=compileonly,dev.copas.ForgottenProgram*::*",
                "-XX:CompileCommand=compileonly,java.net.Socket*::*")
            .run("", ForgottenProgram.class);
    assertEquals(new LoopChildJvm.Result(0, "both go on"), result);
  }

  private static CopasSocket connect(SocketFixture fixture, ServerSocket listener)
      throws Exception {
    return fixture.copas.connect(SocketFixture.LOCAL, listener.getLocalPort());
  }

  private static Socket accept(SocketFixture fixture, ServerSocket listener) throws Exception {
    return fixture.opened(listener.accept());
  }

  /** Connects and loses the socket; returns the peer's. */
  private static Socket forget(SocketFixture fixture, ServerSocket listener) throws Exception {
    fixture.runInTask(() -> connect(fixture, listener).setTcpNoDelay(true));
    return accept(fixture, listener);
  }

  private static String address(ServerSocket listener) {
    return SocketFixture.LOCAL + ":" + listener.getLocalPort();
  }

  /** Collects garbage until the peer sees the end of the stream. */
  private static void assertEndsWithGarbage(Socket peer) throws Exception {
    peer.setSoTimeout((int) SocketFixture.SOON.toMillis());
    CompletableFuture<Integer> end =
        SocketFixture.onThread(Thread.ofPlatform(), () -> peer.getInputStream().read());
    awaitGarbage(end::isDone);
    assertEquals(-1, end.get(1, TimeUnit.SECONDS));
  }

  private static void awaitGarbage(BooleanSupplier condition) throws InterruptedException {
    LoopFixture.eventually(() -> {
      System.gc();
      return condition.getAsBoolean();
    });
  }
}
