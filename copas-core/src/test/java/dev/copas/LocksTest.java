package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Locks that tasks share with threads: nobody is lost, and nobody stops the loop. Time is real, for
 * the locks are the JDK's.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LocksTest {

  private static final int TASKS = 20;
  private static final int THREADS = 4;
  private static final int ALL = TASKS + 2 * THREADS;
  private static final int ROUNDS = 50;

  /** Runs the body in many tasks, platform threads and virtual threads at once. */
  private static void inTasksAndThreads(TaskBody body) throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.start();
      List<CompletableFuture<@Nullable Void>> ends = new ArrayList<>();
      for (int i = 0; i < TASKS; i++) {
        ends.add(inTask(fixture, body));
        if (i < THREADS) {
          ends.add(onThread(Thread.ofPlatform(), body));
          ends.add(onThread(Thread.ofVirtual(), body));
        }
      }
      for (CompletableFuture<@Nullable Void> end : ends) {
        SocketFixture.get(end);
      }
    }
  }

  private static CompletableFuture<@Nullable Void> inTask(LoopFixture fixture, TaskBody body) {
    var end = new CompletableFuture<@Nullable Void>();
    fixture.add(() -> {
      try {
        body.run();
        end.complete(null);
      } catch (Throwable e) {
        end.completeExceptionally(e);
      }
    });
    return end;
  }

  private static CompletableFuture<@Nullable Void> onThread(Thread.Builder kind, TaskBody body) {
    return SocketFixture.<@Nullable Void>onThread(
        kind,
        () -> {
          body.run();
          return null;
        });
  }

  // ---- Each kind of lock

  enum Kind {
    UNFAIR,
    FAIR,
    WRITE,
    STAMPED,
    SEMAPHORE,
    MONITOR;

    private Section section() {
      return switch (this) {
        case UNFAIR -> locked(new ReentrantLock());
        case FAIR -> locked(new ReentrantLock(true));
        case WRITE -> locked(new ReentrantReadWriteLock().writeLock());
        case STAMPED -> locked(new StampedLock().asWriteLock());
        case SEMAPHORE -> permitted(new Semaphore(1));
        case MONITOR -> synchronizedOn(new Object());
      };
    }
  }

  /** Runs something while nobody else is in there. */
  @FunctionalInterface
  private interface Section {
    void run(TaskBody body) throws Exception;
  }

  private static Section locked(Lock lock) {
    return body -> {
      lock.lock();
      try {
        body.run();
      } finally {
        lock.unlock();
      }
    };
  }

  private static Section permitted(Semaphore semaphore) {
    return body -> {
      semaphore.acquire();
      try {
        body.run();
      } finally {
        semaphore.release();
      }
    };
  }

  private static Section synchronizedOn(Object monitor) {
    return body -> {
      synchronized (monitor) {
        body.run();
      }
    };
  }

  @ParameterizedTest
  @EnumSource
  void tasksAndThreadsExcludeEachOther(Kind kind) throws Exception {
    Section section = kind.section();
    int[] entered = {0};
    int[] inside = {0};
    inTasksAndThreads(() -> {
      for (int i = 0; i < ROUNDS; i++) {
        boolean waits = i % 10 == 0;
        section.run(() -> {
          assertEquals(1, ++inside[0]);
          entered[0]++;
          if (waits) {
            Thread.sleep(0, 1000);
          }
          inside[0]--;
        });
      }
    });
    assertEquals(ALL * ROUNDS, entered[0]);
  }

  // ---- Waiting for each other

  @Test
  void tasksAndThreadsWakeEachOtherWithNotify() throws Exception {
    var monitor = new Object();
    int[] turn = {0};
    inTurns((mine, parties) -> {
      synchronized (monitor) {
        while (turn[0] % parties != mine) {
          monitor.wait();
        }
        turn[0]++;
        monitor.notifyAll();
      }
    });
  }

  @Test
  void tasksAndThreadsWakeEachOtherWithConditions() throws Exception {
    var lock = new ReentrantLock();
    Condition changed = lock.newCondition();
    int[] turn = {0};
    inTurns((mine, parties) -> {
      lock.lock();
      try {
        while (turn[0] % parties != mine) {
          changed.await();
        }
        turn[0]++;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    });
  }

  @FunctionalInterface
  private interface Turn {
    void take(int mine, int parties) throws Exception;
  }

  /** Two tasks, a platform thread and a virtual one, strictly in turns. */
  private static void inTurns(Turn turn) throws Exception {
    int parties = 4;
    try (var fixture = new LoopFixture()) {
      fixture.start();
      List<CompletableFuture<@Nullable Void>> ends = new ArrayList<>();
      for (int i = 0; i < parties; i++) {
        int mine = i;
        TaskBody body =
            () -> {
              for (int round = 0; round < ROUNDS; round++) {
                turn.take(mine, parties);
              }
            };
        ends.add(
            switch (i) {
              case 0 -> onThread(Thread.ofPlatform(), body);
              case 1 -> onThread(Thread.ofVirtual(), body);
              default -> inTask(fixture, body);
            });
      }
      for (CompletableFuture<@Nullable Void> end : ends) {
        SocketFixture.get(end);
      }
    }
  }

  @Test
  void tasksAndThreadsPassThingsThroughABoundedQueue() throws Exception {
    BlockingQueue<Integer> queue = new ArrayBlockingQueue<>(2);
    var number = new AtomicInteger();
    var sum = new AtomicInteger();
    inTasksAndThreads(() -> {
      boolean produces = number.getAndIncrement() % 2 == 0;
      for (int i = 0; i < ROUNDS; i++) {
        if (produces) {
          queue.put(1);
        } else {
          sum.addAndGet(queue.take());
        }
      }
    });
    assertEquals(ALL / 2 * ROUNDS, sum.get());
  }

  // ---- A lock that is held over a wait for the loop

  @Test
  void aLockIsHeldOverACallOfASocketByTasksAndThreads() throws Exception {
    heldOverASocketCall(locked(new ReentrantLock()));
  }

  @Test
  void aMonitorIsHeldOverACallOfASocketByTasksAndThreads() throws Exception {
    heldOverASocketCall(synchronizedOn(new Object()));
  }

  /** One connection, on which one at a time may ask; its server is on the same loop. */
  private static void heldOverASocketCall(Section section) throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.start();
      CopasServerSocket echo = fixture.echo();
      try (CopasSocket shared = fixture.copas.connect("127.0.0.1", echo.getLocalPort())) {
        TaskBody asking =
            () -> {
              for (int i = 0; i < 10; i++) {
                String line = Thread.currentThread() + " " + i;
                section.run(() -> {
                  shared.send(line + "\n");
                  assertEquals(line, shared.receive());
                });
              }
            };
        List<CompletableFuture<@Nullable Void>> ends = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
          ends.add(inTask(fixture, asking));
          ends.add(onThread(Thread.ofPlatform(), asking));
          ends.add(onThread(Thread.ofVirtual(), asking));
        }
        for (CompletableFuture<@Nullable Void> end : ends) {
          SocketFixture.get(end);
        }
      }
    }
  }

  // ---- Not for ever

  @Test
  void whoWantsALockForATimeOnlyGetsItOrNot() throws Exception {
    var lock = new ReentrantLock();
    try (var fixture = new LoopFixture()) {
      fixture.start();
      var held = new CountDownLatch(1);
      var release = new CountDownLatch(1);
      var holder =
          inTask(
              fixture,
              () -> {
                lock.lock();
                try {
                  held.countDown();
                  release.await();
                } finally {
                  lock.unlock();
                }
              });
      held.await();
      TaskBody inVain = () -> assertFalse(lock.tryLock(20, TimeUnit.MILLISECONDS));
      SocketFixture.get(inTask(fixture, inVain));
      inVain.run();
      TaskBody patient =
          () -> {
            assertTrue(lock.tryLock(20, TimeUnit.SECONDS));
            lock.unlock();
          };
      var task = inTask(fixture, patient);
      var thread = onThread(Thread.ofPlatform(), patient);
      release.countDown();
      for (var end : List.of(holder, task, thread)) {
        SocketFixture.get(end);
      }
    }
  }

  @Test
  void twoTasksThatTakeTwoLocksInDifferentOrderStopEachOtherAndNobodyElse() throws Exception {
    var first = new ReentrantLock();
    var second = new ReentrantLock();
    var bothHold = new CyclicBarrier(2);
    try (var fixture = new LoopFixture()) {
      fixture.start();
      List<Task> stuck = new ArrayList<>();
      for (var order : List.of(List.of(first, second), List.of(second, first))) {
        stuck.add(
            fixture.add(() -> {
              order.get(0).lockInterruptibly();
              try {
                bothHold.await();
                order.get(1).lockInterruptibly();
                order.get(1).unlock();
              } finally {
                order.get(0).unlock();
              }
            }));
      }
      LoopFixture.eventually(() -> first.hasQueuedThreads() && second.hasQueuedThreads());
      SocketFixture.get(inTask(fixture, Copas::pause));
      stuck.getFirst().cancel();
      for (Task task : stuck) {
        task.join();
      }
    }
  }

  @Test
  void closingALoopLeavesWhoWantsALockOfAThreadToGetItLater() throws Exception {
    var monitor = new Object();
    var got = new CountDownLatch(1);
    try (var log = new LoopFixture.Log()) {
      synchronized (monitor) {
        try (var fixture =
            new LoopFixture(Options.defaults().closeTimeout(Duration.ofMillis(50)))) {
          fixture.start();
          Task task =
              fixture.add(() -> {
                synchronized (monitor) {
                  got.countDown();
                }
              });
          LoopFixture.eventually(() -> task.state() == Task.State.WAITING);
        }
        log.await("did not end within");
        assertEquals(1, got.getCount());
      }
      got.await();
    }
  }

  // ---- Where a task cannot give up the loop

  private static @Nullable Lock wanted;

  private static final class Initialised {
    static {
      lockWanted();
    }

    private Initialised() {}

    static void touch() {}
  }

  private static void lockWanted() {
    Lock lock = wanted;
    try {
      if (lock != null) {
        lock.lockInterruptibly();
        lock.unlock();
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Nobody but the watchdog can say why such a loop stands still; a cancellation ends it. */
  @Test
  void aLockThatAnotherTaskHasIsADeadlockInAClassInitialiserWhichTheWatchdogNames()
      throws Exception {
    var lock = new ReentrantLock();
    wanted = lock;
    try (var log = new LoopFixture.Log();
        var fixture = new LoopFixture(Options.defaults().watchdogLimit(Duration.ofMillis(50)))) {
      var release = new CountDownLatch(1);
      fixture.start();
      Task holder =
          fixture.add(() -> {
            lock.lock();
            try {
              release.await();
            } finally {
              lock.unlock();
            }
          });
      LoopFixture.eventually(() -> holder.state() == Task.State.WAITING);
      Task stuck = fixture.copas.addThread("initialising", Initialised::touch);
      stuck.setErrorHandler((error, task, socket) -> {});
      assertTrue(log.await("has held the loop").getMessage().contains("initialising"));
      release.countDown();
      assertNotEquals(Task.State.ENDED, holder.state(), "it can go on, and nobody lets it");
      stuck.cancel();
      stuck.join();
      holder.join();
    } finally {
      wanted = null;
    }
  }
}
