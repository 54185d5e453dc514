package dev.copas.testkit;

import dev.copas.loop.Clock;
import dev.copas.transport.Transport;
import java.io.IOException;
import java.util.Comparator;
import java.util.PriorityQueue;

/**
 * Time that passes only when no task can go on, and then at once: to the next deadline of the loop
 * or the next event of the world, whichever is first.
 */
final class VirtualClock implements Clock {

  /** Who knows whether time may pass, and what there is to do when it cannot. */
  interface Standstill {

    /** Whether there is something to do now: a channel is ready, or another thread has called. */
    boolean isOver();

    /** No deadline, no event, and no task that anything but those could wake. */
    void atRest();

    /** A task is in a call that the loop knows nothing of. Returns when that may be over. */
    void inForeignCall();
  }

  private record Event(long when, long order, Runnable action) {}

  /** By differences, since time may pass the end of the numbers, as {@link System#nanoTime}'s. */
  private static final Comparator<Event> EARLIER_FIRST =
      (a, b) -> a.when != b.when ? Long.signum(a.when - b.when) : Long.compare(a.order, b.order);

  private final PriorityQueue<Event> events = new PriorityQueue<>(EARLIER_FIRST);
  private final long start;
  private final Standstill standstill;
  private long now;
  private long scheduled;

  VirtualClock(long start, Standstill standstill) {
    this.start = start;
    this.now = start;
    this.standstill = standstill;
  }

  @Override
  public long nanoTime() {
    return now;
  }

  /** Nanoseconds since the beginning. */
  long elapsed() {
    return now - start;
  }

  /** Has the world do something at a moment that is not before now. */
  void at(long when, Runnable action) {
    events.add(new Event(when, scheduled++, action));
  }

  /** Lets time pass, whatever waits for it. */
  void skip(long nanos) {
    now += nanos;
  }

  /** Lets the world do what is due. */
  void runDue() {
    for (Event next; (next = events.peek()) != null && next.when - now <= 0; ) {
      events.remove();
      next.action.run();
    }
  }

  @Override
  public void sleep(Transport transport, long nanos, boolean quiet) throws IOException {
    runDue();
    if (!standstill.isOver()) {
      if (quiet) {
        jump(nanos);
      } else {
        standstill.inForeignCall();
      }
    }
    transport.poll(0);
  }

  private void jump(long nanos) {
    Event next = events.peek();
    long untilNext = next == null ? Long.MAX_VALUE : next.when - now;
    long jump = Math.min(nanos, untilNext);
    if (jump == Long.MAX_VALUE) {
      standstill.atRest();
    } else {
      now += jump;
    }
  }
}
