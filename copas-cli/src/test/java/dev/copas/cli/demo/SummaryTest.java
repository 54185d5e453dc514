package dev.copas.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class SummaryTest {

  @Test
  void itTellsOfTheTimesBeforeMeanwhileAndSince() {
    var summary = new Summary("Netty");
    summary.add(second(10_000, 1, 2), false);
    summary.add(second(12_000, 3, 4), false);
    summary.add(second(1_000, 0, 900), true);
    summary.add(second(0, 0, 1_900), true);
    summary.add(second(30_000, 2_000, 5), false);
    assertEquals(
        """
                          messages/s        worst p99 ms   worst loop lag ms
                   before  meanwhile    before     since    before     since
        Netty      11,000        500       3.0   2,000.0       4.0   1,900.0
        """,
        (Summary.heading() + summary).replace(System.lineSeparator(), "\n"));
  }

  private static Figures second(int messages, int p99, int lag) {
    return new Figures(
        messages, Duration.ZERO, Duration.ofMillis(p99), Duration.ofMillis(lag), 0, 0);
  }
}
