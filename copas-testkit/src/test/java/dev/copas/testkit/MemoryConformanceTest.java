package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;

/** The network in memory, in several courses. */
class MemoryConformanceTest extends StreamConformance {

  private static final int SEEDS = 20;

  @Override
  void run(Body body) {
    Simulation.explore(
        1,
        SEEDS,
        OPTIONS,
        simulation -> {
          simulation.atEnd(() -> assertEquals(List.of(), simulation.leaks()));
          body.run(new Net(simulation.copas()));
        });
  }
}
