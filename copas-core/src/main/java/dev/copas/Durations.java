package dev.copas;

import java.time.Duration;
import java.util.Locale;

/** Writes durations for people: {@code 0.3 ms}, {@code 12 s}, {@code 3 h 20 min}. */
final class Durations {

  private Durations() {}

  static String format(Duration duration) {
    if (duration.compareTo(Duration.ofSeconds(1)) < 0) {
      return decimal(duration.toNanos() / 1e6) + " ms";
    }
    if (duration.compareTo(Duration.ofMinutes(1)) < 0) {
      return decimal(duration.toMillis() / 1e3) + " s";
    }
    if (duration.compareTo(Duration.ofHours(1)) < 0) {
      return duration.toMinutes() + " min " + duration.toSecondsPart() + " s";
    }
    return duration.toHours() + " h " + duration.toMinutesPart() + " min";
  }

  private static String decimal(double number) {
    return String.format(Locale.ROOT, number < 10 ? "%.1f" : "%.0f", number);
  }
}
