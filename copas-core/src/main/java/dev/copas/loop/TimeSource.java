package dev.copas.loop;

/** Where the loop has its time from. */
@FunctionalInterface
public interface TimeSource {

  /** Nanoseconds since some moment in the past; never goes back. */
  long nanoTime();
}
