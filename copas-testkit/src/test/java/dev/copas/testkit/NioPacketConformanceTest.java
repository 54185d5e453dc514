package dev.copas.testkit;

import dev.copas.Options;
import org.junit.jupiter.api.Tag;

/** On the sockets of java.nio, in both modes: the build runs it once in each. */
@Tag("solo")
class NioPacketConformanceTest extends PacketConformance {

  @Override
  boolean sendsEmptyWhenConnected() {
    return false;
  }

  @Override
  void run(SystemLoop.Body body) {
    SystemLoop.runOnNio(Options.defaults(), body);
  }
}
