package dev.copas.testkit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Unix sockets on java.nio, in both modes. */
@Tag("solo")
@EnabledOnOs(OS.LINUX) // Others have no full backlog.
class NioUnixConformanceTest extends UnixConformance {

  @Override
  void inLoop(SystemLoop.Body body) {
    SystemLoop.runOnNio(OPTIONS, body);
  }
}
