package dev.copas.testkit;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;

/** What happened in a simulation, in its order. The same seed has the same trace. */
final class Trace {

  private static final int KEPT = 1000;

  private record Event(long nanos, String who, String what, long amount) {

    @Override
    public String toString() {
      String number = amount < 0 ? "" : " " + amount;
      return Duration.ofNanos(nanos) + " " + who + " " + what + number;
    }
  }

  private final ArrayDeque<Event> last = new ArrayDeque<>();
  private long fingerprint = 1;

  void add(long nanos, String who, String what) {
    add(nanos, who, what, -1);
  }

  void add(long nanos, String who, String what, long amount) {
    if (last.size() == KEPT) {
      last.removeFirst();
    }
    last.addLast(new Event(nanos, who, what, amount));
    mix(nanos);
    mix(who.hashCode());
    mix(what.hashCode());
    mix(amount);
  }

  private void mix(long value) {
    fingerprint = Long.rotateLeft(fingerprint ^ value, 23) * 0x9E3779B97F4A7C15L;
  }

  /** A number that stands for everything that happened. */
  long fingerprint() {
    return fingerprint;
  }

  /** The last events, one a line. */
  List<String> lines() {
    return last.stream().map(Event::toString).toList();
  }
}
