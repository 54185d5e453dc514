package dev.copas.testkit;

import org.junit.jupiter.api.Tag;

/** TCP on java.nio, in both modes. */
@Tag("solo")
class NioConformanceTest extends TcpConformance {

  @Override
  void inLoop(SystemLoop.Body body) {
    SystemLoop.runOnNio(OPTIONS, body);
  }
}
