package dev.copas.testkit;

import dev.copas.Options;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** On epoll, called directly. */
@EnabledOnOs(OS.LINUX)
class EpollPacketConformanceTest extends PacketConformance {

  @Override
  void run(SystemLoop.Body body) {
    SystemLoop.run(Options.defaults().epoll(), body);
  }
}
