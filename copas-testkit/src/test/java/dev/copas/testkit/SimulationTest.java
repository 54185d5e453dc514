package dev.copas.testkit;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.Options;
import dev.copas.Task;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SimulationTest {

  private static final Duration HOUR = Duration.ofHours(1);
  private static final Faults ROUGH =
      Faults.none()
          .latency(Duration.ZERO, Duration.ofMillis(50))
          .split(0.5)
          .reset(0.1)
          .halfClose(0.1)
          .stall(0.1);

  private static void echo(CopasSocket socket) throws Exception {
    for (String line; (line = socket.receive()) != null; ) {
      socket.send(line + "\n");
    }
  }

  // ---- Time

  @Test
  void anHourPassesInNoTime() {
    long begin = System.nanoTime();
    Simulation over =
        Simulation.run(
            1,
            simulation -> {
              assertEquals(HOUR, Copas.pause(HOUR));
              assertEquals(HOUR, simulation.now());
            });
    assertEquals(HOUR, over.now());
    assertTrue(System.nanoTime() - begin < TimeUnit.SECONDS.toNanos(20));
  }

  @Test
  void aServerTurnsASilentGuestAwayAfterAnHour() {
    Simulation.run(
        1,
        simulation -> {
          var copas = simulation.copas();
          var server = copas.bind("127.0.0.1", 7777);
          copas.addServer(
              server,
              socket -> {
                socket.setTimeouts(null, null, HOUR);
                assertThrows(SocketTimeoutException.class, socket::receive);
                socket.send("bye\n");
              });
          try (var guest = copas.connect("127.0.0.1", 7777)) {
            assertEquals("bye", guest.receive());
            assertEquals(HOUR, simulation.now());
          }
        });
  }

  @Test
  void timeStandsStillWhileATaskIsInAForeignCall() {
    Simulation.run(
        1,
        simulation -> {
          var offloaded = new CountDownLatch(1);
          var order = new ArrayList<String>();
          simulation
              .copas()
              .addThread(() -> {
                Copas.pause(Duration.ofMinutes(1));
                order.add("a minute");
              });
          simulation
              .copas()
              .addThread(
                  "foreign",
                  () -> {
                    simulation.copas().offload(offloaded::countDown);
                    order.add("offloaded");
                  });
          offloaded.await();
          Thread.sleep(1); // Foreign, too: takes real time, and no simulated time.
          assertEquals(Duration.ZERO, simulation.now());
          Copas.pause(HOUR);
          assertEquals(List.of("offloaded", "a minute"), order);
        });
  }

  @Test
  void aForeignCallThatNeverEndsIsNamed() {
    var latch = new CountDownLatch(1);
    var failure =
        assertThrows(
            SimulationFailure.class,
            () ->
                Simulation.run(
                    1,
                    simulation -> {
                      simulation.foreignLimit(Duration.ofMillis(20));
                      simulation.copas().addThread("stuck", latch::await);
                    }));
    assertSays(failure, "time stands still", "task \"stuck\"", "CountDownLatch.await");
  }

  @Test
  void timePassesWhileATaskJoinsAnother() {
    Simulation.run(
        1,
        simulation -> {
          var copas = simulation.copas();
          var sleeper = copas.addThread(() -> Copas.pause(HOUR));
          assertFalse(sleeper.join(Duration.ofMinutes(30)));
          assertEquals(Duration.ofMinutes(30), simulation.now());
          sleeper.join();
          assertEquals(Task.State.ENDED, sleeper.state());
          assertEquals(HOUR, simulation.now());
          assertTrue(sleeper.join(Duration.ZERO));
        });
  }

  // ---- What a seed decides

  @Test
  void theSameSeedHasTheSameTrace() {
    for (long seed = 1; seed <= 50; seed++) {
      Simulation first = Simulation.run(seed, SimulationTest::manyEchoes);
      Simulation second = Simulation.run(seed, SimulationTest::manyEchoes);
      assertEquals(first.trace(), second.trace());
      assertEquals(first.fingerprint(), second.fingerprint());
      assertFalse(first.trace().isEmpty());
    }
  }

  @Test
  void everySeedHasACourseOfItsOwn() {
    var courses = new HashSet<Long>();
    for (long seed = 1; seed <= 50; seed++) {
      courses.add(Simulation.run(seed, SimulationTest::manyEchoes).fingerprint());
    }
    assertEquals(50, courses.size());
  }

  private static void manyEchoes(Simulation simulation) throws Exception {
    simulation.faults(ROUGH);
    var copas = simulation.copas();
    var server = copas.bind("127.0.0.1", 7777);
    copas.addServer(
        server,
        socket -> {
          socket.setTimeouts(null, HOUR, HOUR);
          try {
            echo(socket);
          } catch (java.io.IOException e) {
            // What ROUGH is for.
          }
        });
    for (int i = 0; i < 5; i++) {
      copas.addThread(() -> {
        try (var client = copas.connect("127.0.0.1", 7777)) {
          client.setTimeouts(null, HOUR, HOUR);
          for (int line = 0; line < 5; line++) {
            client.send("line " + line + "\n");
            client.receive();
          }
        } catch (java.io.IOException e) {
          // See above.
        }
      });
    }
  }

  @Test
  void tasksRunInEveryOrder() {
    var orders = new HashSet<List<Integer>>();
    Simulation.explore(
        100,
        simulation -> {
          var order = new ArrayList<Integer>();
          for (int i = 0; i < 3; i++) {
            int number = i;
            simulation.copas().addThread(() -> order.add(number));
          }
          simulation.atEnd(() -> orders.add(order));
        });
    assertEquals(6, orders.size());
  }

  @Test
  void whatGetsReadyInATurnHasTheNext() {
    Simulation.explore(
        100,
        simulation -> {
          var rounds = new int[2];
          for (int i = 0; i < 2; i++) {
            int me = i;
            simulation
                .copas()
                .addThread(() -> {
                  for (int round = 0; round < 5; round++) {
                    rounds[me]++;
                    assertTrue(Math.abs(rounds[0] - rounds[1]) <= 1);
                    Copas.pause();
                  }
                });
          }
        });
  }

  @Test
  void theScenariosOwnRandomnessHasTheSeedToo() {
    var seen = new ArrayList<Integer>();
    Scenario scenario = simulation -> seen.add(simulation.random().nextInt());
    Simulation.run(1, scenario);
    Simulation.run(1, scenario);
    Simulation.run(2, scenario);
    assertEquals(seen.get(0), seen.get(1));
    assertNotEquals(seen.get(0), seen.get(2));
  }

  // ---- Failures

  @Test
  void aFailureSaysItsSeedAndHowToReplayIt() {
    var wrong = new AssertionError("wrong");
    var failure =
        assertThrows(
            SimulationFailure.class,
            () ->
                Simulation.explore(
                    10,
                    simulation -> {
                      Copas.pause(HOUR);
                      if (simulation.seed() == 3) {
                        throw wrong;
                      }
                    }));
    assertEquals(3, failure.seed());
    assertSame(wrong, failure.getCause());
    assertSays(
        failure,
        "seed 3, after PT1H of simulated time: task \"init\" failed",
        "wrong",
        "-Dcopas.seed=3",
        "Simulation.run(3, ...)",
        "PT1H init goes on");
  }

  @Test
  void aPropertyReplaysOneSeed() {
    var seeds = new ArrayList<Long>();
    System.setProperty(Simulation.SEED_PROPERTY, "7");
    try {
      Simulation.explore(100, simulation -> seeds.add(simulation.seed()));
    } finally {
      System.clearProperty(Simulation.SEED_PROPERTY);
    }
    assertEquals(List.of(7L), seeds);
  }

  // ---- Misuse

  @Test
  void exploringNothingIsAnError() {
    assertThrows(IllegalArgumentException.class, () -> Simulation.explore(0, simulation -> {}));
    assertThrows(IllegalArgumentException.class, () -> Simulation.explore(-5, simulation -> {}));
    System.setProperty(Simulation.SEED_PROPERTY, "forty-two");
    try {
      var error =
          assertThrows(
              IllegalArgumentException.class, () -> Simulation.explore(1, simulation -> {}));
      assertSays(error, "copas.seed", "forty-two");
    } finally {
      System.clearProperty(Simulation.SEED_PROPERTY);
    }
  }

  @Test
  void aSimulationRunsInNativeModeAndOnAPlatformThread() throws Exception {
    Options solo = Options.defaults().solo();
    assertThrows(IllegalArgumentException.class, () -> Simulation.run(1, solo, simulation -> {}));
    Simulation.run(
        1,
        outer ->
            assertSays(
                assertThrows(
                    IllegalStateException.class, () -> Simulation.run(2, simulation -> {})),
                "platform thread",
                "\"init\""));
  }

  @Test
  void anInterruptEndsASimulation() {
    Scenario[] scenarios = {
      simulation -> Copas.pause(HOUR),
      simulation -> Thread.sleep(60_000),
      simulation -> {
        while (true) {
          Copas.pause();
        }
      }
    };
    for (Scenario scenario : scenarios) {
      Thread.currentThread().interrupt();
      var failure = failureOf(scenario);
      assertTrue(Thread.interrupted(), "the interrupt is lost");
      assertSays(failure, "was interrupted");
    }
  }

  @Test
  void anInterruptEndsAForeignCall() {
    Thread runner = Thread.currentThread();
    var failure =
        failureOf(simulation -> {
          Thread.ofPlatform()
              .start(() -> {
                while (runner.getState() != Thread.State.TIMED_WAITING) {
                  Thread.onSpinWait();
                }
                runner.interrupt();
              });
          Thread.sleep(60_000);
        });
    assertTrue(Thread.interrupted(), "the interrupt is lost");
    assertSays(failure, "was interrupted");
  }

  @Test
  void aFailureOfAnyTaskFails() {
    var failure =
        assertThrows(
            SimulationFailure.class,
            () ->
                Simulation.run(
                    1,
                    simulation -> {
                      simulation
                          .copas()
                          .addThread(
                              "culprit",
                              () -> {
                                throw new IllegalStateException("oops");
                              });
                      Copas.pause(HOUR);
                    }));
    assertSays(failure, "task \"culprit\" failed: java.lang.IllegalStateException: oops");
  }

  @Test
  void whoeverWaitsInVainIsNamed() {
    var failure =
        assertThrows(
            SimulationFailure.class,
            () ->
                Simulation.run(
                    1,
                    simulation -> {
                      var copas = simulation.copas();
                      var server = copas.bind("127.0.0.1", 7777);
                      copas.addServer(server, SimulationTest::echo);
                      copas.connect("127.0.0.1", 7777).receive();
                    }));
    assertSays(failure, "nothing will ever happen", "task \"init\"", "CopasSocket.receive");
    assertSays(failure, "task \"127.0.0.1:7777:handler_1\"", "SimulationTest.echo");
  }

  @Test
  void idleServersAndPausesForEverAreNoFailure() {
    var cancelled = new AtomicInteger();
    Simulation over =
        Simulation.run(
            1,
            simulation -> {
              simulation.copas().addServer(simulation.copas().bind("*", 0), SimulationTest::echo);
              simulation
                  .copas()
                  .addThread(() -> {
                    try {
                      Copas.pauseForever();
                    } finally {
                      cancelled.incrementAndGet();
                    }
                  });
            });
    assertEquals(1, cancelled.get());
    assertEquals(List.of(), over.leaks());
  }

  // ---- A scenario that does not come to its end

  private static SimulationFailure failureOf(Scenario scenario) {
    return assertThrows(SimulationFailure.class, () -> Simulation.run(1, scenario));
  }

  @Test
  void aScenarioThatPausesForEverFails() {
    var failure =
        failureOf(simulation -> {
          Copas.pauseForever();
          throw new AssertionError("never seen");
        });
    assertSays(failure, "did not come to its end", "task \"init\"", "Copas.pauseForever");
  }

  @Test
  void aScenarioThatSwallowsItsCancellationFails() {
    var failure =
        failureOf(simulation -> {
          try {
            Copas.pauseForever();
          } catch (InterruptedException e) {
            // And returns as if it had been woken.
          }
        });
    assertSays(failure, "did not come to its end", "Copas.pauseForever");
  }

  @Test
  void noErrorHandlerHidesWhatAScenarioThrows() {
    var wrong = new AssertionError("wrong");
    var handled = new ArrayList<Throwable>();
    Scenario[] scenarios = {
      simulation -> {
        simulation.copas().setErrorHandler((error, task, socket) -> handled.add(error));
        throw wrong;
      },
      simulation -> {
        Copas.current().setErrorHandler((error, task, socket) -> handled.add(error));
        throw wrong;
      }
    };
    for (Scenario scenario : scenarios) {
      var failure = failureOf(scenario);
      assertSame(wrong, failure.getCause());
      assertSays(failure, "task \"init\" failed", "wrong");
    }
    assertEquals(List.of(wrong, wrong), handled); // The program sees its errors all the same.
  }

  @Test
  void aScenarioThatIsCancelledFails() {
    Scenario[] scenarios = {
      simulation -> simulation.copas().stop(Duration.ZERO),
      simulation -> simulation.copas().close(),
      simulation -> Copas.current().cancel()
    };
    for (Scenario end : scenarios) {
      var failure =
          failureOf(simulation -> {
            end.run(simulation);
            Copas.pause(HOUR);
          });
      assertSays(failure, "task \"init\" failed", "InterruptedException");
    }
    var failure =
        failureOf(simulation -> {
          Task scenario = Copas.current();
          simulation.copas().addThread(scenario::cancel);
          simulation.copas().connect("10.1.1.1", 1);
        });
    assertSays(failure, "task \"init\" failed", "InterruptedIOException");
  }

  @Test
  void aScenarioMayStopItsLoopAsTheLastThing() {
    Simulation over =
        Simulation.run(
            1,
            simulation -> {
              simulation
                  .copas()
                  .addThread(
                      "timer",
                      () -> {
                        while (true) {
                          Copas.pause(HOUR);
                        }
                      });
              Copas.pause(HOUR.multipliedBy(3));
              simulation.copas().stop(Duration.ZERO);
            });
    assertEquals(HOUR.multipliedBy(3), over.now());
  }

  @Test
  void theFirstFailureIsNotThatTheScenarioWasCancelledForIt() {
    var failure =
        failureOf(simulation -> {
          simulation
              .copas()
              .addThread(() -> {
                throw new AssertionError("first");
              });
          Copas.pause(HOUR);
        });
    assertSays(failure, "first");
    assertEquals(0, requireNonNull(failure.getCause()).getSuppressed().length);
  }

  @Test
  void tasksThatNeverRestFail() {
    var failure =
        assertThrows(
            SimulationFailure.class,
            () ->
                Simulation.run(
                    1,
                    simulation -> {
                      simulation.maxSteps(1000);
                      while (true) {
                        Copas.pause();
                      }
                    }));
    assertSays(failure, "did not come to rest in 1000 steps");
  }

  @Test
  void aCheckAtTheEndSeesEverythingClosed() {
    var sockets = new ArrayList<CopasSocket>();
    Simulation over =
        Simulation.run(
            1,
            Options.defaults(),
            simulation -> {
              var copas = simulation.copas();
              copas.addServer(copas.bind("localhost", 7777), sockets::add);
              sockets.add(copas.connect("localhost", 7777));
              simulation.atEnd(() -> assertTrue(sockets.getLast().isClosed()));
            });
    assertEquals(1, over.leaks().size()); // The client, which nobody has closed.
    assertNotNull(sockets.getFirst());
    assertThrows(
        SimulationFailure.class,
        () -> Simulation.run(1, simulation -> simulation.atEnd(() -> assertEquals(1, 2))));
  }

  private static void assertSays(Throwable failure, String... parts) {
    for (String part : parts) {
      assertTrue(String.valueOf(failure.getMessage()).contains(part), failure::getMessage);
    }
  }

  @Test
  void aStatusHasSimulatedAges() {
    Simulation.run(
        1,
        simulation -> {
          Copas copas = simulation.copas();
          Task waiting = copas.addThread("waiting", Copas::pauseForever);
          Copas.pause(Duration.ofHours(2));
          var status =
              copas.status().tasks().stream()
                  .filter(task -> task.name().equals("waiting"))
                  .findFirst()
                  .orElseThrow();
          assertEquals(Duration.ofHours(2), status.since());
          assertEquals("a wakeup()", status.waitsFor());
          assertEquals(Duration.ZERO, copas.status().turns().longest());
          waiting.cancel();
        });
  }
}
