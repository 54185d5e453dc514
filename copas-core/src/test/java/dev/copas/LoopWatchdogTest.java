package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

/** What is said of tasks that hold the loop, and what the options refuse. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LoopWatchdogTest {

  private static final Options QUICK = Options.defaults().watchdogLimit(Duration.ofMillis(50));

  @Test
  void aTaskThatComputesTooLongIsReportedWithItsNameAndStack() throws Exception {
    try (var log = new LoopFixture.Log();
        var fixture = new LoopFixture(QUICK)) {
      fixture.copas.addThread("greedy", () -> computeUntilReported(log));
      fixture.loop();
    }
  }

  private static void computeUntilReported(LoopFixture.Log log) {
    while (log.soFar().isEmpty()) {
      Thread.onSpinWait();
    }
    LogRecord record = log.soFar().get(0);
    assertTrue(record.getMessage().contains("\"greedy\""), record.getMessage());
    assertTrue(record.getMessage().contains("offload"), record.getMessage());
    assertTrue(
        List.of(record.getThrown().getStackTrace()).toString().contains("computeUntilReported"));
  }

  @Test
  void withoutALimitNothingIsReported() {
    try (var log = new LoopFixture.Log();
        var fixture = new LoopFixture(QUICK.watchdogLimit(Duration.ZERO))) {
      fixture.loop(() -> {
        long begin = System.nanoTime();
        while (System.nanoTime() - begin < 200_000_000) {
          Thread.onSpinWait();
        }
      });
      assertTrue(log.soFar().isEmpty());
    }
  }

  /** What the initialisers below wait with. */
  private static @Nullable Executable wait;

  private static final class PausingClass {
    static {
      LoopWatchdogTest.waitHere();
    }

    static void touch() {}
  }

  private static final class ReceivingClass {
    static {
      LoopWatchdogTest.waitHere();
    }

    static void touch() {}
  }

  private static void waitHere() {
    try {
      if (wait != null) {
        wait.execute();
      }
    } catch (RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aPauseInAClassInitialiserIsBrokenAndTheOthersGoOn() throws Exception {
    waitInInitialiser(PausingClass::touch, () -> Copas.pause(Duration.ofDays(1)));
  }

  @Test
  void aReceiveInAClassInitialiserIsBrokenAndTheOthersGoOn() throws Exception {
    try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      waitInInitialiser(
          ReceivingClass::touch,
          () -> {
            CopasSocket socket = connected;
            assertTrue(socket != null);
            socket.receive();
          },
          silent.getLocalPort());
    }
  }

  private static @Nullable CopasSocket connected;

  private static void waitInInitialiser(Runnable initialise, Executable waiting) throws Exception {
    waitInInitialiser(initialise, waiting, 0);
  }

  private static void waitInInitialiser(Runnable initialise, Executable waiting, int port)
      throws Exception {
    wait = waiting;
    try (var log = new LoopFixture.Log();
        var fixture = new LoopFixture(QUICK)) {
      int[] others = {0};
      fixture.loop(() -> {
        if (port != 0) {
          connected = fixture.copas.connect("127.0.0.1", port);
        }
        Task other =
            fixture.add(() -> {
              Copas.pause(Duration.ofMillis(1));
              others[0]++;
            });
        var error = assertThrows(ExceptionInInitializerError.class, initialise::run);
        assertInstanceOf(IllegalStateException.class, error.getCause());
        assertTrue(String.valueOf(error.getCause()).contains("class initialiser"));
        other.join();
        if (connected != null) {
          connected.close();
        }
      });
      assertEquals(1, others[0]);
      log.await("class initialiser");
    } finally {
      wait = null;
      connected = null;
    }
  }

  private static final class YieldingClass {
    static {
      try {
        Copas.pause();
        Copas.pause();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    private YieldingClass() {}

    static void touch() {}
  }

  /** It cannot let anybody run there, and comes back. */
  @Test
  void givingWayInAClassInitialiserHoldsNobodyForEver() throws Exception {
    try (var fixture = new LoopFixture(QUICK)) {
      int[] others = {0};
      fixture.loop(() -> {
        fixture.add(() -> others[0]++);
        YieldingClass.touch();
        Copas.pause();
        Copas.pause();
      });
      assertEquals(1, others[0]);
    }
  }

  @Test
  void aTaskThatComputesAfterItWasCancelledIsReported() throws Exception {
    var over = new AtomicBoolean();
    try (var log = new LoopFixture.Log();
        var fixture = new LoopFixture(QUICK)) {
      fixture.start();
      Task stubborn =
          fixture.copas.addThread(
              "stubborn",
              () -> {
                try {
                  Copas.pauseForever();
                } catch (InterruptedException e) {
                  while (!over.get()) {
                    Thread.onSpinWait();
                  }
                }
              });
      LoopFixture.eventually(() -> stubborn.state() == Task.State.WAITING);
      Thread.sleep(QUICK.watchdogLimit().multipliedBy(3)); // The watchdog sleeps, too.
      stubborn.cancel();
      try {
        assertTrue(log.await("has held the loop").getMessage().contains("stubborn"));
      } finally {
        over.set(true);
      }
    }
  }

  /** Steps a loop, and then wants something between two steps. */
  private static final class Stepper implements AutoCloseable {

    final LoopFixture.Log log = new LoopFixture.Log();
    final LoopFixture fixture = new LoopFixture(QUICK);
    private final ExecutableThread thread;

    Stepper(TaskBody task, Executable betweenSteps) {
      fixture.add(task);
      thread =
          new ExecutableThread(() -> {
            fixture.copas.step();
            fixture.copas.step();
            betweenSteps.execute();
          });
    }

    @Override
    public void close() {
      fixture.close();
      thread.interrupt();
      assertTrue(thread.ends());
      log.close();
    }
  }

  /** Ends quietly when it is interrupted. */
  private static final class ExecutableThread extends Thread {

    private final Executable body;

    ExecutableThread(Executable body) {
      super("stepper");
      this.body = body;
      start();
    }

    boolean ends() {
      try {
        return join(Duration.ofSeconds(20));
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    @Override
    public void run() {
      try {
        body.execute();
      } catch (InterruptedException e) {
        return; // The end of the test.
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }
  }

  private static void assertReportsTheStepper(LoopFixture.Log log) throws InterruptedException {
    LogRecord record = log.await("steps the loop");
    assertTrue(record.getMessage().contains("\"stepper\""), record.getMessage());
    assertTrue(record.getMessage().contains("take the lock in a task"), record.getMessage());
    String stack = List.of(record.getThrown().getStackTrace()).toString();
    assertTrue(stack.contains("LoopWatchdogTest"), stack);
  }

  @Test
  @Tag("native") // Only there can a loop be stepped.
  void aStepperThatWaitsForALockWhichATaskHoldsIsReported() throws Exception {
    var lock = new ReentrantLock();
    TaskBody holder =
        () -> {
          lock.lock();
          Copas.pauseForever();
        };
    try (var stepper = new Stepper(holder, lock::lockInterruptibly)) {
      assertReportsTheStepper(stepper.log);
    }
  }

  @Test
  @Tag("native")
  void aStepperThatWaitsForALockBehindATaskIsReported() throws Exception {
    var lock = new ReentrantLock();
    lock.lock(); // This thread is the third one: it gives the lock to the task.
    Executable wantsItToo =
        () -> {
          LoopFixture.eventually(lock::hasQueuedThreads);
          lock.lockInterruptibly();
        };
    try (var stepper = new Stepper(lock::lock, wantsItToo)) {
      LoopFixture.eventually(() -> lock.getQueueLength() == 2);
      lock.unlock();
      assertReportsTheStepper(stepper.log);
    }
  }

  @Test
  @Tag("native")
  void aStepperThatWaitsForACountIsReported() throws Exception {
    var never = new CountDownLatch(1);
    try (var stepper = new Stepper(Copas::pauseForever, never::await)) {
      assertReportsTheStepper(stepper.log);
    }
  }

  @Test
  @Tag("native")
  void aStepperThatWaitsForAMonitorWhichATaskHoldsIsReported() throws Exception {
    var monitor = new Object();
    var released = new CountDownLatch(1);
    TaskBody holder =
        () -> {
          synchronized (monitor) {
            released.await();
          }
        };
    Executable wantsItToo =
        () -> {
          synchronized (monitor) {
            Thread.onSpinWait();
          }
        };
    try (var stepper = new Stepper(holder, wantsItToo)) {
      assertReportsTheStepper(stepper.log);
    }
  }

  /** As one that drives a window is, while there are no events. */
  @Test
  @Tag("native")
  void aStepperThatWaitsForItsOwnEventsIsNotReported() throws Exception {
    var events = new LinkedBlockingQueue<Runnable>();
    try (var stepper = new Stepper(Copas::pauseForever, events::take)) {
      Thread.sleep(QUICK.watchdogLimit().multipliedBy(4)); // What must not come, has no event.
      assertTrue(stepper.log.soFar().isEmpty());
    }
  }

  @Test
  void everyOptionRefusesWhatMakesNoSense() {
    Options options = Options.defaults();
    Duration negative = Duration.ofNanos(-1);
    for (Executable call :
        List.<Executable>of(
            () -> options.maxLineBytes(0),
            () -> options.maxReceiveAllBytes(0),
            () -> options.receiveBufferBytes(63),
            () -> options.sendBufferBytes(63),
            () -> options.backlog(0),
            () -> options.acceptBurst(0),
            () -> options.acceptBackoff(Duration.ZERO),
            () -> options.acceptBackoff(negative),
            () -> options.operationsPerTurn(0),
            () -> options.offloadThreads(0),
            () -> options.closeTimeout(Duration.ZERO),
            () -> options.closeTimeout(negative),
            () -> options.watchdogLimit(negative))) {
      LoopFixture.assertSays("must be", IllegalArgumentException.class, call);
    }
  }

  @Test
  void optionsAreCopiedAndNotChanged() {
    Options options = Options.defaults();
    Options changed = options.backlog(7).maxLineBytes(9).watchdogLimit(Duration.ZERO);
    assertEquals(7, changed.backlog());
    assertEquals(9, changed.maxLineBytes());
    assertEquals(Duration.ZERO, changed.watchdogLimit());
    assertFalse(options.backlog() == 7);
    assertEquals(Duration.ofSeconds(1), options.watchdogLimit());
  }
}
