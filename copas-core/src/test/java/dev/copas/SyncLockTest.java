package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertIterableEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.loop.Clock;
import dev.copas.loop.Environment;
import dev.copas.sync.CopasLock;
import dev.copas.sync.DestroyedException;
import dev.copas.transport.Transport;
import dev.copas.transport.Transports;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The lock of Copas, and what is wrong in that of 4.11. */
@Timeout(60)
class SyncLockTest {

  private static final Duration SHORT = Duration.ofMillis(5);

  private interface Body {
    void run(LoopFixture fixture, CopasLock lock) throws Exception;
  }

  private static void run(Body body) {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> body.run(fixture, new CopasLock(fixture.copas)));
    }
  }

  /** A task that has the lock until it is woken. */
  private static Task holder(LoopFixture fixture, CopasLock lock) throws InterruptedException {
    Task holder =
        fixture.copas.addThread(
            "holder",
            () -> {
              try (var _ = lock.get()) {
                Copas.pauseForever();
              }
            });
    Copas.pause();
    return holder;
  }

  @Test
  void oneTaskAtATimeHasIt() {
    run((fixture, lock) -> {
      var inside = new int[1];
      var tasks = new ArrayList<Task>();
      for (int i = 0; i < 10; i++) {
        tasks.add(
            fixture.add(() -> {
              try (var _ = lock.get()) {
                assertEquals(1, ++inside[0]);
                Copas.pause();
                assertEquals(1, inside[0]--);
              }
            }));
      }
      for (Task task : tasks) {
        task.join();
      }
      assertTrue(lock.tryGet());
    });
  }

  @Test
  void whoWaitsGetsItInTheOrderInWhichTheyCame() {
    run((fixture, lock) -> {
      Task holder = holder(fixture, lock);
      var order = new ArrayList<Integer>();
      for (int i = 0; i < 5; i++) {
        int number = i;
        fixture.add(() -> {
          try (var _ = lock.get()) {
            order.add(number);
          }
        });
      }
      Copas.pause();
      holder.wakeup();
      try (var hold = lock.get()) {
        assertEquals(List.of(0, 1, 2, 3, 4), order);
        assertFalse(hold.waited().isZero());
      }
    });
  }

  @Test
  void itIsHandedOverSoThatNobodyGetsInBetween() {
    run((fixture, lock) -> {
      lock.get();
      var served = new boolean[1];
      Task waiter =
          fixture.add(() -> {
            try (var _ = lock.get()) {
              served[0] = true;
            }
          });
      Copas.pause();
      lock.release();
      assertFalse(lock.tryGet());
      waiter.join();
      assertTrue(served[0]);
    });
  }

  @Test
  void itsOwnerGetsItAgainAtOnceAndReleasesItAsOften() {
    run((fixture, lock) -> {
      try (var _ = lock.get();
          var _ = Copas.atomic(() -> lock.get())) {
        assertTrue(lock.tryGet());
        lock.release();
        Task other = Copas.current();
        assertTrue(lock.toString().contains(other.name()), lock.toString());
      }
      assertThrows(IllegalStateException.class, lock::release);
    });
  }

  @Test
  void aLockThatIsNotReentrantIsWaitedForByItsOwnerToo() {
    run((fixture, _) -> {
      var lock = CopasLock.notReentrant(fixture.copas, SHORT);
      lock.get();
      assertFalse(lock.tryGet());
      assertThrows(TimeoutException.class, lock::get);
      lock.release();
      assertTrue(lock.tryGet());
    });
  }

  @Test
  void theTimeLimitOfTheLockHolds() {
    run((fixture, _) -> {
      var lock = new CopasLock(fixture.copas, SHORT);
      Task holder = holder(fixture, lock);
      String message = String.valueOf(assertThrows(TimeoutException.class, lock::get).getMessage());
      assertTrue(message.contains("holder"), message);
      holder.cancel();
    });
  }

  @Test
  void withoutATimeLimitItIsWaitedForEver() {
    run((fixture, _) -> {
      var lock = new CopasLock(fixture.copas, null);
      Task holder = holder(fixture, lock);
      fixture.add(() -> {
        Copas.pause(SHORT);
        holder.wakeup();
      });
      lock.get().close();
    });
  }

  /** In 4.11 it stays in line and gets the lock, which nobody releases then. */
  @Test
  void aTryWithoutTimeDoesNotStayInLine() {
    run((fixture, lock) -> {
      Task holder = holder(fixture, lock);
      assertFalse(lock.tryGet());
      assertFalse(lock.tryGet(Duration.ZERO));
      assertFalse(lock.tryGet(SHORT));
      holder.wakeup();
      holder.join();
      fixture.add(() -> assertTrue(lock.tryGet())).join();
    });
  }

  /** In 4.11 it may own the lock for ever. */
  @Test
  void aTaskThatIsCancelledWhileItWaitsLeavesTheLine() {
    run((fixture, lock) -> {
      Task holder = holder(fixture, lock);
      Task waiter = fixture.add(() -> lock.get());
      Copas.pause();
      waiter.cancel();
      waiter.join();
      holder.wakeup();
      try (var _ = lock.get()) {
        holder.join();
      }
    });
  }

  @Test
  void aTaskThatIsCancelledInTheSameTurnAsItGetsTheLockHasIt() {
    run((fixture, lock) -> {
      lock.get();
      Task waiter =
          fixture.add(() -> {
            try (var _ = lock.get()) {
              assertThrows(InterruptedException.class, Copas::pauseForever);
            }
          });
      Copas.pause();
      lock.release();
      waiter.cancel();
      try (var _ = lock.get()) {
        waiter.join();
      }
    });
  }

  /** Whatever the clock says between two looks at it: time passes with each of them. */
  @Test
  @Tag("native")
  void aCancellationIsKeptWhenTheLockComesAsTheTimeEnds() throws Exception {
    var ticks = new AtomicLong();
    var system = Environment.ofNativeMode(Transports.NIO);
    var environment =
        new Environment(system.carrier(), system.transport(), new TickingClock(ticks));
    try (var copas = Copas.create(Options.defaults().watchdogLimit(Duration.ZERO), environment)) {
      var seen = new ArrayList<String>();
      copas.loop(() -> {
        for (int nanos = 1; nanos < 40; nanos++) {
          getWhileCancelled(copas, Duration.ofNanos(nanos), seen);
        }
      });
      assertTrue(seen.contains("got it, interrupted: true"), seen.toString());
      assertFalse(seen.contains("got it, interrupted: false"), seen.toString());
    }
  }

  private static void getWhileCancelled(Copas copas, Duration atMost, List<String> seen)
      throws InterruptedException {
    var lock = new CopasLock(copas);
    lock.tryGet();
    Task waiter =
        copas.addThread(() -> {
          if (lock.tryGet(atMost)) {
            seen.add("got it, interrupted: " + Thread.interrupted());
            lock.release();
          }
        });
    Copas.pause();
    lock.release();
    waiter.cancel();
    waiter.join();
  }

  private record TickingClock(AtomicLong ticks) implements Clock {

    @Override
    public long nanoTime() {
      return ticks.incrementAndGet();
    }

    @Override
    public void sleep(Transport transport, long nanos, boolean quiet) throws IOException {
      ticks.addAndGet(nanos);
      transport.poll(0);
    }
  }

  @Test
  void aCancellationBetweenTwoRunsIsKeptWhenTheLockComesFirst() throws Exception {
    try (var fixture = new LoopFixture()) {
      var lock = new CopasLock(fixture.copas, null);
      var seen = new ArrayList<Boolean>();
      Task owner =
          fixture.add(() -> {
            lock.get();
            Copas.pauseForever();
            lock.release();
          });
      Task waiter =
          fixture.add(() -> {
            lock.get();
            seen.add(Thread.interrupted());
            lock.release();
          });
      fixture.loop();
      owner.wakeup();
      waiter.cancel();
      if (Modes.SOLO) { // There it looks at once, and waits for somebody to run the loop.
        LoopFixture.eventually(() -> !waiter.coroutine().thread().isInterrupted());
      }
      fixture.loop();
      assertEquals(List.of(true), seen);
    }
  }

  @Test
  void aTaskWhoseTimeIsOverInTheSameTurnAsItGetsTheLockGivesItBack() {
    run((fixture, lock) -> {
      lock.get();
      Task waiter =
          fixture.add(() ->
              assertThrows(
                  TimeoutException.class,
                  () ->
                      Copas.within(
                          SHORT,
                          () -> {
                            try (var _ = lock.get()) {
                              Copas.pauseForever();
                            }
                          })));
      Copas.pause();
      long begin = System.nanoTime();
      while (System.nanoTime() - begin < SHORT.toNanos() * 2) {
        Thread.onSpinWait(); // Its timer is due, and has not fired.
      }
      lock.release();
      waiter.join();
      assertTrue(lock.tryGet());
    });
  }

  /** In 4.11 it keeps the lock. */
  @Test
  void theLockOfAnOwnerThatEndedGoesToTheNextOneAndIsReported() {
    try (var fixture = new LoopFixture()) {
      var errors = new ArrayList<String>();
      var owners = new ArrayList<Task>();
      fixture.copas.setErrorHandler((error, task, socket) -> {
        errors.add(error.getMessage());
        owners.add(task);
      });
      fixture.loop(() -> {
        var lock = new CopasLock(fixture.copas);
        Task owner =
            fixture.copas.addThread(
                "forgetful",
                () -> {
                  lock.get();
                  Copas.pause();
                });
        Copas.pause();
        try (var _ = lock.get()) { // Waits for it.
          assertSame(Task.State.ENDED, owner.state());
        }
        Copas.pause();
        assertTrue(errors.getFirst().contains("forgetful"), errors.getFirst());
        assertSame(owner, owners.getFirst());
        fixture.copas.addThread("other", () -> lock.get()).join();
        assertTrue(lock.tryGet()); // Finds it.
        lock.release();
        Copas.pause();
        assertTrue(errors.get(1).contains("other"), errors.get(1));
      });
    }
  }

  @Test
  void theLockOfAnOwnerThatTheLoopHasLetGoGoesToTheNextOneWhenItEnds() throws Exception {
    try (var _ = new LoopFixture.Log();
        var fixture = new LoopFixture(Options.defaults().closeTimeout(Duration.ofMillis(50)))) {
      var errors = new ArrayList<String>();
      fixture.copas.setErrorHandler((error, task, socket) -> errors.add(task.name()));
      var lock = new CopasLock(fixture.copas, null);
      var begun = new CountDownLatch(1);
      var end = new CountDownLatch(1);
      fixture.copas.addThread(
          "stubborn",
          () -> {
            lock.get();
            begun.countDown();
            LoopFixture.awaitStubbornly(end);
          });
      fixture.start();
      begun.await();
      assertFalse(fixture.copas.stop(Duration.ZERO));
      fixture.loop(() -> {
        Task waiter = fixture.add(() -> assertTrue(lock.tryGet(Duration.ofSeconds(10))));
        Copas.pause();
        assertSame(Task.State.WAITING, waiter.state());
        end.countDown();
        waiter.join();
      });
      assertEquals("stubborn", errors.getFirst());
    }
  }

  @Test
  void theLockOfAnOwnerByHandOverThatDiesGoesToTheNextOne() {
    try (var fixture = new LoopFixture()) {
      var errors = new ArrayList<String>();
      fixture.copas.setErrorHandler((error, task, socket) -> errors.add(task.name()));
      fixture.loop(() -> {
        var lock = new CopasLock(fixture.copas);
        lock.get();
        fixture.copas.addThread("forgetful", () -> lock.get());
        Task last = fixture.add(() -> lock.get().close());
        Copas.pause();
        lock.release();
        last.join();
        assertTrue(lock.tryGet());
        lock.release();
      });
      assertEquals(List.of("forgetful"), errors);
    }
  }

  @Test
  void aHoldThatAnotherTaskClosesInVainIsStillThere() {
    run((fixture, lock) -> {
      var hold = lock.get();
      fixture
          .add(() ->
              LoopFixture.assertSays("does not have", IllegalStateException.class, hold::close))
          .join();
      hold.close();
      hold.close();
      fixture.add(() -> assertTrue(lock.tryGet())).join();
    });
  }

  @Test
  void onlyItsOwnerReleasesIt() {
    run((fixture, lock) -> {
      holder(fixture, lock);
      LoopFixture.assertSays("does not have", IllegalStateException.class, lock::release);
    });
  }

  @Test
  void destroyingItEndsAllWaitsAndAllUse() {
    run((fixture, lock) -> {
      Task holder = holder(fixture, lock);
      Task waiter = fixture.add(() -> assertThrows(DestroyedException.class, lock::get));
      Copas.pause();
      lock.destroy();
      lock.destroy();
      waiter.join();
      holder.wakeup();
      holder.join(); // It is given back without an error.
      assertThrows(DestroyedException.class, lock::get);
      assertThrows(DestroyedException.class, lock::tryGet);
      assertThrows(DestroyedException.class, () -> lock.tryGet(SHORT));
      assertThrows(DestroyedException.class, lock::release);
    });
  }

  @Test
  void itMayBeClosedWhileNobodyRunsTheLoop() {
    try (var fixture = new LoopFixture()) {
      var lock = new CopasLock(fixture.copas, null);
      fixture.add(() -> {
        lock.get();
        Copas.pauseForever();
      });
      Task waiter =
          fixture.add(() -> assertThrows(DestroyedException.class, () -> lock.get().close()));
      fixture.loop();
      lock.close();
      fixture.loop();
      assertSame(Task.State.ENDED, waiter.state());
    }
  }

  @Test
  void itRefusesNegativeTimesAndForeignThreads() {
    run((fixture, lock) -> {
      assertThrows(IllegalArgumentException.class, () -> lock.tryGet(SHORT.negated()));
      assertThrows(
          IllegalArgumentException.class, () -> new CopasLock(fixture.copas, SHORT.negated()));
      fixture.copas.offload(() -> {
        LoopFixture.assertSays("belongs to the tasks", IllegalStateException.class, lock::get);
        LoopFixture.assertSays("belongs to the tasks", IllegalStateException.class, lock::release);
        LoopFixture.assertSays("belongs to the tasks", IllegalStateException.class, lock::destroy);
      });
    });
  }

  @Test
  void aHundredThousandTasksAreServedInOrder() {
    run((fixture, _) -> {
      var lock = new CopasLock(fixture.copas, null);
      var order = new ArrayList<Integer>();
      int many = 100_000;
      var arrived = new ArrayList<Integer>();
      lock.get();
      for (int i = 0; i < many; i++) {
        int number = i;
        fixture.add(() -> {
          arrived.add(number);
          try (var _ = lock.get()) {
            order.add(number);
          }
        });
      }
      while (arrived.size() < many) {
        Copas.pause();
      }
      lock.release();
      try (var _ = lock.get()) {
        assertEquals(many, order.size());
      }
      assertIterableEquals(arrived, order);
    });
  }
}
