package dev.copas.cli.demo;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** How many clients the file descriptors of this process are enough for. */
public final class Descriptors {

  private static final int SERVERS = 2;
  private static final int ENDS = 2; // Both are in this process.

  /** Selectors, listening sockets, jars. */
  private static final int OTHERS = 100;

  private Descriptors() {}

  /** How many there have to be, also while handlers of both servers call their backends. */
  public static int needed(int clients) {
    return SERVERS * ENDS * (clients + Crowd.asking(clients)) + OTHERS;
  }

  /** How many there are left. */
  public static long available() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system
        ? system.getMaxFileDescriptorCount() - system.getOpenFileDescriptorCount()
        : Long.MAX_VALUE;
  }
}
