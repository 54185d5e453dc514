package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.copas.Options;
import java.util.List;

/** The network in memory, in several courses. */
class MemoryPacketConformanceTest extends PacketConformance {

  private static final int SEEDS = 20;

  @Override
  void run(SystemLoop.Body body) {
    Simulation.explore(
        1,
        SEEDS,
        Options.defaults(),
        simulation -> {
          simulation.atEnd(() -> assertEquals(List.of(), simulation.leaks()));
          body.run(simulation.copas());
        });
  }
}
