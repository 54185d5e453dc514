package dev.copas;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.copas.SocketFixture.Job;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Two tasks wait in the last call on their sockets, which nothing else holds. */
final class ForgottenProgram {

  private ForgottenProgram() {}

  @SuppressWarnings("SystemOut")
  public static void main(String[] args) throws Exception {
    Logger log = Logger.getLogger("dev.copas");
    log.setLevel(Level.OFF);
    try (var fixture = SocketFixture.started();
        var listener = fixture.plainListener()) {
      Job<@Nullable String> line = fixture.start(() -> connect(fixture, listener).receive());
      Socket first = fixture.opened(listener.accept());
      Job<Integer> read =
          fixture.start(() -> connect(fixture, listener).getInputStream().read(new byte[1]));
      Socket second = fixture.opened(listener.accept());
      fixture.awaitWaiting(line);
      fixture.awaitWaiting(read);

      fixture.runInTask(() -> connect(fixture, listener).setTcpNoDelay(true));
      collect(fixture.opened(listener.accept()));

      first.getOutputStream().write("x\n".getBytes(UTF_8));
      second.getOutputStream().write('y');
      if ("x".equals(fixture.result(line)) && fixture.result(read) == 1) {
        System.out.print("both go on");
      }
    }
  }

  private static CopasSocket connect(SocketFixture fixture, ServerSocket listener)
      throws IOException {
    return fixture.copas.connect(SocketFixture.LOCAL, listener.getLocalPort());
  }

  /** Until the peer of a forgotten socket sees the end, and a little longer. */
  private static void collect(Socket peer) throws Exception {
    CompletableFuture<Integer> end =
        SocketFixture.onThread(Thread.ofPlatform(), () -> peer.getInputStream().read());
    for (int more = 0; more < 3; more += end.isDone() ? 1 : 0) {
      System.gc();
      Thread.sleep(20);
    }
  }
}
