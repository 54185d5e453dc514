package dev.copas.cli.demo;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.HdrHistogram.Histogram;

/**
 * What there is to say of a server.
 *
 * @param messages that arrived at clients, per second
 * @param p50 how long a message took from its sender to a client, in the median
 * @param p99 how long all but one in a hundred took at most
 * @param lag the longest of its loop
 * @param waiting handlers in the blocking call
 * @param unanswered clients that have asked and have no answer yet
 */
record Figures(
    double messages, Duration p50, Duration p99, Duration lag, int waiting, int unanswered) {

  /**
   * @param delays of the messages that arrived, in microseconds
   * @param time in which they did
   */
  static Figures of(Histogram delays, Duration time, Duration lag, int waiting, int unanswered) {
    return new Figures(
        delays.getTotalCount() * 1e9 / time.toNanos(),
        percentile(delays, 50),
        percentile(delays, 99),
        lag,
        waiting,
        unanswered);
  }

  private static Duration percentile(Histogram delays, double percent) {
    return Duration.of(delays.getValueAtPercentile(percent), ChronoUnit.MICROS);
  }
}
