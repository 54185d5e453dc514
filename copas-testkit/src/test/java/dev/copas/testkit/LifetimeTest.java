package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.copas.Copas;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Loops that end while tasks wait for their time. */
@Timeout(60)
class LifetimeTest {

  private static final Duration HOUR = Duration.ofHours(1);

  private final List<String> log = new ArrayList<>();

  @Test
  void aStopLetsTasksEndWithinItsGraceAndThenCancelsThem() {
    Simulation over =
        Simulation.run(
            1,
            simulation -> {
              for (int hours : new int[] {1, 9, 11}) {
                Duration pause = HOUR.multipliedBy(hours);
                simulation.copas().addThread(() -> pause(pause, simulation));
              }
              simulation.copas().stop(HOUR.multipliedBy(10));
            });
    assertEquals(List.of("PT1H paused", "PT9H paused", "PT10H cancelled"), log);
    assertEquals(HOUR.multipliedBy(10), over.now());
  }

  private void pause(Duration time, Simulation simulation) {
    try {
      Copas.pause(time);
      log.add(simulation.now() + " paused");
    } catch (InterruptedException e) {
      log.add(simulation.now() + " cancelled");
    }
  }

  @Test
  void afterExitTasksMayTakeTheirTimeAndStartOthers() {
    Simulation over =
        Simulation.run(
            1,
            simulation -> {
              var copas = simulation.copas();
              copas.exit();
              copas.addThread(() -> {
                pause(HOUR, simulation);
                copas.addThread(() -> pause(HOUR, simulation));
              });
            });
    assertEquals(List.of("PT1H paused", "PT2H paused"), log);
    assertEquals(HOUR.multipliedBy(2), over.now());
  }

  @Test
  void whoWaitedForTheExitOfALoopThatEndsByItselfMayTakeItsTime() {
    Simulation over =
        Simulation.run(
            1,
            simulation ->
                simulation
                    .copas()
                    .addThread(() -> {
                      simulation.copas().waitForExit();
                      pause(HOUR, simulation);
                    }));
    assertEquals(List.of("PT1H paused"), log);
    assertEquals(HOUR, over.now());
  }
}
