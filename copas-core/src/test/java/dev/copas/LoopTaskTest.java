package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tasks: pauses, wake-ups, cancelling, errors. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LoopTaskTest {

  // ---- Pauses

  @Test
  void aPauseIsNeverShorterThanAskedForAndSaysHowLongItWas() {
    LoopFixture.run(() -> {
      for (long nanos : new long[] {1, 1000, 999_999, 1_000_000, 1_000_001, 7_300_000}) {
        long begin = System.nanoTime();
        Duration said = Copas.pause(Duration.ofNanos(nanos));
        long real = System.nanoTime() - begin;
        assertTrue(real >= nanos, nanos + " took " + real);
        assertTrue(said.toNanos() >= nanos && said.toNanos() <= real, said + " was " + real);
      }
    });
  }

  @Test
  void aPauseOfNothingOrLessIsOneTurn() {
    LoopFixture.run(() -> {
      for (Duration none : List.of(Duration.ZERO, Duration.ofDays(-1))) {
        assertTrue(Copas.pause(none).compareTo(Duration.ofSeconds(10)) < 0);
      }
      assertThrows(
          IllegalStateException.class,
          () ->
              Copas.<InterruptedException>atomic(() -> {
                Copas.pause(Duration.ZERO);
              }));
    });
  }

  @Test
  void aPauseOfCenturiesEndsByWakeup() {
    try (var fixture = new LoopFixture()) {
      var shorter = new AtomicReference<@Nullable Duration>();
      Task sleeper =
          fixture.add(() -> shorter.set(Copas.pause(Duration.ofSeconds(Long.MAX_VALUE))));
      fixture.loop(() -> {
        Copas.pause();
        assertTrue(sleeper.wakeup());
      });
      Duration real = shorter.get();
      assertTrue(real != null && real.compareTo(Duration.ofSeconds(30)) < 0);
    }
  }

  @Test
  void pausingOutsideATaskIsAClearError() {
    LoopFixture.assertSays("is not a task", IllegalStateException.class, Copas::pause);
    LoopFixture.assertSays("is not a task", IllegalStateException.class, Copas::pauseForever);
    LoopFixture.assertSays("is not a task", IllegalStateException.class, Copas::current);
    LoopFixture.assertSays(
        "is not a task", IllegalStateException.class, () -> Copas.pause(Duration.ofMillis(1)));
  }

  @Test
  void wakeupSaysWhetherTheTaskWasPausing() {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        Task self = Copas.current();
        assertFalse(self.wakeup(), "it is running");
        Task notBegun = fixture.add(() -> {});
        assertFalse(notBegun.wakeup(), "it has not begun");
        notBegun.join();
        assertFalse(notBegun.wakeup(), "it has ended");
        Task sleeping = fixture.add(() -> Thread.sleep(Duration.ofDays(1)));
        Copas.pause();
        assertFalse(sleeping.wakeup(), "it waits, but not in a pause");
        sleeping.cancel();
        Task pausing = fixture.add(() -> Copas.pause(Duration.ofDays(1)));
        Copas.pause();
        assertTrue(pausing.wakeup());
        assertFalse(pausing.wakeup(), "it has been woken already");
        pausing.join();
      });
    }
  }

  @Test
  void aWakeupOfARunningTaskIsNotKeptForItsNextPause() {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        Task self = Copas.current();
        var woken = new AtomicBoolean();
        fixture.add(() -> {
          Copas.pause();
          Copas.pause();
          woken.set(self.wakeup());
        });
        self.wakeup();
        Copas.pause(Duration.ofDays(1));
        assertTrue(woken.get(), "it was over before");
      });
    }
  }

  @Test
  void aForeignThreadWakesATask() throws Exception {
    try (var fixture = new LoopFixture()) {
      var ready = new CountDownLatch(1);
      Task sleeper =
          fixture.add(() -> {
            ready.countDown();
            Copas.pause(Duration.ofDays(1));
          });
      Thread waker =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  ready.await();
                  LoopFixture.eventually(sleeper::wakeup);
                } catch (InterruptedException e) {
                  throw new AssertionError(e);
                }
              });
      fixture.loop();
      waker.join();
      assertSame(Task.State.ENDED, sleeper.state());
    }
  }

  @Test
  void aSecondWakeupBeforeTheTaskGoesOnIsFalseFromAnyThread() throws Exception {
    try (var fixture = new LoopFixture()) {
      Task timed = fixture.add(() -> Copas.pause(Duration.ofDays(1)));
      Task untimed = fixture.add(Copas::pauseForever);
      fixture.loop(() -> {
        Copas.pause();
        Copas.atomic(() -> {
          assertEquals(List.of(true, false), wakeTwiceFromOutside(timed));
          assertFalse(timed.wakeup(), "on the loop, after the other thread");
          assertTrue(untimed.wakeup());
          assertEquals(List.of(false, false), wakeTwiceFromOutside(untimed));
        });
      });
      assertSame(Task.State.ENDED, timed.state());
      assertSame(Task.State.ENDED, untimed.state());
    }
  }

  /** Holds the loop meanwhile, as a join would not: so the task cannot go on in between. */
  private static List<Boolean> wakeTwiceFromOutside(Task task) {
    var answers = new AtomicReference<@Nullable List<Boolean>>();
    Thread.ofPlatform().start(() -> answers.set(List.of(task.wakeup(), task.wakeup())));
    List<Boolean> seen;
    while ((seen = answers.get()) == null) {
      Thread.onSpinWait();
    }
    return seen;
  }

  @Test
  void aPauseWhoseTimeIsOverCannotBeWokenAnyMore() throws Exception {
    try (var fixture = new LoopFixture()) {
      Duration moment = Duration.ofMillis(20); // Real, since another thread wakes.
      var answers = new AtomicReference<@Nullable List<Boolean>>();
      var order = new ArrayList<String>();
      var tasks = new ArrayList<Task>();
      fixture.add(() -> {
        Copas.pause(moment);
        if (order.isEmpty()) { // The other's time is over too, and it has not gone on yet.
          answers.set(wakeTwiceFromOutside(tasks.getFirst()));
        }
      });
      tasks.add(
          fixture.add(() -> {
            Copas.pause(moment);
            order.add("went on");
          }));
      fixture.loop(() -> {
        Copas.pause();
        Copas.atomic(() -> spin(moment.multipliedBy(2)));
      });
      assertEquals(List.of(false, false), answers.get());
    }
  }

  private static void spin(Duration time) {
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < time.toNanos()) {
      Thread.onSpinWait();
    }
  }

  @Test
  void ofManyWakeupsOfOnePauseOneIsTrue() throws Exception {
    int rounds = 2000;
    int wakers = 2;
    try (var fixture = new LoopFixture()) {
      var woken = new AtomicInteger();
      var over = new AtomicBoolean();
      Task sleeper =
          fixture.add(() -> {
            for (int i = 0; i < rounds; i++) {
              Copas.pause(Duration.ofDays(1));
            }
            over.set(true);
          });
      Runnable wake =
          () -> {
            while (!over.get()) {
              woken.addAndGet(sleeper.wakeup() ? 1 : 0);
            }
          };
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < wakers; i++) {
        threads.add(Thread.ofPlatform().start(wake));
      }
      fixture.add(() -> {
        while (!over.get()) {
          woken.addAndGet(sleeper.wakeup() ? 1 : 0);
          Copas.pause();
        }
      });
      fixture.loop();
      for (Thread thread : threads) {
        thread.join();
      }
      assertEquals(rounds, woken.get());
    }
  }

  @Test
  void aTaskInPauseForeverDoesNotKeepTheLoop() {
    try (var fixture = new LoopFixture()) {
      Task sleeper = fixture.add(Copas::pauseForever);
      fixture.loop();
      assertSame(Task.State.WAITING, sleeper.state());
      assertTrue(fixture.copas.finished());
      assertTrue(sleeper.wakeup());
      fixture.loop();
      assertSame(Task.State.ENDED, sleeper.state());
    }
  }

  // ---- Cancelling

  @Test
  void aCancelledTaskThatSwallowsItGoesOn() {
    try (var fixture = new LoopFixture()) {
      List<String> trace = new ArrayList<>();
      fixture.loop(() -> {
        Task task =
            fixture.add(() -> {
              try {
                Copas.pause(Duration.ofDays(1));
              } catch (InterruptedException e) {
                trace.add("swallowed");
              }
              assertFalse(Thread.currentThread().isInterrupted());
              Copas.pause();
              trace.add("went on");
            });
        Copas.pause();
        task.cancel();
        task.join();
      });
      assertEquals(List.of("swallowed", "went on"), trace);
    }
  }

  @Test
  void aTaskCancelledBeforeItBeganGetsItAtItsFirstWait() {
    try (var fixture = new LoopFixture()) {
      List<String> trace = new ArrayList<>();
      fixture
          .add(() -> {
            try {
              trace.add("began");
              Copas.pause();
              trace.add("went on");
            } finally {
              trace.add("finally");
            }
          })
          .cancel();
      fixture.loop();
      assertEquals(List.of("began", "finally"), trace);
    }
  }

  @Test
  void aCancelledTaskInALockInterruptiblyLeavesItAndOthersGetTheLock() {
    try (var fixture = new LoopFixture()) {
      var lock = new ReentrantLock(true);
      List<String> trace = new ArrayList<>();
      fixture.loop(() -> {
        lock.lock();
        try {
          Task first = fixture.add(() -> locked(lock, () -> trace.add("first")));
          fixture.add(() -> locked(lock, () -> trace.add("second")));
          Copas.pause();
          first.cancel();
          first.join();
        } finally {
          lock.unlock();
        }
      });
      assertEquals(List.of("second"), trace);
    }
  }

  private static void locked(ReentrantLock lock, Runnable action) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      action.run();
    } finally {
      lock.unlock();
    }
  }

  @Test
  void cancellingAnEndedTaskDoesNothing() {
    try (var fixture = new LoopFixture()) {
      Task task = fixture.add(() -> {});
      fixture.loop();
      task.cancel();
      assertSame(Task.State.ENDED, task.state());
    }
  }

  @Test
  void aForeignThreadCancelsATask() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.start();
      Task task = fixture.add(() -> Copas.pause(Duration.ofDays(1)));
      LoopFixture.eventually(() -> task.state() == Task.State.WAITING);
      task.cancel();
      assertTrue(task.join(Duration.ofSeconds(20)));
    }
  }

  @Test
  void joinWaitsAtMostSoLongAndNeverForItself() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        Task self = Copas.current();
        LoopFixture.assertSays("itself", IllegalStateException.class, self::join);
        Task other = fixture.add(() -> Copas.pause(Duration.ofDays(1)));
        assertFalse(other.join(Duration.ofMillis(1)));
        assertFalse(other.join(Duration.ZERO));
        other.wakeup();
        assertTrue(other.join(Duration.ofSeconds(Long.MAX_VALUE)));
      });
    }
  }

  @Test
  void aTaskHasANameAndTasksWithoutOneAreNumbered() {
    try (var fixture = new LoopFixture()) {
      assertEquals("mine", fixture.copas.addThread("mine", () -> {}).name());
      assertEquals("task-1", fixture.add(() -> {}).name());
      assertEquals(
          "task-2", fixture.add(() -> assertEquals("task-2", Copas.current().name())).name());
      fixture.loop();
    }
  }

  // ---- Errors

  @Test
  void anErrorOfATaskGoesToTheErrorHandlerWithTheTask() {
    try (var copas = Modes.create()) {
      List<Object> told = new ArrayList<>();
      copas.setErrorHandler((error, task, socket) -> {
        told.add(error);
        told.add(task);
        assertNull(socket);
        assertSame(task, Copas.current());
      });
      Task other =
          copas.addThread(() -> {
            while (told.isEmpty()) {
              Copas.pause();
            }
          });
      var error = new StackOverflowError("mine");
      Task task =
          copas.addThread(() -> {
            throw error;
          });
      copas.loop();
      assertEquals(List.of(error, task), told);
      assertSame(Task.State.ENDED, other.state());
    }
  }

  @Test
  void anErrorHandlerThatThrowsIsLoggedAndHurtsNobody() throws Exception {
    try (var log = new LoopFixture.Log();
        var copas = Modes.create()) {
      copas.setErrorHandler((error, task, socket) -> {
        throw new IllegalStateException("handler");
      });
      copas.addThread(
          "poor",
          () -> {
            throw new java.io.IOException("task");
          });
      int[] others = {0};
      copas.addThread(() -> {
        Copas.pause();
        others[0]++;
      });
      copas.loop();
      assertEquals(1, others[0]);
      LogRecord record = log.await("the error handler failed on an error of task \"poor\"");
      assertEquals("handler", record.getThrown().getMessage());
      assertEquals("task", record.getThrown().getSuppressed()[0].getMessage());
    }
  }

  @Test
  void theDefaultErrorHandlerLogsWithoutHoldingTheLoop() throws Exception {
    var gate = new CountDownLatch(1);
    try (var log =
            new LoopFixture.Log() {
              @Override
              public void publish(LogRecord record) {
                try {
                  gate.await();
                } catch (InterruptedException e) {
                  throw new AssertionError(e);
                }
                super.publish(record);
              }
            };
        var copas = Modes.create()) {
      copas.addThread(
          "poor",
          () -> {
            throw new java.io.IOException("mine");
          });
      copas.loop(); // Returns although the log takes nothing.
      gate.countDown();
      LogRecord record = log.await("task \"poor\" failed");
      assertEquals("mine", record.getThrown().getMessage());
    }
  }

  @Test
  void cancellationIsNoError() {
    try (var fixture = new LoopFixture()) {
      Task task = fixture.add(() -> Copas.pause(Duration.ofDays(1)));
      fixture.loop(task::cancel);
    }
  }

  @Test
  void anInterruptedExceptionOfATaskThatNobodyCancelledIsAnError() {
    try (var copas = Modes.create()) {
      List<Throwable> told = new ArrayList<>();
      copas.setErrorHandler((error, task, socket) -> told.add(error));
      copas.addThread(() -> {
        throw new InterruptedException("mine");
      });
      copas.loop();
      assertEquals(1, told.size());
    }
  }

  @Test
  void aTaskThatIsCancelledInASocketOfTheJdkHasNotFailed() throws Exception {
    try (var fixture = new LoopFixture();
        var socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
      fixture.loop(() -> {
        Task receiver = fixture.add(() -> socket.receive(new DatagramPacket(new byte[1], 1)));
        LoopFixture.awaitWaiting(List.of(receiver));
        receiver.cancel();
      });
    }
  }

  @Test
  void aCancelledTaskWhoseLibraryWrapsTheInterruptionHasNotFailed() throws Exception {
    try (var fixture = new LoopFixture();
        var socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
      List<TaskBody> waits =
          List.of(
              () -> Copas.pause(Duration.ofDays(1)),
              new CountDownLatch(1)::await,
              () -> socket.receive(new DatagramPacket(new byte[1], 1)));
      fixture.loop(() -> {
        List<Task> tasks = waits.stream().map(wait -> fixture.add(() -> wrapped(wait))).toList();
        LoopFixture.awaitWaiting(tasks);
        tasks.forEach(Task::cancel);
      });
    }
  }

  private static void wrapped(TaskBody wait) {
    try {
      wait.run();
    } catch (Exception e) {
      throw new IllegalStateException("library", new java.io.IOException("driver", e));
    }
  }

  @Test
  void aWrappedInterruptionOfATaskThatNobodyCancelledIsAnError() {
    assertReported(
        false,
        () -> {
          throw new IllegalStateException(new InterruptedException("mine"));
        });
  }

  @Test
  void whatElseACancelledTaskFailsWithIsAnError() {
    assertReported(
        true,
        () -> {
          throw new IllegalStateException("library", new java.io.IOException("driver"));
        });
    assertReported(
        true,
        () -> {
          throw new IllegalStateException(new java.net.SocketTimeoutException("mine"));
        });
    assertReported(
        true,
        () -> {
          var one = new IllegalStateException("one");
          one.initCause(new IllegalStateException("two", one));
          throw one;
        });
  }

  @Test
  void aDeadlineThatACancelledTaskMissesLaterIsAnError() {
    assertReported(
        true,
        () ->
            Copas.within(
                Duration.ofMillis(1),
                () -> {
                  Copas.pause(Duration.ofDays(1));
                }));
  }

  /** A task that may be cancelled before, and has swallowed that. */
  private static void assertReported(boolean cancelled, TaskBody body) {
    try (var copas = Modes.create()) {
      List<Throwable> told = new ArrayList<>();
      copas.setErrorHandler((error, task, socket) -> told.add(error));
      copas.addThread(() -> {
        if (cancelled) {
          Copas.current().cancel();
          assertThrows(InterruptedException.class, Copas::pause);
        }
        body.run();
      });
      copas.loop();
      assertEquals(1, told.size(), told::toString);
    }
  }

  @Test
  void aTaskThatSwallowsItsCancellationCanAskForIt() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.start();
      Task task =
          fixture.add(() -> {
            Task self = Copas.current();
            while (!self.isCancelled()) {
              try {
                Copas.pause(Duration.ofDays(1));
              } catch (InterruptedException e) {
                assertTrue(self.isCancelled());
              }
            }
          });
      LoopFixture.eventually(() -> task.state() == Task.State.WAITING);
      assertFalse(task.isCancelled());
      task.cancel();
      assertTrue(task.join(Duration.ofSeconds(20)));
      assertTrue(task.isCancelled());
    }
  }

  @Test
  void whatEndsTheLoopCancelsItsTasks() {
    List<Consumer<Copas>> ends =
        List.of(Copas::cancelAll, copas -> copas.stop(Duration.ZERO), Copas::close);
    for (Consumer<Copas> end : ends) {
      try (var fixture = new LoopFixture()) {
        Task task = fixture.add(() -> Copas.pause(Duration.ofDays(1)));
        fixture.loop(() -> end.accept(fixture.copas));
        assertTrue(task.isCancelled());
      }
    }
  }

  @Test
  void theEndOfATimeIsNoCancellation() {
    LoopFixture.run(() -> {
      assertThrows(
          TimeoutException.class,
          () -> Copas.within(Duration.ZERO, () -> Copas.pause(Duration.ofDays(1))));
      assertFalse(Copas.current().isCancelled());
    });
  }

  @Test
  void theTimeOfTheLoopPassesAsThatOfTheSystem() {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        long system = System.nanoTime();
        long begin = fixture.copas.nanoTime();
        Duration slept = Copas.pause(Duration.ofMillis(5));
        long passed = fixture.copas.nanoTime() - begin;
        assertTrue(passed >= slept.toNanos(), "passed " + passed);
        assertTrue(passed <= System.nanoTime() - system, "passed " + passed);
      });
    }
  }
}
