package dev.copas;

import dev.copas.loop.Coroutine;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Durations as the loop counts them: in nanoseconds, without one is for ever. */
final class Timeouts {

  static final long FOREVER = Coroutine.FOREVER;

  private Timeouts() {}

  static @Nullable Duration checked(@Nullable Duration timeout, String name) {
    if (timeout != null && timeout.isNegative()) {
      throw new IllegalArgumentException(
          "the " + name + " time-out is negative: " + timeout + "; use null for none");
    }
    return timeout;
  }

  static long nanos(@Nullable Duration timeout, String name) {
    Duration valid = checked(timeout, name);
    return valid == null ? FOREVER : nanos(valid);
  }

  /** As many as there are, or {@link #FOREVER} when it is centuries. */
  static long nanos(Duration duration) {
    try {
      return duration.toNanos();
    } catch (ArithmeticException e) {
      return duration.isNegative() ? Long.MIN_VALUE : FOREVER;
    }
  }

  /** As {@link java.net.Socket#setSoTimeout} has it: 0 is for ever. */
  static long fromJavaNet(int millis) {
    return millis == 0 ? FOREVER : millis * 1_000_000L;
  }

  /** As {@link java.net.Socket#getSoTimeout} has it: 0 is for ever, and a poll at least 1. */
  static int toJavaNet(long nanos) {
    if (nanos == FOREVER) {
      return 0;
    }
    return Math.clamp(nanos / 1_000_000, 1, Integer.MAX_VALUE);
  }
}
