package dev.copas.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

class FiguresTest {

  @Test
  void messagesArePerSecondAndPercentilesOfTheirDelays() {
    var micros = new Histogram(3);
    micros.recordValueWithCount(200, 98);
    micros.recordValue(1_000);
    micros.recordValue(50_000);
    var figures = Figures.of(micros, Duration.ofMillis(500), Duration.ofNanos(7), 8, 9);
    assertEquals(200, figures.messages());
    assertEquals(Duration.ofNanos(200_000), figures.p50());
    assertEquals("1.0", Format.millis(figures.p99()));
    assertEquals(Duration.ofNanos(7), figures.lag());
    assertEquals(8, figures.waiting());
    assertEquals(9, figures.unanswered());
  }
}
