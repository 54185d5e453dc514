package dev.copas.testkit;

/** The network in memory. */
class MemoryConformanceTest extends TcpConformance {

  @Override
  void inLoop(LoopBody body) {
    SimulatedLoops.run(OPTIONS, body);
  }
}
