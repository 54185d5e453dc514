package dev.copas.cli.demo;

import java.time.Duration;
import java.util.Locale;

/** Numbers as they are shown. */
final class Format {

  private Format() {}

  static String count(double number) {
    return String.format(Locale.ROOT, "%,.0f", number);
  }

  static String millis(Duration time) {
    return String.format(Locale.ROOT, "%,.1f", time.toNanos() / 1e6);
  }

  /** A time that messages took, when there were any. */
  static String millis(Duration time, double messages) {
    return messages == 0 ? "-" : millis(time);
  }
}
