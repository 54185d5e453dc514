package dev.copas.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.copas.transport.NioTransport;
import dev.copas.transport.Transport;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What other threads have for a loop that is closing. */
@Tag("native")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LoopCloseTest {

  private final CompletableFuture<Boolean> actedDuringClose = new CompletableFuture<>();
  private final CompletableFuture<Thread> actor = new CompletableFuture<>();
  private final Loop loop = loop();

  private Loop loop() {
    try {
      var environment =
          Environment.of(new FifoQueue(), closingSlowly(new NioTransport()), Clock.SYSTEM);
      return new Loop(environment, 100, Duration.ZERO);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** While it closes, another thread has something for the loop. */
  private Transport closingSlowly(Transport transport) {
    return (Transport)
        Proxy.newProxyInstance(
            Transport.class.getClassLoader(),
            new Class<?>[] {Transport.class},
            (_, method, arguments) -> {
              if (method.getName().equals("close")) {
                var thread = Thread.ofPlatform().start(this::post);
                thread.join();
                actedDuringClose.complete(actor.isDone());
              }
              return method.invoke(transport, arguments);
            });
  }

  private void post() {
    loop.post(() -> actor.complete(Thread.currentThread()));
  }

  @Test
  void nothingArrivesBesideTheOwnerThatCloses() {
    loop.run(
        new Loop.Program() {
          @Override
          public boolean isOver() {
            return true;
          }

          @Override
          public void ended() {
            loop.close();
          }

          @Override
          public void released() {}
        });
    assertEquals(false, actedDuringClose.join());
    assertEquals(Thread.currentThread(), actor.join());
  }
}
