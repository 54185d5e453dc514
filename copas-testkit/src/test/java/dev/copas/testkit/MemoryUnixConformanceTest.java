package dev.copas.testkit;

/** The Unix sockets in memory. */
class MemoryUnixConformanceTest extends UnixConformance {

  @Override
  void inLoop(SystemLoop.Body body) {
    SimulatedLoops.run(OPTIONS, body);
  }
}
