package dev.copas.loop;

/**
 * How many turns a loop has taken and how long they took; sleep does not count. Belongs to the
 * owner of the loop.
 */
public final class Turns {

  private long count;
  private long totalNanos;
  private long longestNanos;
  private long lastNanos;

  Turns() {}

  void add(long nanos) {
    count++;
    totalNanos += nanos;
    lastNanos = nanos;
    if (nanos > longestNanos) {
      longestNanos = nanos;
    }
  }

  public long count() {
    return count;
  }

  public long totalNanos() {
    return totalNanos;
  }

  public long longestNanos() {
    return longestNanos;
  }

  public long lastNanos() {
    return lastNanos;
  }
}
