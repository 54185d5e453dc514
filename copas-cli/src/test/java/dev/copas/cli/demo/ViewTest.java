package dev.copas.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ViewTest {

  private static final Figures QUIET = figures(10_012, 150, 1_234, 300, 0, 0);
  private static final Figures WAITS = figures(9_998, 160, 1_300, 400, 500, 500);
  private static final Figures FROZEN = figures(0, 0, 0, 2_500_000, 1, 500);
  private static final Figures HALF = figures(5_000, 150, 1_234, 300, 0, 0);
  private static final Figures CATCHES_UP = figures(30_000, 2_000_000, 2_400_000, 600, 0, 0);

  @Test
  void itShowsBothServersSideBySide() {
    var view = view(true);
    view.add(QUIET, QUIET);
    view.add(QUIET, HALF);
    view.add(QUIET, CATCHES_UP);
    view.add(WAITS, FROZEN);
    assertEquals(
        """
         2,000 chat clients on each server, in one process

                                                    Copas         Netty
         messages delivered per second              9,998             0
         time to deliver one, p50 (ms)                0.2             -
         time to deliver one, p99 (ms)                1.3             -
         event loop lag (ms)                          0.4       2,500.0
         handlers in the blocking call                500             1
         clients that wait for its answer             500           500

         b  let 500 handlers of Copas call a backend that hangs for 5 s
         n  the same with Netty
         q  quit

         messages delivered
         Copas  ████
         Netty  █▄█
        """
            .stripTrailing(),
        text(view));
  }

  @Test
  void itNeedsNoUnicode() {
    var view = view(false);
    view.add(WAITS, HALF);
    assertTrue(text(view).chars().allMatch(character -> character < 128));
    assertTrue(text(view).endsWith(" Copas  #\n Netty  ="), text(view));
  }

  @Test
  void whatIsLongAgoGoesOutOfThePicture() {
    var view = view(true);
    for (int i = 0; i < 1000; i++) {
      view.add(QUIET, QUIET);
    }
    assertTrue(view.lines().stream().allMatch(line -> line.length() <= 80));
    assertTrue(view.lines().size() <= 24);
  }

  private static View view(boolean unicode) {
    return new View(2000, Duration.ofSeconds(5), 10_000, unicode);
  }

  private static String text(View view) {
    return String.join("\n", view.lines().stream().map(String::stripTrailing).toList());
  }

  private static Figures figures(
      int messages, int p50, int p99, int lag, int waiting, int unanswered) {
    return new Figures(messages, micros(p50), micros(p99), micros(lag), waiting, unanswered);
  }

  private static Duration micros(int micros) {
    return Duration.ofNanos(1000L * micros);
  }
}
