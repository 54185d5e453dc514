package dev.copas.testkit;

import dev.copas.Options;
import org.junit.jupiter.api.Tag;

/** On the sockets of java.nio, in both modes: the build runs it once in each. */
@Tag("solo")
class NioConformanceTest extends SystemConformance {

  private static final boolean SOLO = "solo".equals(System.getProperty("copas.mode"));

  @Override
  Options options(Options wanted) {
    return SOLO ? wanted.solo() : wanted.nio();
  }
}
