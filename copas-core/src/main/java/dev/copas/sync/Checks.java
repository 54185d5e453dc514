package dev.copas.sync;

import dev.copas.Copas;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What all of them refuse. */
final class Checks {

  /** How long Copas waits when nobody says how long. */
  static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

  /** A century: a wait that ends by itself, if only then, keeps the loop running. */
  static final Duration LONGEST = Duration.ofDays(36_500);

  private Checks() {}

  static void inLoop(Copas copas, String what) {
    if (!copas.inLoop()) {
      throw new IllegalStateException(
          what
              + " belongs to the tasks of its loop, and thread \""
              + Thread.currentThread().getName()
              + "\" is none of them: do this in a handler or in addThread");
    }
  }

  /**
   * In a task of the loop, or while nobody runs it: at the end of a block around {@code loop()}.
   */
  static void mayEnd(Copas copas, String what) {
    if (!copas.inLoop() && isRunning(copas)) {
      inLoop(copas, what);
    }
  }

  private static boolean isRunning(Copas copas) {
    try {
      boolean _ = copas.finished(); // It answers to a task, and while nobody runs the loop.
      return false;
    } catch (IllegalStateException e) {
      return true;
    }
  }

  static void usable(Copas copas, String what, boolean destroyed) {
    inLoop(copas, what);
    if (destroyed) {
      throw new DestroyedException(what);
    }
  }

  static Duration notNegative(Duration duration, String name) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException("the " + name + " is negative: " + duration);
    }
    return duration;
  }

  /** What is longer than the loop can tell from for ever, is a century. */
  static Duration clamped(Duration duration) {
    return duration.compareTo(LONGEST) > 0 ? LONGEST : duration;
  }

  static @Nullable Duration timeout(@Nullable Duration timeout) {
    return timeout == null ? null : notNegative(timeout, "time-out");
  }
}
