package dev.copas.cli.demo;

import java.io.IOException;
import java.time.Duration;

/** A run that keys steer, shown in place. */
final class LiveShow {

  private static final Duration HANG = Duration.ofSeconds(5);
  private static final Duration INTERVAL = Duration.ofMillis(500);

  private final Screen screen;
  private final View view;
  private final Side copas;
  private final Side netty;

  LiveShow(Screen screen, int clients, Side copas, Side netty) {
    this.screen = screen;
    this.view = new View(clients, HANG, Crowd.rate(clients), screen.canShow("█"));
    this.copas = copas;
    this.netty = netty;
  }

  /** Until somebody quits, or the time is over. */
  void run(Duration time) throws IOException {
    long begin = System.nanoTime();
    long next = 0;
    do {
      view.add(copas.look(), netty.look());
      screen.draw(view.lines());
      next += INTERVAL.toNanos();
    } while (next <= time.toNanos() && obeyUntil(begin + next));
  }

  /** Returns false when it is time to quit. */
  private boolean obeyUntil(long end) throws IOException {
    for (long left; (left = end - System.nanoTime()) > 0; ) {
      switch (screen.key(left)) {
        case 'b' -> copas.ask(HANG);
        case 'n' -> netty.ask(HANG);
        case 'q', Screen.END -> {
          return false;
        }
        default -> {}
      }
    }
    return true;
  }
}
