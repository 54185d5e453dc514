package dev.copas.testkit;

import dev.copas.Options;
import org.junit.jupiter.api.Tag;

/** On the sockets of java.nio, in both modes: the build runs it once in each. */
@Tag("solo")
class NioPacketConformanceTest extends PacketConformance {

  private static final boolean SOLO = "solo".equals(System.getProperty("copas.mode"));

  @Override
  boolean sendsEmptyWhenConnected() {
    return false;
  }

  @Override
  void run(SystemLoop.Body body) {
    Options options = Options.defaults();
    SystemLoop.run(SOLO ? options.solo() : options.nio(), body);
  }
}
