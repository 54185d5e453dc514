package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertIterableEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.sync.CopasFuture;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future.State;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The future of Copas. */
@Timeout(60)
class SyncFutureTest {

  private static final Duration SHORT = Duration.ofMillis(5);

  private interface Body {
    void run(Copas copas) throws Exception;
  }

  private static void run(Body body) {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> body.run(fixture.copas));
    }
  }

  @Test
  void theResultOfATaskIsThereForAllWhoAskAndAgain() {
    run(copas -> {
      CopasFuture<String> future =
          CopasFuture.addThread(
              copas,
              "worker",
              () -> {
                Copas.pause(SHORT);
                return Copas.current().name();
              });
      assertEquals(State.RUNNING, future.state());
      var seen = new ArrayList<String>();
      for (int i = 0; i < 3; i++) {
        copas.addThread(() -> seen.add(future.get()));
      }
      assertEquals("worker", future.get());
      assertEquals("worker", future.get());
      Copas.pause();
      assertEquals(3, seen.size());
      assertEquals("worker", future.resultNow());
      assertFalse(future.cancel());
    });
  }

  @Test
  void nullIsAResult() {
    run(copas -> {
      CopasFuture<@Nullable String> future = CopasFuture.addThread(copas, () -> null);
      assertNull(future.get());
    });
  }

  @Test
  void whatTheBodyThrowsIsTheCauseOfWhatIsThrownHereAndIsNotReported() {
    run(copas -> {
      var error = new IOException("no such page");
      CopasFuture<String> future =
          CopasFuture.addThread(
              copas,
              () -> {
                throw error;
              });
      assertSame(error, assertThrows(ExecutionException.class, future::get).getCause());
      assertSame(error, future.exceptionNow());
      assertEquals(State.FAILED, future.state());
    });
  }

  @Test
  void cancellingEndsTheBodyAndWhoWaits() {
    run(copas -> {
      var ended = new boolean[1];
      CopasFuture<String> future =
          CopasFuture.addThread(
              copas,
              () -> {
                try {
                  Copas.pauseForever();
                } finally {
                  ended[0] = true;
                }
                return "";
              });
      Task waiter = copas.addThread(() -> assertThrows(CancellationException.class, future::get));
      Copas.pause();
      assertTrue(future.cancel());
      assertFalse(future.cancel());
      assertTrue(future.isCancelled());
      waiter.join();
      Copas.pause();
      assertTrue(ended[0]);
    });
  }

  @Test
  void aBodyThatHasNotBegunNeverRunsWhenItIsCancelled() {
    run(copas -> {
      var begun = new boolean[1];
      CopasFuture<Boolean> future = CopasFuture.addThread(copas, () -> begun[0] = true);
      assertTrue(future.cancel());
      Copas.pause();
      Copas.pause();
      assertFalse(begun[0]);
    });
  }

  @Test
  void aBodyThatIsNotInterruptedGoesOnAndNobodyHasItsResult() {
    run(copas -> {
      CopasFuture<Integer> future =
          CopasFuture.addThread(
              copas,
              () -> {
                Copas.pause();
                return 1;
              });
      Copas.pause();
      assertTrue(future.cancel(false));
      Task task = future.task();
      assertTrue(task != null && !task.isCancelled());
      task.join();
      assertThrows(CancellationException.class, future::get);
    });
  }

  @Test
  void aFutureWhoseTaskIsCancelledIsCancelled() {
    run(copas -> {
      CopasFuture<String> future =
          CopasFuture.addThread(
              copas,
              () -> {
                Copas.pauseForever();
                return "";
              });
      Copas.pause();
      Task task = future.task();
      assertTrue(task != null);
      task.cancel();
      assertThrows(CancellationException.class, future::get);
    });
  }

  @Test
  void aFutureWhoseTaskEndsByItsCancellationIsCancelledWhateverALibraryMadeOfThat() {
    run(copas -> {
      CopasFuture<String> future =
          CopasFuture.addThread(
              copas,
              () -> {
                try {
                  Copas.pauseForever();
                  return "";
                } catch (InterruptedException e) {
                  throw new IllegalStateException("cannot go on", e);
                }
              });
      Copas.pause();
      Objects.requireNonNull(future.task()).cancel();
      assertThrows(CancellationException.class, future::get);
    });
  }

  @Test
  void whatFailsAfterTheFutureWasCancelledIsReported() {
    try (var fixture = new LoopFixture()) {
      var errors = new ArrayList<String>();
      fixture.copas.setErrorHandler((error, task, socket) -> errors.add(error.getMessage()));
      fixture.loop(() -> {
        CopasFuture<String> future =
            CopasFuture.addThread(
                fixture.copas,
                () -> {
                  assertThrows(InterruptedException.class, Copas::pauseForever);
                  throw new IOException("no rollback");
                });
        CopasFuture<String> other =
            CopasFuture.addThread(
                fixture.copas,
                () -> {
                  Copas.pauseForever();
                  return "";
                });
        Copas.pause();
        future.cancel();
        other.cancel();
      });
      assertEquals(List.of("no rollback"), errors);
    }
  }

  @Test
  void aWaitThatWouldNeverEndIsAnError() {
    try (var fixture = new LoopFixture()) {
      CopasFuture<Integer> future = CopasFuture.addThread(fixture.copas, () -> 1);
      String why = "nobody runs the loop";
      LoopFixture.assertSays(why, IllegalStateException.class, () -> future.get(SHORT));
      LoopFixture.assertSays(why, IllegalStateException.class, future::get);
      var own = new ArrayList<CopasFuture<Object>>();
      own.add(CopasFuture.addThread(fixture.copas, () -> own.getFirst().get()));
      fixture.loop();
      assertEquals(1, future.resultNow());
      assertEquals(IllegalStateException.class, own.getFirst().exceptionNow().getClass());
    }
  }

  @Test
  void whatIsThereIsNotWaitedForSoNobodyIsInterrupted() throws Exception {
    try (var fixture = new LoopFixture()) {
      var future = new CopasFuture<Integer>(fixture.copas);
      future.complete(1);
      Thread.currentThread().interrupt();
      assertEquals(1, future.get());
      assertEquals(1, future.get(SHORT));
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void itIsWaitedForAtMostSoLong() {
    run(copas -> {
      var future = new CopasFuture<String>(copas);
      assertThrows(TimeoutException.class, () -> future.get(SHORT));
      assertThrows(TimeoutException.class, () -> future.get(Duration.ZERO));
      assertThrows(TimeoutException.class, () -> future.get(1, TimeUnit.MILLISECONDS));
      assertThrows(IllegalArgumentException.class, () -> future.get(SHORT.negated()));
      assertTrue(future.complete("done"));
      assertFalse(future.complete("again"));
      assertFalse(future.fail(new IOException()));
      assertEquals("done", future.get(Duration.ZERO));
      assertEquals("done", future.get(Long.MAX_VALUE, TimeUnit.DAYS));
    });
  }

  @Test
  void aResultThatAnotherThreadBringsAsTheTimeEndsIsThere() {
    run(copas -> {
      var future = new CopasFuture<String>(copas);
      var seen = new ArrayList<String>();
      copas.addThread(() -> {
        Copas.pause(SHORT);
        Thread thread = Thread.ofPlatform().start(() -> future.complete("x"));
        while (thread.isAlive()) {
          Thread.onSpinWait(); // The waiter's time is over, too, and nobody has told it yet.
        }
      });
      Task waiter = copas.addThread(() -> seen.add(future.get(SHORT)));
      Copas.pause();
      long begin = System.nanoTime();
      while (System.nanoTime() - begin < SHORT.toNanos() * 2) {
        Thread.onSpinWait(); // Both timers are due in the next turn.
      }
      waiter.join();
      assertEquals("x", seen.getFirst());
    });
  }

  @Test
  void aWaitThatIsCancelledLeavesTheOthersTheirs() {
    run(copas -> {
      var future = new CopasFuture<String>(copas);
      Task first = copas.addThread(() -> future.get());
      var seen = new ArrayList<String>();
      Task second = copas.addThread(() -> seen.add(future.get()));
      Copas.pause();
      first.cancel();
      first.join();
      future.complete("x");
      second.join();
      assertEquals("x", seen.getFirst());
    });
  }

  /** As a callback library does it; nothing else keeps the loop here. */
  @Test
  void anotherThreadBringsTheResultAndTheLoopWaitsForIt() {
    run(copas -> {
      var answer = new CopasFuture<String>(copas);
      CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS)
          .execute(() -> answer.complete("from elsewhere"));
      assertEquals("from elsewhere", answer.get());
    });
  }

  @Test
  void aVeryLongWaitKeepsTheLoopAsOneForEverDoes() {
    for (Duration veryLong : List.of(Duration.ofDays(60_000), Duration.ofSeconds(Long.MAX_VALUE))) {
      var seen = new ArrayList<String>();
      run(copas -> {
        var answer = new CopasFuture<String>(copas);
        CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS)
            .execute(() -> answer.complete("x"));
        seen.add(answer.get(veryLong));
      });
      assertEquals(List.of("x"), seen);
    }
  }

  @Test
  void anotherThreadWaitsForTheResultOfATask() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.start();
      CopasFuture<String> future =
          CopasFuture.addThread(
              fixture.copas,
              () -> {
                Copas.pause(SHORT);
                return "x";
              });
      assertThrows(TimeoutException.class, () -> future.get(Duration.ZERO));
      assertEquals("x", future.get());
      assertEquals("x", future.get(SHORT));
    }
  }

  private static Options impatient() {
    return Options.defaults().closeTimeout(Duration.ofMillis(50));
  }

  @Test
  void aTaskThatTheLoopHasLetGoBringsItsOutcomeAllTheSame() throws Exception {
    try (var _ = new LoopFixture.Log();
        var fixture = new LoopFixture(impatient())) {
      var begun = new CountDownLatch(1);
      var end = new CountDownLatch(1);
      CopasFuture<String> future =
          CopasFuture.addThread(
              fixture.copas,
              () -> {
                begun.countDown();
                LoopFixture.awaitStubbornly(end);
                throw new IOException("the real error");
              });
      fixture.start();
      begun.await();
      assertFalse(fixture.copas.stop(Duration.ZERO));
      end.countDown();
      var failure =
          assertThrows(ExecutionException.class, () -> future.get(Duration.ofSeconds(10)));
      assertEquals("the real error", Objects.requireNonNull(failure.getCause()).getMessage());
    }
  }

  @Test
  void aTaskThatNeverBeginsSinceItsLoopIsClosedSaysSo() throws Exception {
    var fixture = new LoopFixture();
    var never = new CountDownLatch(1);
    var task =
        new Task(
            fixture.copas,
            "late",
            new TaskBody() {
              @Override
              public void run() {
                throw new AssertionError("it has begun");
              }

              @Override
              public void neverBegan() {
                never.countDown();
              }
            });
    fixture.close();
    task.coroutine().start();
    assertTrue(never.await(10, TimeUnit.SECONDS));
  }

  @Test
  void aTaskThatCleansUpWhileTheLoopClosesGetsTheResult() throws Exception {
    try (var fixture = new LoopFixture(Options.defaults().closeTimeout(Duration.ofSeconds(5)))) {
      var future = new CopasFuture<String>(fixture.copas);
      var begun = new CountDownLatch(1);
      var cleaning = new CountDownLatch(1);
      var seen = new ArrayList<String>();
      fixture.add(() -> {
        begun.countDown();
        assertThrows(InterruptedException.class, Copas::pauseForever);
        cleaning.countDown();
        seen.add(future.get());
      });
      fixture.start();
      begun.await();
      Thread closer = Thread.ofPlatform().start(fixture.copas::close);
      cleaning.await();
      assertTrue(future.complete("x"));
      closer.join();
      assertEquals(List.of("x"), seen);
    }
  }

  @Test
  void aResultThatComesAfterTheLoopWasClosedIsNoError() {
    var fixture = new LoopFixture();
    var future = new CopasFuture<String>(fixture.copas);
    fixture.close();
    assertTrue(future.complete("late"));
    assertEquals("late", future.resultNow());
  }

  @Test
  void aHundredThousandTasksAreServedInOrder() {
    run(copas -> {
      int many = 100_000;
      var future = new CopasFuture<AtomicReference<Integer>>(copas);
      var order = new ArrayList<Integer>();
      var arrived = new ArrayList<Integer>();
      for (int i = 0; i < many; i++) {
        int number = i;
        copas.addThread(() -> {
          arrived.add(number);
          future.get();
          order.add(number);
        });
      }
      while (arrived.size() < many) {
        Copas.pause();
      }
      future.complete(new AtomicReference<>());
      while (order.size() < many) {
        Copas.pause();
      }
      if (Modes.SOLO) {
        assertEquals(Set.copyOf(arrived), Set.copyOf(order)); // They go on in any order there.
      } else {
        assertIterableEquals(arrived, order);
      }
    });
  }
}
