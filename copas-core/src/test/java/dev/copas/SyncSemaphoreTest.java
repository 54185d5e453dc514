package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertIterableEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.sync.CopasSemaphore;
import dev.copas.sync.DestroyedException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The semaphore of Copas, and what is wrong in that of 4.11. */
@Timeout(60)
class SyncSemaphoreTest {

  private static final Duration SHORT = Duration.ofMillis(5);

  private interface Body {
    void run(LoopFixture fixture, CopasSemaphore semaphore) throws Exception;
  }

  /** With room for 10, and empty. */
  private static void run(Body body) {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> body.run(fixture, new CopasSemaphore(fixture.copas, 10)));
    }
  }

  private static Task taker(
      LoopFixture fixture, CopasSemaphore semaphore, int permits, List<Integer> order) {
    return fixture.add(() -> {
      semaphore.take(permits);
      order.add(permits);
    });
  }

  @Test
  void itHasWhatItWasGivenAndNoMoreThanItHasRoomFor() {
    run((fixture, semaphore) -> {
      assertEquals(0, semaphore.getCount());
      assertTrue(semaphore.give());
      assertTrue(semaphore.give(9));
      assertFalse(semaphore.give());
      assertEquals(10, semaphore.getCount());
      semaphore.take(4);
      assertEquals(6, semaphore.getCount());
      assertFalse(semaphore.give(Integer.MAX_VALUE));
      assertEquals(10, semaphore.getCount());
      assertEquals(3, new CopasSemaphore(fixture.copas, 5, 3).getCount());
    });
  }

  @Test
  void whoWantsFewNeverOvertakesWhoWantsMany() {
    run((fixture, semaphore) -> {
      var order = new ArrayList<Integer>();
      taker(fixture, semaphore, 5, order);
      taker(fixture, semaphore, 1, order);
      Copas.pause();
      semaphore.give(4);
      assertFalse(semaphore.tryTake());
      Copas.pause();
      assertEquals(List.of(), order);
      assertEquals(2, semaphore.getWait());
      semaphore.give(2);
      Copas.pause();
      assertEquals(List.of(5, 1), order);
      assertEquals(0, semaphore.getCount());
    });
  }

  @Test
  void whatIsTooManyIsGoneAndThoseWhoWaitAreServedAllTheSame() {
    run((fixture, semaphore) -> {
      var order = new ArrayList<Integer>();
      taker(fixture, semaphore, 3, order);
      Copas.pause();
      assertFalse(semaphore.give(11));
      Copas.pause();
      assertEquals(List.of(3), order);
      assertEquals(7, semaphore.getCount());
    });
  }

  /** In 4.11 taking one fails then, although there is stock. */
  @Test
  void whoWaitedInVainLeavesNothingBehind() {
    run((_, semaphore) -> {
      semaphore.give(2);
      assertFalse(semaphore.tryTake(5, SHORT));
      assertTrue(semaphore.tryTake());
      assertEquals(1, semaphore.getCount());
      assertEquals(0, semaphore.getWait());
    });
  }

  @Test
  void whenWhoWantsManyGivesUpThoseBehindAreServed() {
    run((fixture, semaphore) -> {
      var order = new ArrayList<Integer>();
      Task first = taker(fixture, semaphore, 5, order);
      taker(fixture, semaphore, 1, order);
      Copas.pause();
      semaphore.give(2);
      assertEquals(4, semaphore.getWait());
      first.cancel();
      first.join();
      Copas.pause();
      assertEquals(List.of(1), order);
      assertEquals(1, semaphore.getCount());
    });
  }

  @Test
  void theTimeLimitOfTheSemaphoreHolds() {
    run((fixture, _) -> {
      var semaphore = new CopasSemaphore(fixture.copas, 2, 1, SHORT);
      assertThrows(TimeoutException.class, () -> semaphore.take(2));
      semaphore.take();
      assertFalse(semaphore.tryTake(1, Duration.ZERO));
    });
  }

  @Test
  void releasingAllServesThoseWhoWaitAndLeavesTheStock() {
    run((fixture, semaphore) -> {
      var order = new ArrayList<Integer>();
      taker(fixture, semaphore, 5, order);
      taker(fixture, semaphore, 7, order);
      Copas.pause();
      semaphore.give(2);
      semaphore.releaseAll();
      Copas.pause();
      assertEquals(List.of(5, 7), order);
      assertEquals(2, semaphore.getCount());
    });
  }

  @Test
  void nothingIsTakenAtOnceUnlessSomebodyWaits() {
    run((fixture, semaphore) -> {
      assertTrue(semaphore.tryTake(0));
      taker(fixture, semaphore, 1, new ArrayList<>());
      Copas.pause();
      assertFalse(semaphore.tryTake(0));
      semaphore.give();
    });
  }

  @Test
  void destroyingItEndsAllWaitsAndAllUse() {
    run((fixture, semaphore) -> {
      Task waiter = fixture.add(() -> assertThrows(DestroyedException.class, semaphore::take));
      Copas.pause();
      semaphore.give(0);
      semaphore.destroy();
      semaphore.destroy();
      waiter.join();
      assertThrows(DestroyedException.class, semaphore::take);
      assertThrows(DestroyedException.class, semaphore::tryTake);
      assertThrows(DestroyedException.class, semaphore::give);
      assertThrows(DestroyedException.class, semaphore::getCount);
      assertThrows(DestroyedException.class, semaphore::getWait);
      assertThrows(DestroyedException.class, semaphore::releaseAll);
    });
  }

  @Test
  void whoWasServedBeforeItWasDestroyedHasWhatItTook() {
    run((fixture, semaphore) -> {
      var order = new ArrayList<Integer>();
      taker(fixture, semaphore, 1, order);
      Copas.pause();
      semaphore.give();
      semaphore.destroy();
      Copas.pause();
      assertEquals(List.of(1), order);
    });
  }

  @Test
  void whoWaitForMoreThanAnIntCanTellAreCountedAsFarAsItCan() {
    run((fixture, _) -> {
      var semaphore = new CopasSemaphore(fixture.copas, Integer.MAX_VALUE, 0, null);
      taker(fixture, semaphore, Integer.MAX_VALUE, new ArrayList<>());
      taker(fixture, semaphore, Integer.MAX_VALUE, new ArrayList<>());
      Copas.pause();
      assertEquals(Integer.MAX_VALUE, semaphore.getWait());
    });
  }

  /** Here it cannot do anything itself: those who were let go have no thread to run on. */
  @Test
  @Tag("native")
  void aTaskThatTheLoopHasLetGoIsInNobodysWay() throws Exception {
    var end = new CountDownLatch(1);
    for (int i = 0; i < ForkJoinPool.getCommonPoolParallelism(); i++) {
      ForkJoinPool.commonPool().execute(() -> LoopFixture.awaitStubbornly(end));
    }
    try (var _ = new LoopFixture.Log();
        var fixture = new LoopFixture(Options.defaults().closeTimeout(Duration.ofMillis(50)))) {
      var semaphore = new CopasSemaphore(fixture.copas, 10, 0, null);
      var begun = new CountDownLatch(1);
      Task stubborn =
          fixture.add(() -> {
            begun.countDown();
            assertThrows(InterruptedException.class, semaphore::take);
            assertThrows(InterruptedException.class, semaphore::take);
          });
      fixture.start();
      begun.await();
      assertFalse(fixture.copas.stop(Duration.ZERO));
      assertTrue(stubborn.isLetGo());
      fixture.loop(() -> {
        assertEquals(0, semaphore.getWait());
        semaphore.give();
        assertTrue(semaphore.tryTake());
      });
      end.countDown();
      stubborn.join();
    } finally {
      end.countDown();
    }
  }

  @Test
  void itMayBeClosedWhileNobodyRunsTheLoop() {
    try (var fixture = new LoopFixture()) {
      var semaphore = new CopasSemaphore(fixture.copas, 1, 0, null);
      Task taker = fixture.add(() -> assertThrows(DestroyedException.class, semaphore::take));
      fixture.loop();
      semaphore.close();
      fixture.loop();
      assertSame(Task.State.ENDED, taker.state());
    }
  }

  @Test
  void itRefusesWhatMakesNoSense() {
    run((fixture, semaphore) -> {
      Copas copas = fixture.copas;
      assertThrows(IllegalArgumentException.class, () -> new CopasSemaphore(copas, 0));
      assertThrows(IllegalArgumentException.class, () -> new CopasSemaphore(copas, 2, 3));
      assertThrows(IllegalArgumentException.class, () -> new CopasSemaphore(copas, 2, -1));
      assertThrows(
          IllegalArgumentException.class, () -> new CopasSemaphore(copas, 2, 1, SHORT.negated()));
      LoopFixture.assertSays("not 11", IllegalArgumentException.class, () -> semaphore.take(11));
      assertThrows(IllegalArgumentException.class, () -> semaphore.tryTake(-1));
      assertThrows(IllegalArgumentException.class, () -> semaphore.give(-1));
      assertThrows(IllegalArgumentException.class, () -> semaphore.tryTake(1, SHORT.negated()));
      copas.offload(() -> {
        LoopFixture.assertSays("to the tasks", IllegalStateException.class, semaphore::take);
        LoopFixture.assertSays("to the tasks", IllegalStateException.class, semaphore::give);
        LoopFixture.assertSays("to the tasks", IllegalStateException.class, semaphore::destroy);
      });
    });
  }

  @Test
  void aHundredThousandTasksAreServedInOrder() {
    run((fixture, _) -> {
      int many = 100_000;
      var semaphore = new CopasSemaphore(fixture.copas, many, 0, null);
      var arrived = new ArrayList<Integer>();
      var order = new ArrayList<Integer>();
      for (int i = 0; i < many; i++) {
        int number = i;
        fixture.add(() -> {
          arrived.add(number);
          semaphore.take();
          order.add(number);
        });
      }
      while (semaphore.getWait() < many) {
        Copas.pause();
      }
      while (order.size() < many) {
        int served = order.size();
        semaphore.give(); // One at a time: in solo mode two may go on in any order.
        while (order.size() == served) {
          Copas.pause();
        }
      }
      assertIterableEquals(arrived, order);
    });
  }
}
