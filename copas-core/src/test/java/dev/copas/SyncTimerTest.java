package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.sync.CopasTimer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The timer of Copas. */
@Timeout(60)
class SyncTimerTest {

  private static final Duration SHORT = Duration.ofMillis(5);
  private static final Duration LONG = Duration.ofDays(1);

  private interface Body {
    void run(Copas copas) throws Exception;
  }

  private static void run(Body body) {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> body.run(fixture.copas));
    }
  }

  @Test
  void itCallsOnceAfterItsDelayAndKeepsTheLoopUntilThen() {
    try (var fixture = new LoopFixture()) {
      var calls = new ArrayList<Long>();
      long begin = System.nanoTime();
      CopasTimer.once(fixture.copas, SHORT, timer -> calls.add(System.nanoTime() - begin));
      fixture.loop();
      assertEquals(1, calls.size());
      assertTrue(calls.getFirst() >= SHORT.toNanos());
    }
  }

  @Test
  void aVeryLongDelayKeepsTheLoop() {
    try (var fixture = new LoopFixture()) {
      var timer = CopasTimer.once(fixture.copas, Duration.ofSeconds(Long.MAX_VALUE), self -> {});
      var closed = new AtomicBoolean();
      CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS)
          .execute(() ->
              fixture.copas.execute(() -> {
                timer.close();
                closed.set(true);
              }));
      fixture.loop();
      assertTrue(closed.get());
    }
  }

  @Test
  void itMayBeClosedWhileNobodyRunsTheLoop() {
    try (var fixture = new LoopFixture()) {
      var calls = new int[1];
      try (var _ = CopasTimer.every(fixture.copas, Duration.ZERO, timer -> calls[0]++)) {
        fixture.copas.cancelAll();
      }
      var timer = CopasTimer.once(fixture.copas, Duration.ZERO, self -> calls[0]++);
      timer.close();
      fixture.loop();
      assertEquals(0, calls[0]);
    }
  }

  @Test
  void itCallsAgainAndAgainUntilItIsCancelled() {
    try (var fixture = new LoopFixture()) {
      var calls = new int[1];
      CopasTimer.every(
          fixture.copas,
          SHORT,
          timer -> {
            if (++calls[0] == 3) {
              timer.cancel();
            }
          });
      fixture.loop();
      assertEquals(3, calls[0]);
    }
  }

  @Test
  void theDelayBeginsWhenTheCallHasEnded() {
    run(copas -> {
      var times = new ArrayList<Long>();
      var timer =
          CopasTimer.every(
              copas,
              SHORT,
              self -> {
                times.add(System.nanoTime());
                Copas.pause(SHORT);
                times.add(System.nanoTime());
              });
      while (times.size() < 4) {
        Copas.pause(SHORT);
      }
      timer.cancel();
      assertTrue(times.get(2) - times.get(1) >= SHORT.toNanos());
    });
  }

  @Test
  void theFirstDelayMayBeAnotherOne() {
    run(copas -> {
      var calls = new int[1];
      var timer =
          CopasTimer.builder(copas)
              .initialDelay(Duration.ZERO)
              .name("at once")
              .every(LONG, self -> calls[0]++);
      while (calls[0] == 0) {
        Copas.pause();
      }
      timer.cancel();
      timer.arm(SHORT);
      while (calls[0] == 1) {
        Copas.pause(SHORT);
      }
      timer.cancel();
    });
  }

  @Test
  void anErrorIsReportedWithTheTimersNameAndDoesNotStopIt() {
    try (var fixture = new LoopFixture()) {
      var errors = new ArrayList<String>();
      fixture.copas.setErrorHandler((error, task, socket) -> errors.add(task.name()));
      var own = new ArrayList<String>();
      var calls = new int[1];
      fixture.loop(() -> {
        CopasTimer.builder(fixture.copas)
            .name("tick")
            .every(
                SHORT,
                timer -> {
                  if (++calls[0] == 2) {
                    timer.cancel();
                  }
                  throw new IOException();
                });
        CopasTimer.builder(fixture.copas)
            .errorHandler((error, task, socket) -> own.add(String.valueOf(error.getMessage())))
            .once(
                SHORT,
                timer -> {
                  throw new IOException("its own");
                });
      });
      assertEquals(List.of("tick", "tick"), errors);
      assertEquals(List.of("its own"), own);
    }
  }

  @Test
  void aTimerThatIsArmedIsNotArmedAgainAndOneThatIsNotIsNotCancelled() {
    run(copas -> {
      var timer = CopasTimer.once(copas, LONG, self -> {});
      assertTrue(timer.isArmed());
      LoopFixture.assertSays("already armed", IllegalStateException.class, timer::arm);
      timer.cancel();
      assertFalse(timer.isArmed());
      LoopFixture.assertSays("not armed", IllegalStateException.class, timer::cancel);
      timer.close();
      timer.arm();
      timer.close();
      assertFalse(timer.isArmed());
    });
  }

  @Test
  void aTimerThatWasCancelledNeverCallsAndKeepsNoLoop() {
    run(copas -> {
      var calls = new int[1];
      CopasTimer.once(copas, Duration.ZERO, self -> calls[0]++).cancel(); // Before it began.
      var timer = CopasTimer.every(copas, LONG, self -> calls[0]++);
      Copas.pause();
      timer.cancel(); // In its delay.
      Copas.pause(SHORT);
      assertEquals(0, calls[0]);
    });
  }

  @Test
  void aTimerThatCallsOnceMayArmItselfInItsCall() {
    run(copas -> {
      var calls = new int[1];
      CopasTimer.once(
          copas,
          SHORT,
          timer -> {
            assertFalse(timer.isArmed());
            if (++calls[0] < 3) {
              timer.arm();
            }
          });
      while (calls[0] < 3) {
        Copas.pause(SHORT);
      }
    });
  }

  /** 4.11 abandons it where it waits. */
  @Test
  void aCallThatIsUnderWayGoesOnToItsEndWhenTheTimerIsCancelled() {
    run(copas -> {
      var steps = new ArrayList<String>();
      var timer =
          CopasTimer.every(
              copas,
              Duration.ZERO,
              self -> {
                steps.add("begun");
                Copas.pause(SHORT);
                steps.add("ended");
              });
      while (steps.isEmpty()) {
        Copas.pause();
      }
      timer.cancel();
      Copas.pause(SHORT.multipliedBy(4));
      assertEquals(List.of("begun", "ended"), steps);
    });
  }

  @Test
  void aTimerThatIsArmedAgainDuringACallWaitsForItsEnd() {
    run(copas -> {
      var under = new ArrayList<Task>();
      var calls = new int[1];
      var timer =
          CopasTimer.every(
              copas,
              Duration.ZERO,
              self -> {
                under.add(Copas.current());
                assertEquals(1, under.size());
                calls[0]++;
                Copas.pauseForever();
                under.clear();
              });
      while (under.isEmpty()) {
        Copas.pause();
      }
      for (int i = 0; i < 2; i++) { // What is armed here first, is cancelled while it waits.
        timer.cancel();
        timer.arm(Duration.ZERO);
        Copas.pause(SHORT);
      }
      assertEquals(1, calls[0]);
      under.getFirst().wakeup();
      while (calls[0] < 2 || under.isEmpty()) {
        Copas.pause();
      }
      timer.cancel();
      under.getFirst().wakeup();
    });
  }

  @Test
  void theErrorOfACallThatTheLoopHasLetGoIsReported() throws Exception {
    var errors = new LinkedBlockingQueue<String>();
    var end = new CountDownLatch(1);
    try (var _ = new LoopFixture.Log();
        var copas = Modes.create(Options.defaults().closeTimeout(Duration.ofMillis(50)))) {
      copas.setErrorHandler((error, task, socket) -> errors.add(error.toString()));
      var begun = new CountDownLatch(1);
      CopasTimer.once(
          copas,
          Duration.ZERO,
          self -> {
            begun.countDown();
            LoopFixture.awaitStubbornly(end);
            throw new IOException("the real error");
          });
      copas.start();
      begun.await();
      assertFalse(copas.stop(Duration.ZERO));
      end.countDown();
      String error = errors.poll(10, TimeUnit.SECONDS);
      assertEquals("java.io.IOException: the real error", error);
    }
  }

  @Test
  void whoWakesItsTaskDoesNotShortenTheDelay() {
    run(copas -> {
      var tasks = new ArrayList<Task>();
      var times = new ArrayList<Long>();
      var timer =
          CopasTimer.every(
              copas,
              SHORT,
              self -> {
                tasks.add(Copas.current());
                times.add(System.nanoTime());
              });
      while (tasks.isEmpty()) {
        Copas.pause(SHORT);
      }
      Copas.pause();
      tasks.getFirst().wakeup();
      while (tasks.size() < 2) {
        Copas.pause();
      }
      timer.cancel();
      assertTrue(times.get(1) - times.get(0) >= SHORT.toNanos());
    });
  }

  @Test
  void stoppingTheLoopEndsTimers() throws Exception {
    try (var fixture = new LoopFixture()) {
      var calls = new int[1];
      CopasTimer.every(fixture.copas, LONG, timer -> {});
      CopasTimer.builder(fixture.copas)
          .initialDelay(Duration.ZERO)
          .every(
              SHORT,
              timer -> {
                calls[0]++;
                Copas.pauseForever();
              });
      fixture.start();
      LoopFixture.eventually(() -> calls[0] > 0);
      assertFalse(fixture.copas.stop(Duration.ZERO)); // Cancelled, and no leftovers.
      assertEquals(1, calls[0]);
    }
  }

  @Test
  void itRefusesWhatMakesNoSense() {
    run(copas -> {
      assertThrows(
          IllegalArgumentException.class, () -> CopasTimer.once(copas, SHORT.negated(), t -> {}));
      assertThrows(
          IllegalArgumentException.class,
          () -> CopasTimer.builder(copas).initialDelay(SHORT.negated()));
      var timer = CopasTimer.once(copas, SHORT, self -> {});
      copas.offload(() -> {
        LoopFixture.assertSays("to the tasks", IllegalStateException.class, timer::arm);
        LoopFixture.assertSays("to the tasks", IllegalStateException.class, timer::cancel);
      });
    });
  }
}
