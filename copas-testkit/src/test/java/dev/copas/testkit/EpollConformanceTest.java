package dev.copas.testkit;

import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** TCP on epoll, called directly. */
@EnabledOnOs(OS.LINUX)
class EpollConformanceTest extends TcpConformance {

  @Override
  void inLoop(SystemLoop.Body body) {
    SystemLoop.run(OPTIONS.epoll(), body);
  }
}
