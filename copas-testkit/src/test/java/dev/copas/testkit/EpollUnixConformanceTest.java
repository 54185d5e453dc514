package dev.copas.testkit;

import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Unix sockets on epoll, called directly. */
@EnabledOnOs(OS.LINUX)
class EpollUnixConformanceTest extends UnixConformance {

  @Override
  void inLoop(SystemLoop.Body body) {
    SystemLoop.run(OPTIONS.epoll(), body);
  }
}
