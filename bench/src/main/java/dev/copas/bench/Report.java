package dev.copas.bench;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Tables of medians. */
final class Report {

  private static final double BUSY = 0.95;

  private Report() {}

  static void write(Path folder, List<Sample> samples) throws IOException {
    Map<String, List<Sample>> byScenario = samples.stream().collect(groupingBy(Sample::scenario));
    String tables =
        Scenario.ALL.stream()
            .filter(scenario -> byScenario.containsKey(scenario.id()))
            .map(scenario -> table(scenario, byScenario.getOrDefault(scenario.id(), List.of())))
            .collect(joining("\n"));
    String steps = SingleSteps.table(folder.resolve(SingleSteps.FILE));
    Files.writeString(folder.resolve("RESULTS.md"), head() + tables + steps);
    for (String size : List.of("64b", "16k")) {
      var plot = new Plot(size.equals("64b") ? "Echo of 64 bytes" : "Echo of 16 KB", size, samples);
      if (plot.hasLines()) {
        Files.writeString(folder.resolve("echo-" + size + ".svg"), plot.svg());
      }
    }
  }

  private static String head() throws IOException {
    return """
    # Results

    %s, %s, Linux %s, Java %s, %s.

    Written by `bench/run`; every sample is in results.csv. The server has one core and the load, which
    checks every byte, another one. Medians, and the quartiles in brackets; a ratio is the median of those of the rounds. CPU is the time that the
    operating system says the server's process used, all of its threads, for each request. "Busy" is how
    much of its core the server, and the load, used: where the load is the busier one, the server waited
    for it: its throughput is not its limit, and it got fewer requests at a time, which cost more each; so a
    ratio to it flatters the others a little. With all of them on the way at once, p50 and p99 tell how long
    the queue was, and who was served unfairly. Of the JDK's idle connection, 16 KB are the buffer that its
    handler reads into.

    """
        .formatted(
            LocalDate.now(ZoneOffset.UTC),
            processor(),
            System.getProperty("os.version").replaceAll("[^0-9.].*", ""),
            System.getProperty("java.version"),
            Versions.ofPeers());
  }

  private static String processor() throws IOException {
    try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.replaceFirst("[^:]*: *", ""))
          .findFirst()
          .orElse(System.getProperty("os.arch"));
    }
  }

  static String table(Scenario scenario, List<Sample> samples) {
    Map<String, List<Sample>> byContender = samples.stream().collect(groupingBy(Sample::contender));
    List<String> order = List.copyOf(Contender.LABELS.keySet());
    return "## %s\n\n%s%s"
        .formatted(
            scenario.title(),
            columns(scenario),
            byContender.keySet().stream()
                .sorted(Comparator.comparingInt(order::indexOf))
                .map(id -> row(scenario, id, byContender))
                .collect(joining()));
  }

  private static String columns(Scenario scenario) {
    return switch (scenario.kind()) {
      case IDLE -> line("", "KB per connection", "to C", "to Netty") + rule(4);
      case START -> line("", "ms", "to hello") + rule(3);
      default ->
          line(
                  "",
                  "CPU us per " + scenario.unit(),
                  "to C",
                  "to Netty",
                  scenario.unit() + "s per s",
                  "p50 us",
                  "p99 us",
                  "resident MB",
                  "busy: server, load")
              + rule(9);
    };
  }

  private static String line(String... cells) {
    return "| " + String.join(" | ", cells) + " |\n";
  }

  private static String rule(int columns) {
    return "|---" + "|---:".repeat(columns - 1) + "|\n";
  }

  private static String row(Scenario scenario, String id, Map<String, List<Sample>> all) {
    List<Sample> own = all.getOrDefault(id, List.of());
    String label = Contender.label(id);
    String cost =
        "%.2f (%.2f-%.2f)"
            .formatted(
                median(own, Sample::cost),
                Sample.quantile(own, 0.25, Sample::cost),
                Sample.quantile(own, 0.75, Sample::cost));
    return switch (scenario.kind()) {
      case IDLE -> line(label, cost, ratio(own, all.get("c")), ratio(own, all.get("netty-epoll")));
      case START -> line(label, cost, ratio(own, all.get("hello")));
      default ->
          line(
              label,
              cost,
              ratio(own, all.get("c")),
              ratio(own, all.get("netty-epoll")),
              "%,.0f".formatted(median(own, Sample::perSecond)),
              number(median(own, Sample::p50)),
              number(median(own, Sample::p99)),
              number(median(own, Sample::resident)),
              busy(own));
    };
  }

  private static String busy(List<Sample> own) {
    double server = median(own, Sample::serverBusy);
    double load = median(own, Sample::loadBusy);
    return "%.0f %%, %.0f %%%s"
        .formatted(100 * server, 100 * load, server < BUSY && load > BUSY ? " (load-bound)" : "");
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "" : "%,.0f".formatted(value);
  }

  /** The median of what the rounds say: both sides of each were measured within seconds. */
  private static String ratio(List<Sample> own, @Nullable List<Sample> other) {
    if (other == null) {
      return "";
    }
    int rounds = Math.min(own.size(), other.size());
    double[] ratios =
        IntStream.range(0, rounds)
            .mapToDouble(i -> own.get(i).cost() / other.get(i).cost())
            .sorted()
            .toArray();
    return "%.2f".formatted((ratios[(rounds - 1) / 2] + ratios[rounds / 2]) / 2);
  }

  static double median(List<Sample> samples, ToDoubleFunction<Sample> value) {
    return Sample.quantile(samples, 0.5, value);
  }
}
