package dev.copas;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.loop.Clock;
import dev.copas.loop.Coroutine;
import dev.copas.loop.Environment;
import dev.copas.loop.FifoQueue;
import dev.copas.loop.ReadyQueue;
import dev.copas.transport.Transports;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Tasks that were woken, and that the JDK makes ready only later, as it does while somebody takes
 * their stack.
 */
@Tag("native")
@Timeout(60)
class LoopLateTest {

  private static final class LateQueue implements ReadyQueue {

    private final FifoQueue inTime = new FifoQueue();
    private final Queue<Coroutine> late = new ArrayDeque<>();
    private boolean isLate;

    @Override
    public void add(Coroutine coroutine) {
      if (isLate) {
        late.add(coroutine);
      } else {
        inTime.add(coroutine);
      }
    }

    @Override
    public @Nullable Coroutine poll() {
      return inTime.poll();
    }

    @Override
    public int size() {
      return inTime.size();
    }

    void catchUp() {
      isLate = false;
      late.forEach(inTime::add);
    }
  }

  private static void check(Consumer<Task> waking) throws Exception {
    var queue = new LateQueue();
    var environment = Environment.of(queue, Transports.NIO.open(), Clock.SYSTEM);
    try (var copas = Copas.create(Options.defaults(), environment)) {
      var over = new AtomicBoolean();
      Task sleeper =
          copas.addThread(() -> {
            try {
              Copas.pauseForever();
            } finally {
              over.set(true);
            }
          });
      copas.step();
      assertTrue(copas.finished(), "it waits for nothing but a wake-up");
      copas.addThread(() -> {
        queue.isLate = true;
        waking.accept(sleeper);
      });
      copas.step();
      assertFalse(copas.finished(), "it is woken, though not ready");
      queue.catchUp();
      copas.step();
      assertTrue(over.get());
      assertTrue(copas.finished());
    }
  }

  @Test
  void aServerThatWasToldOfAConnectionKeepsTheLoopRunningBeforeItIsReady() throws Exception {
    var queue = new LateQueue();
    var environment = Environment.of(queue, Transports.NIO.open(), Clock.SYSTEM);
    try (var copas = Copas.create(Options.defaults(), environment);
        var server = copas.bind(SocketFixture.LOCAL, 0)) {
      copas.addServer(server, LoopFixture::echo);
      copas.step();
      copas.exit();
      copas.step();
      assertTrue(copas.finished(), "nobody is served");
      queue.isLate = true;
      try (var _ = new Socket(server.getInetAddress(), server.getLocalPort())) {
        copas.step(Duration.ofSeconds(10));
        assertFalse(copas.finished(), "the server is woken, though not ready");
        queue.catchUp();
      }
    }
  }

  @Test
  void aTaskThatWasWokenKeepsTheLoopRunningBeforeItIsReady() throws Exception {
    check(Task::wakeup);
  }

  @Test
  void aTaskThatWasCancelledKeepsTheLoopRunningBeforeItIsReady() throws Exception {
    check(Task::cancel);
  }
}
