package dev.copas.testkit;

/** The network in memory. */
class MemoryConformanceTest extends TcpConformance {

  @Override
  void inLoop(SystemLoop.Body body) {
    SimulatedLoops.run(OPTIONS, body);
  }
}
