package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Programs that have a loop of their own, and give Copas a turn in it. */
@Tag("native")
@Timeout(value = 100, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OwnLoopTest {

  /** Takes the steps, and knows whether one is being taken. */
  static final class Stepper {

    private final Copas copas;
    private boolean inStep;
    int steps;

    Stepper(Copas copas) {
      this.copas = copas;
    }

    /** On the thread of the other loop. */
    void step() {
      inStep = true;
      steps++;
      copas.step();
      inStep = false;
    }

    /** In a task: it is inside a step, on the thread that takes it. */
    void check(Thread owner) {
      if (!inStep) {
        throw new AssertionError("a task runs outside a step");
      }
      if (!LoopFixture.carrier().equals(owner.getName())) {
        throw new AssertionError("a task runs on " + LoopFixture.carrier());
      }
    }

    /** Waits in every way there is, and checks after each that it is inside a step. */
    void waitInEveryWay(Thread owner) throws Exception {
      check(owner);
      Copas.pause();
      check(owner);
      Copas.pause(Duration.ofMillis(3));
      check(owner);
      Thread.sleep(3);
      check(owner);
      copas.offload(() -> Thread.sleep(1));
      check(owner);
    }
  }

  @Test
  void anotherEventLoopStepsCopasAndTasksRunOnlyThen() throws Exception {
    try (var fixture = new LoopFixture();
        ScheduledExecutorService other = Executors.newSingleThreadScheduledExecutor()) {
      var stepper = new Stepper(fixture.copas);
      Thread owner = other.submit(Thread::currentThread).get();
      var waited = new AtomicInteger();
      CopasServerSocket server = fixture.copas.bind("127.0.0.1", 0);
      fixture.copas.addServer(
          server,
          socket -> {
            for (String line; (line = socket.receive()) != null; ) {
              stepper.check(owner);
              socket.send(line + "\n");
            }
          });
      for (int i = 0; i < 3; i++) {
        fixture.add(() -> {
          stepper.waitInEveryWay(owner);
          waited.incrementAndGet();
        });
      }
      Future<?> steps = other.scheduleWithFixedDelay(stepper::step, 0, 10, TimeUnit.MILLISECONDS);
      var ownWork = new AtomicInteger();
      Future<?> works =
          other.scheduleWithFixedDelay(
              () -> {
                assertFalse(stepper.inStep, "the other loop's work inside a step");
                ownWork.incrementAndGet();
              },
              0,
              1,
              TimeUnit.MILLISECONDS);
      try (var client = LoopFixture.Client.of(server.getLocalPort())) {
        for (int i = 0; i < 10; i++) {
          assertEquals("line " + i, client.ask("line " + i));
        }
      }
      LoopFixture.eventually(() -> waited.get() == 3);
      LoopFixture.eventually(() -> ownWork.get() > 10 || works.isDone());
      assertFalse(steps.isDone() || works.isDone(), "one of them failed");
      other.shutdownNow();
      assertTrue(other.awaitTermination(20, TimeUnit.SECONDS));
    }
  }

  @Test
  void betweenTwoStepsNothingRuns() throws Exception {
    try (var fixture = new LoopFixture()) {
      var ran = new AtomicInteger();
      Task sleeper =
          fixture.add(() -> {
            while (true) {
              Thread.sleep(1);
              ran.incrementAndGet();
            }
          });
      fixture.add(() -> {
        while (true) {
          Copas.pause();
          ran.incrementAndGet();
        }
      });
      fixture.copas.step();
      for (int i = 0; i < 20; i++) {
        fixture.copas.step(Duration.ofMillis(2));
        int before = ran.get();
        LoopFixture.eventually(() -> !sleeper.state().equals(Task.State.WAITING)); // It could run.
        assertEquals(before, ran.get());
      }
    }
  }

  @Test
  void aSwingTimerStepsCopasOnTheEventThread() throws Exception {
    var result =
        LoopChildJvm.inMode("-Djava.awt.headless=true").run("swing", OwnLoopPrograms.class);
    assertEquals(0, result.exitCode(), result.output());
    assertTrue(result.output().contains("10 answers, 3 waited"), result.output());
    assertTrue(result.output().contains("failed with 0 errors"), result.output());
  }
}
