package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.copas.Options;
import java.util.List;

/** Loops on the network in memory, in several courses. */
final class SimulatedLoops {

  private static final int SEEDS = 20;

  private SimulatedLoops() {}

  static void run(Options options, SystemLoop.Body body) {
    Simulation.explore(
        1,
        SEEDS,
        options,
        simulation -> {
          simulation.atEnd(() -> assertEquals(List.of(), simulation.leaks()));
          body.run(simulation.copas());
        });
  }
}
