package dev.copas.cli.demo;

import dev.copas.Copas;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.LongAccumulator;

/**
 * How late an event loop runs what it is given. It is watched from outside: so a loop that does not
 * run at all has a lag too, and one that grows.
 */
final class LagProbe {

  private static final Duration INTERVAL = Duration.ofMillis(20);

  private final Executor loop;
  private final LongAccumulator longest = new LongAccumulator(Math::max, 0);
  private volatile long sent;
  private volatile boolean underway;

  LagProbe(Executor loop) {
    this.loop = loop;
  }

  /** Sends one probe after the other, as a task of another loop. */
  void watch() throws InterruptedException {
    while (true) {
      if (!underway) {
        sent = System.nanoTime();
        underway = true;
        loop.execute(this::arrived);
      }
      Copas.pause(INTERVAL);
    }
  }

  private void arrived() {
    longest.accumulate(System.nanoTime() - sent);
    underway = false;
  }

  /** The longest lag since the last call. */
  Duration longest() {
    long age = underway ? System.nanoTime() - sent : 0;
    return Duration.ofNanos(Math.max(longest.getThenReset(), age));
  }
}
