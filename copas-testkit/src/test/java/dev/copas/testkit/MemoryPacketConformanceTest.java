package dev.copas.testkit;

import dev.copas.Options;

/** The network in memory, in several courses. */
class MemoryPacketConformanceTest extends PacketConformance {

  @Override
  void run(SystemLoop.Body body) {
    SimulatedLoops.run(Options.defaults(), body);
  }
}
