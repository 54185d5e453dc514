package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How loops begin, end and begin again. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LoopLifecycleTest {

  private static final Duration LONG = Duration.ofSeconds(30);

  /** Makes a loop sleep. In real time, since a simulation begins and ends its loop itself. */
  private static final Duration MOMENT = Duration.ofMillis(1);

  private final LoopFixture fixture =
      new LoopFixture(Options.defaults().closeTimeout(Duration.ofMillis(200)));
  private final Copas copas = fixture.copas;

  @AfterEach
  void closeAlsoAfterAFailure() {
    copas.close();
  }

  // ---- loop

  @Test
  void aTaskThatIsCancelledWhileNobodyRunsTheLoopCleansUpInTheNextLoop() {
    var cleaned = new AtomicInteger();
    Task task =
        copas.addThread(() -> {
          try {
            Copas.pauseForever();
          } catch (InterruptedException e) {
            cleaned.incrementAndGet();
          }
        });
    fixture.loop();
    task.cancel();
    copas.exit();
    fixture.loop();
    assertEquals(1, cleaned.get());
  }

  /** The flag of an exit on another thread shows before those are told who wait for it. */
  @Test
  void whoWaitsForTheExitHasItsTurnBeforeTheLoopEnds() {
    var told = new AtomicInteger();
    copas.addThread(() -> {
      copas.waitForExit();
      told.incrementAndGet();
    });
    fixture.loop(() -> {
      Copas.pause();
      copas.machine.exit();
    });
    assertEquals(1, told.get());
  }

  @Test
  void loopReturnsWhenNothingIsLeftAndRunsAgain() {
    var runs = new AtomicInteger();
    copas.loop();
    for (int i = 1; i <= 3; i++) {
      copas.addThread(() -> {
        Copas.pause(MOMENT);
        runs.incrementAndGet();
      });
      fixture.loop();
      assertEquals(i, runs.get());
      assertTrue(copas.finished());
      assertFalse(copas.exiting());
    }
    fixture.close();
  }

  @Test
  void loopRunsItsInitAsATask() {
    List<String> trace = new ArrayList<>();
    copas.addThread(() -> trace.add("before"));
    fixture.loop(() -> trace.add(Copas.current().name()));
    assertEquals(List.of("before", "init"), trace);
    fixture.close();
  }

  @Tag("native")
  @Test
  void loopOnAVirtualThreadIsAClearErrorAndRunsNothing() throws Exception {
    var ran = new AtomicInteger();
    for (Runnable run :
        List.<Runnable>of(copas::loop, () -> copas.loop(ran::incrementAndGet), copas::step)) {
      var error = new CompletableFuture<Throwable>();
      Thread.ofVirtual()
          .start(() -> {
            try {
              run.run();
              error.complete(new AssertionError("no error"));
            } catch (Throwable e) {
              error.complete(e);
            }
          });
      LoopFixture.assertSays(
          "platform thread",
          IllegalStateException.class,
          () -> {
            throw error.get();
          });
    }
    fixture.loop();
    assertEquals(0, ran.get());
    fixture.close();
  }

  @Test
  void loopInATaskIsAClearError() {
    fixture.loop(() -> LoopFixture.assertSays("already", IllegalStateException.class, copas::loop));
    fixture.close();
  }

  @Tag("native")
  @Test
  void loopTwiceAtOnceIsAClearErrorAndTheFirstGoesOn() throws Exception {
    fixture.start();
    LoopFixture.assertSays("copas-loop", IllegalStateException.class, copas::loop);
    LoopFixture.assertSays("already running", IllegalStateException.class, copas::step);
    assertTrue(copas.addThread(() -> {}).join(LONG));
    fixture.close();
  }

  @Tag("native")
  @Test
  void afterCloseEverythingIsAClearError() throws Exception {
    CopasServerSocket server = copas.bind("127.0.0.1", 0);
    fixture.close();
    for (org.junit.jupiter.api.function.Executable call :
        List.<org.junit.jupiter.api.function.Executable>of(
            copas::loop,
            () -> copas.loop(() -> {}),
            copas::step,
            copas::start,
            () -> copas.addThread(() -> {}),
            () -> copas.execute(() -> {}),
            () -> copas.bind("127.0.0.1", 0),
            () -> copas.connect("127.0.0.1", 1),
            () -> copas.addServer(server, LoopFixture::echo))) {
      LoopFixture.assertSays("closed", Exception.class, call);
    }
    assertTrue(copas.stop(Duration.ZERO));
    copas.exit();
    copas.close();
  }

  // ---- exit

  @Test
  void exitBeforeLoopMakesItFinishWhatThereIsAndReturn() throws Exception {
    fixture.echo();
    var ran = new AtomicInteger();
    copas.addThread(() -> {
      Copas.pause(MOMENT);
      ran.incrementAndGet();
    });
    copas.exit();
    assertTrue(copas.exiting());
    fixture.loop();
    assertEquals(1, ran.get());
    assertFalse(copas.exiting());
    fixture.close();
  }

  @Test
  void exitEndsALoopWhoseServersAreIdle() throws Exception {
    fixture.echo();
    fixture.echo();
    Thread.ofPlatform().start(copas::exit);
    fixture.loop();
    fixture.close();
  }

  @Test
  void exitWaitsForOpenConnections() throws Exception {
    CopasServerSocket server = fixture.echo();
    Thread client =
        Thread.ofPlatform()
            .start(() -> {
              try (var connection = LoopFixture.Client.of(server.getLocalPort())) {
                assertEquals("a", connection.ask("a"));
                copas.exit();
                for (int i = 0; i < 10; i++) {
                  assertEquals("b", connection.ask("b"));
                }
              } catch (java.io.IOException e) {
                throw new AssertionError(e);
              }
            });
    fixture.loop();
    client.join();
    fixture.close();
  }

  // ---- start and stop

  @Test
  void aStartedLoopWaitsForWorkUntilItIsStopped() throws Exception {
    fixture.start();
    for (int i = 0; i < 3; i++) {
      assertTrue(copas.addThread(() -> Copas.pause(MOMENT)).join(LONG));
    }
    assertTrue(copas.stop(LONG));
    LoopFixture.eventually(() -> !copas.machine.isTurning());
    fixture.close();
  }

  @Test
  void aStoppedLoopStartsAgain() throws Exception {
    for (int i = 0; i < 20; i++) {
      LoopFixture.eventually(() -> !copas.machine.isTurning());
      fixture.start();
      assertTrue(copas.addThread(() -> {}).join(LONG));
      assertTrue(copas.stop(LONG));
    }
    fixture.close();
  }

  @Test
  void stopLetsTasksEndWithinTheGrace() throws Exception {
    fixture.start();
    Task task = addOneThatEndsAfterAStopHasBegun();
    assertTrue(copas.stop(LONG));
    assertSame(Task.State.ENDED, task.state());
    fixture.close();
  }

  private Task addOneThatEndsAfterAStopHasBegun() throws IOException {
    CopasServerSocket server = fixture.echo();
    return copas.addThread(() -> {
      while (!server.isClosed()) {
        Copas.pause();
      }
    });
  }

  @Test
  void stopCancelsWhatOutlastsTheGrace() throws Exception {
    var trace = new CompletableFuture<String>();
    fixture.start();
    Task task =
        copas.addThread(() -> {
          try {
            Copas.pause(Duration.ofDays(1));
          } catch (InterruptedException e) {
            trace.complete("cancelled");
          }
        });
    assertFalse(copas.stop(Duration.ofMillis(10)));
    assertEquals("cancelled", trace.get());
    assertTrue(task.join(LONG));
    fixture.close();
  }

  @Test
  void stopClosesTheServersAndEndsTheirConnections() throws Exception {
    CopasServerSocket server = fixture.echo();
    fixture.start();
    try (var client = LoopFixture.Client.of(server.getLocalPort())) {
      assertEquals("x", client.ask("x"));
      assertFalse(copas.stop(Duration.ZERO));
      assertTrue(server.isClosed());
      assertEquals(-1, client.socket().getInputStream().read());
    }
    fixture.close();
  }

  @Test
  void stopBeforeTheLoopRanRunsWhatThereIs() {
    var ran = new AtomicInteger();
    copas.addThread(ran::incrementAndGet);
    assertTrue(copas.stop(LONG));
    assertEquals(1, ran.get());
    fixture.close();
  }

  @Tag("native")
  @Test
  void stopBetweenTwoStepsRunsWhatThereIs() {
    var ran = new AtomicInteger();
    copas.addThread(() -> {
      Copas.pause();
      ran.incrementAndGet();
    });
    assertTrue(copas.step());
    assertEquals(0, ran.get());
    assertTrue(copas.stop(LONG));
    assertEquals(1, ran.get());
    fixture.close();
  }

  @Test
  void stopInATaskReturnsAtOnce() {
    fixture.loop(() -> assertFalse(copas.stop(LONG)));
    fixture.close();
  }

  @Test
  void stopFromAVirtualThreadWorksWhetherTheLoopRunsOrNot() throws Exception {
    for (boolean running : new boolean[] {false, true}) {
      if (running) {
        fixture.start();
      }
      var result = new CompletableFuture<Boolean>();
      Task task = addOneThatEndsAfterAStopHasBegun();
      Thread.ofVirtual().start(() -> result.complete(copas.stop(LONG)));
      assertTrue(result.get());
      assertSame(Task.State.ENDED, task.state());
      LoopFixture.eventually(() -> !copas.machine.isTurning());
    }
    fixture.close();
  }

  @Test
  void stopsFromManyThreadsAtOnceAllReturn() throws Exception {
    fixture.start();
    var allStop = new CountDownLatch(1);
    copas.addThread(() -> allStop.await());
    List<Thread> stoppers = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      stoppers.add(Thread.ofPlatform().start(() -> copas.stop(LONG)));
    }
    for (Thread stopper : stoppers) {
      LoopFixture.eventually(() -> stopper.getState() == Thread.State.TIMED_WAITING);
    }
    allStop.countDown();
    for (Thread stopper : stoppers) {
      assertTrue(stopper.join(LONG));
    }
    fixture.close();
  }

  @Test
  void aNegativeGraceIsAClearError() {
    LoopFixture.assertSays(
        "negative", IllegalArgumentException.class, () -> copas.stop(Duration.ofNanos(-1)));
    fixture.close();
  }

  // ---- close

  @Test
  void closeCancelsFromAnyThreadAndTwiceIsOnce() throws Exception {
    fixture.start();
    Task task = copas.addThread(() -> Copas.pause(Duration.ofDays(1)));
    List<Thread> closers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      closers.add(Thread.ofPlatform().start(copas::close));
      closers.add(Thread.ofVirtual().start(copas::close));
    }
    for (Thread closer : closers) {
      assertTrue(closer.join(LONG));
    }
    assertTrue(task.join(LONG));
    assertTrue(copas.machine.isClosed());
    fixture.close();
  }

  @Test
  void closeInATaskClosesWhenTheLoopReturns() {
    Task other = copas.addThread(() -> Copas.pause(Duration.ofDays(1)));
    fixture.loop(() -> {
      copas.close();
      assertFalse(copas.machine.isClosed());
    });
    assertTrue(copas.machine.isClosed());
    assertSame(Task.State.ENDED, other.state());
  }

  @Test
  void closeBeforeTheLoopRanEndsItsTasks() {
    Task task = copas.addThread(() -> Copas.pause(Duration.ofDays(1)));
    fixture.close();
    assertSame(Task.State.ENDED, task.state());
  }

  @Tag("native")
  @Test
  void closeReportsTasksThatDoNotEndAndTheyGoOnOffTheLoop() throws Exception {
    var lock = new ReentrantLock();
    var swallower = new CountDownLatch(1);
    List<String> trace = java.util.Collections.synchronizedList(new ArrayList<>());
    lock.lock();
    try (var log = new LoopFixture.Log()) {
      Task locked =
          copas.addThread(
              "locked",
              () -> {
                lock.lock();
                try {
                  trace.add("locked");
                } finally {
                  lock.unlock();
                }
              });
      Task swallowing =
          copas.addThread(
              "swallowing",
              () -> {
                while (swallower.getCount() > 0) {
                  try {
                    swallower.await();
                  } catch (InterruptedException e) {
                    // On purpose.
                  }
                }
                Thread.sleep(1); // Still a virtual thread like any.
              });
      copas.step();
      long begin = System.nanoTime();
      fixture.close();
      assertTrue(System.nanoTime() - begin < LONG.toNanos());
      String stack =
          stackOf(log.await("task \"").getThrown()) + stackOf(log.await("task \"").getThrown());
      assertTrue(stack.contains("ReentrantLock") && stack.contains("CountDownLatch"), stack);
      lock.unlock();
      swallower.countDown();
      assertTrue(locked.join(LONG));
      assertTrue(swallowing.join(LONG));
      assertEquals(List.of("locked"), trace);
    }
  }

  private static String stackOf(Throwable throwable) {
    return List.of(throwable.getStackTrace()).toString();
  }

  @Test
  void createAndCloseLeaveNoLoopBehind() {
    fixture.close();
    for (int i = 0; i < 200; i++) {
      try (var other = Modes.create()) {
        other.loop(() -> {});
      }
    }
  }

  // ---- step and finished

  @Tag("native")
  @Test
  void stepSaysWhetherATaskRanAndNeverWaits() {
    assertFalse(copas.step());
    Task task = copas.addThread(() -> Copas.pause(Duration.ofDays(1)));
    assertTrue(copas.step());
    long begin = System.nanoTime();
    assertFalse(copas.step());
    assertTrue(System.nanoTime() - begin < LONG.toNanos());
    assertFalse(copas.finished());
    task.cancel();
    assertTrue(copas.step());
    assertTrue(copas.finished());
    fixture.close();
  }

  @Tag("native")
  @Test
  void stepWaitsAtMostSoLong() {
    long begin = System.nanoTime();
    assertFalse(copas.step(Duration.ofMillis(20)));
    assertTrue(System.nanoTime() - begin >= 20_000_000);
    assertThrows(IllegalArgumentException.class, () -> copas.step(Duration.ofSeconds(-5)));
    fixture.close();
  }

  @Tag("native")
  @Test
  void stepWaitsNoLongerThanUntilThereIsSomethingToDo() throws Exception {
    copas.addThread(() -> Copas.pause(MOMENT));
    assertTrue(copas.step());
    assertTrue(copas.step(LONG));
    Thread adder = Thread.ofPlatform().start(() -> copas.addThread(() -> {}));
    assertTrue(copas.step(LONG));
    adder.join();
    fixture.close();
  }

  @Tag("native")
  @Test
  void differentThreadsMayTakeTheSteps() throws Exception {
    List<String> carriers = new ArrayList<>();
    copas.addThread(() -> {
      carriers.add(LoopFixture.carrier());
      Copas.pause();
      carriers.add(LoopFixture.carrier());
    });
    Thread other = Thread.ofPlatform().start(copas::step);
    other.join();
    copas.step();
    assertEquals(List.of(other.getName(), Thread.currentThread().getName()), carriers);
    fixture.close();
  }

  @Test
  void finishedFromAForeignThreadIsAClearErrorWhileTheLoopRuns() throws Exception {
    assertTrue(copas.finished());
    fixture.start();
    LoopFixture.assertSays("finished()", IllegalStateException.class, copas::finished);
    fixture.close();
  }

  // ---- Adding from elsewhere

  @Test
  void tasksOfManyForeignThreadsAllRunOnTheLoop() throws Exception {
    int threads = 8;
    int each = 1000;
    int[] count = {0};
    fixture.start();
    List<Thread> adders = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      boolean virtual = t % 2 == 0;
      Runnable adding =
          () -> {
            for (int i = 0; i < each; i++) {
              copas.execute(() -> count[0]++); // Unsynchronised: on the loop there is no need.
            }
          };
      adders.add(virtual ? Thread.ofVirtual().start(adding) : Thread.ofPlatform().start(adding));
    }
    for (Thread adder : adders) {
      assertTrue(adder.join(LONG));
    }
    assertTrue(copas.stop(LONG));
    assertEquals(threads * each, count[0]);
    fixture.close();
  }

  @Tag("native")
  @Test
  @SuppressWarnings("NullAway")
  void nullArgumentsAreRefusedAtOnce() throws Exception {
    CopasServerSocket server = copas.bind("127.0.0.1", 0);
    for (org.junit.jupiter.api.function.Executable call :
        List.<org.junit.jupiter.api.function.Executable>of(
            () -> copas.addThread(null),
            () -> copas.addThread(null, () -> {}),
            () -> copas.addThread("x", null),
            () -> copas.execute(null),
            () -> copas.loop(null),
            () -> copas.setErrorHandler(null),
            () -> copas.addServer((ServerSocket) null, LoopFixture::echo),
            () -> copas.addServer(server, null),
            () -> copas.addServer(server, null, LoopFixture::echo),
            () -> copas.removeServer((ServerSocket) null),
            () -> copas.addServer((DatagramSocket) null, socket -> {}),
            () -> copas.removeServer((DatagramSocket) null),
            () -> copas.bindDatagram(null, 0),
            () -> copas.bind(null, 0),
            () -> copas.connect(null, 0),
            () -> copas.step(null),
            () -> copas.stop(null),
            () -> Copas.create(null),
            () -> Copas.wrap(null))) {
      assertThrows(NullPointerException.class, call);
    }
    assertTrue(copas.finished());
    fixture.close();
  }

  // ---- Interrupts of the loop's thread

  @Test
  void anInterruptOfTheIdleLoopsThreadIsAnExitAndStaysSet() throws Exception {
    fixture.echo();
    Task last = copas.addThread(Copas::pauseForever);
    Thread loop = Thread.currentThread();
    Thread.ofPlatform()
        .start(() -> {
          try {
            // An interrupt of a task that runs may be lost. The server's waits before this one.
            LoopFixture.eventually(() -> last.state() == Task.State.WAITING);
            loop.interrupt();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        });
    fixture.loop();
    assertTrue(Thread.interrupted());
    fixture.close();
  }

  @Test
  void anInterruptBeforeLoopIsAnExitAndTheLoopDoesNotSpinAfterIt() throws Exception {
    fixture.echo();
    copas.addThread(() -> Copas.pause(Duration.ofMillis(300))); // A spin would show in the CPU.
    Thread.currentThread().interrupt();
    var bean = java.lang.management.ManagementFactory.getThreadMXBean();
    long before = bean.getCurrentThreadCpuTime();
    fixture.loop();
    assertTrue(Thread.interrupted());
    long cpu = bean.getCurrentThreadCpuTime() - before;
    assertTrue(cpu < 150_000_000, "CPU: " + cpu + " ns in 300 ms");
    fixture.close();
  }

  @Test
  void interruptingAStartedLoopsThreadEndsIt() throws Exception {
    fixture.start();
    Thread loop =
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().equals("copas-loop"))
            .findAny()
            .orElseThrow();
    loop.interrupt();
    assertTrue(loop.join(LONG));
    fixture.close();
  }
}
