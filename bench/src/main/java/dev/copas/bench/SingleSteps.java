package dev.copas.bench;

import static java.util.function.Predicate.not;
import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** What JMH has measured, from the file that it writes. */
final class SingleSteps {

  /** Written by the benchmarks in the folder jmh. */
  static final String FILE = "jmh.csv";

  private static final String HEAD =
      """

      ## Single steps (JMH)

      By `mvn -Pjmh verify -pl bench/jmh -am -DskipTests -Djmh.results=../../jmh.csv`. The mean, and half of its confidence
      interval of 99.9 %.

      |  | time |  | samples |
      |---|---:|---|---:|
      """;

  private SingleSteps() {}

  /** Empty when there is no such file. */
  static String table(Path csv) throws IOException {
    if (!Files.exists(csv)) {
      return "";
    }
    try (var lines = Files.lines(csv)) {
      return HEAD + lines.skip(1).map(SingleSteps::row).collect(joining());
    }
  }

  private static String row(String line) {
    String[] cells = line.replace("\"", "").split(",", -1);
    String benchmark = cells[0].replaceFirst(".*\\.(\\w+\\.\\w+)", "$1").replace(":cpu", ", CPU");
    String parameters =
        Arrays.stream(cells)
            .skip(7)
            .filter(not(String::isEmpty))
            .map(" "::concat)
            .collect(joining());
    double score = Double.parseDouble(cells[4]);
    double error = Double.parseDouble(cells[5]);
    return "| %s%s | %,.1f ± %,.1f | %s | %s |\n"
        .formatted(benchmark, parameters, score, error, cells[6], cells[3]);
  }
}
