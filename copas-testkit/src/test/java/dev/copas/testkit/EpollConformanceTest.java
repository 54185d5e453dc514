package dev.copas.testkit;

import dev.copas.Options;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** On epoll, called directly. */
@EnabledOnOs(OS.LINUX)
class EpollConformanceTest extends SystemConformance {

  @Override
  Options options(Options wanted) {
    return wanted.epoll();
  }
}
