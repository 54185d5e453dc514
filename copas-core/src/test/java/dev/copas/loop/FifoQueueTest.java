package dev.copas.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.copas.transport.NioTransport;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@Tag("native")
class FifoQueueTest {

  private final FifoQueue queue = new FifoQueue();
  private Loop loop;

  @BeforeEach
  void makeLoop() throws Exception {
    loop =
        new Loop(
            Environment.of(new FifoQueue(), new NioTransport(), Clock.SYSTEM), 64, Duration.ZERO);
  }

  @AfterEach
  void closeLoop() {
    loop.close();
  }

  @Test
  void isEmptyAtFirst() {
    assertEquals(0, queue.size());
    assertNull(queue.poll());
    assertEquals(0, queue.size());
  }

  @Test
  void behavesLikeADeque() {
    Deque<Coroutine> expected = new ArrayDeque<>();
    Deque<Coroutine> idle = new ArrayDeque<>();
    for (int i = 0; i < 20; i++) {
      idle.add(new Coroutine(loop, "c" + i, this, () -> {}));
    }
    var random = new Random(1);
    for (int step = 0; step < 10_000; step++) {
      if (random.nextBoolean() && !idle.isEmpty()) {
        Coroutine next = idle.remove();
        queue.add(next);
        expected.add(next);
      } else {
        Coroutine next = expected.poll();
        assertSame(next, queue.poll());
        if (next != null) {
          idle.add(next);
        }
      }
      assertEquals(expected.size(), queue.size());
    }
  }
}
