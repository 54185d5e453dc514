package dev.copas.cli.demo;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;

/** What a server did before its handlers waited, meanwhile, and since. */
final class Summary {

  private final String server;
  private final List<Figures> before = new ArrayList<>();
  private final List<Figures> meanwhile = new ArrayList<>();
  private final List<Figures> since = new ArrayList<>();

  Summary(String server) {
    this.server = server;
  }

  /**
   * Adds a second.
   *
   * @param waits whether handlers waited in it
   */
  void add(Figures second, boolean waits) {
    if (waits) {
      meanwhile.add(second);
    }
    if (meanwhile.isEmpty()) {
      before.add(second);
    } else {
      since.add(second);
    }
  }

  /** What the columns of {@link #toString} are. */
  static String heading() {
    return String.format(
            "%-6s %21s %19s %19s%n", "", "messages/s", "worst p99 ms", "worst loop lag ms")
        + row("", "before", "meanwhile", "before", "since", "before", "since");
  }

  @Override
  public String toString() {
    return row(
        server,
        Format.count(average(before)),
        Format.count(average(meanwhile)),
        worst(before, Figures::p99),
        worst(since, Figures::p99),
        worst(before, Figures::lag),
        worst(since, Figures::lag));
  }

  private static String row(String... cells) {
    return String.format("%-6s %10s %10s %9s %9s %9s %9s%n", (Object[]) cells);
  }

  private static double average(List<Figures> seconds) {
    return seconds.stream().mapToDouble(Figures::messages).average().orElse(0);
  }

  private static String worst(List<Figures> seconds, Function<Figures, Duration> figure) {
    return Format.millis(
        seconds.stream().map(figure).max(Comparator.naturalOrder()).orElse(Duration.ZERO));
  }
}
