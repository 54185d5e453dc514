package dev.copas.bench;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * CPU time per echo against the number of connections, as an SVG that follows the page's colours.
 */
@SuppressWarnings("AnnotateFormatMethod") // Of a library that would be here for that alone.
final class Plot {

  private static final int WIDTH = 760;
  private static final int HEIGHT = 420;
  private static final int LEFT = 60;
  private static final int RIGHT = 180;
  private static final int TOP = 50;
  private static final int BOTTOM = 50;
  private static final int LABEL_HEIGHT = 16;

  private static final List<Integer> CONNECTIONS = List.of(1, 64, 1000, 10_000);
  private static final Map<String, String> COLOURS =
      Map.of(
          "c", "#7f7f7f",
          "copas-epoll", "#d62728",
          "copas-nio", "#ff7f0e",
          "copas-solo", "#e377c2",
          "netty-epoll", "#1f77b4",
          "netty-nio", "#17becf",
          "vertx", "#9467bd",
          "jdk", "#2ca02c",
          "lua", "#8c564b");

  private record Line(String contender, List<Double> costs) {}

  private final String title;
  private final List<Line> lines = new ArrayList<>();
  private final double most;

  Plot(String title, String size, List<Sample> samples) {
    this.title = title;
    for (String contender : Contender.LABELS.keySet()) {
      List<Double> costs =
          CONNECTIONS.stream()
              .map(count -> median(samples, size + "-" + count, contender))
              .toList();
      if (COLOURS.containsKey(contender)
          && costs.stream().filter(cost -> !Double.isNaN(cost)).count() > 1) {
        lines.add(new Line(contender, costs));
      }
    }
    double highest =
        lines.stream()
            .flatMap(line -> line.costs.stream())
            .mapToDouble(cost -> cost)
            .filter(cost -> !Double.isNaN(cost))
            .max()
            .orElse(1);
    most = tick(highest) * Math.ceil(highest / tick(highest));
  }

  boolean hasLines() {
    return !lines.isEmpty();
  }

  private static double median(List<Sample> samples, String scenario, String contender) {
    List<Sample> own =
        samples.stream()
            .filter(s -> s.scenario().equals(scenario) && s.contender().equals(contender))
            .toList();
    return own.isEmpty() ? Double.NaN : Report.median(own, Sample::cost);
  }

  /** 1, 2 or 5 times a power of ten, about a fifth of the whole. */
  private static double tick(double highest) {
    double power = Math.pow(10, Math.floor(Math.log10(highest / 5)));
    double rest = highest / 5 / power;
    return power * (rest > 5 ? 10 : rest > 2 ? 5 : rest > 1 ? 2 : 1);
  }

  String svg() {
    var svg = new StringBuilder();
    svg.append(
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">
        <style>text{fill:#333}.grid{stroke:#ccc}@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#555}}</style>
        <text x="%d" y="24" font-size="16">%s: CPU time of the server, microseconds each</text>
        """
            .formatted(WIDTH, HEIGHT, LEFT, title));
    for (double cost = 0; cost <= most; cost += tick(most)) {
      svg.append(
          line(
              "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>",
              LEFT, WIDTH - RIGHT, y(cost), y(cost)));
      svg.append(
          line(
              "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.0f</text>",
              LEFT - 8, y(cost) + 4, cost));
    }
    for (int i = 0; i < CONNECTIONS.size(); i++) {
      svg.append(
          line(
              "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%,d</text>",
              x(i), HEIGHT - BOTTOM + 20, CONNECTIONS.get(i)));
    }
    svg.append(
        line(
            "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">connections</text>",
            (x(0) + x(3)) / 2, HEIGHT - 10));
    lines.forEach(line -> svg.append(drawn(line)));
    addLabels(svg);
    return svg.append("</svg>\n").toString();
  }

  private static String line(String format, Object... values) {
    return format.formatted(values) + "\n";
  }

  private String drawn(Line line) {
    var points = new StringBuilder();
    IntStream.range(0, CONNECTIONS.size())
        .filter(i -> !Double.isNaN(line.costs.get(i)))
        .forEach(i ->
            points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x(i), y(line.costs.get(i)))));
    return line(
        "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" points=\"%s\"/>",
        colour(line),
        line.contender.equals("copas-epoll") ? "3.5" : "2",
        points.toString().strip());
  }

  /** Each at the end of its line, or below the one above it when that leaves no room. */
  private void addLabels(StringBuilder svg) {
    double free = 0;
    List<Line> fromTheTop =
        lines.stream().sorted(Comparator.comparingDouble((Line line) -> y(last(line)))).toList();
    for (Line line : fromTheTop) {
      double place = Math.max(y(last(line)) + 4, free);
      free = place + LABEL_HEIGHT;
      svg.append(
          line(
              "<text x=\"%d\" y=\"%.1f\" style=\"fill:%s\">%s</text>",
              WIDTH - RIGHT + 10, place, colour(line), Contender.label(line.contender)));
    }
  }

  private static double last(Line line) {
    return line.costs.reversed().stream()
        .filter(cost -> !Double.isNaN(cost))
        .findFirst()
        .orElseThrow();
  }

  private static String colour(Line line) {
    return COLOURS.getOrDefault(line.contender, "#333");
  }

  private static double x(int index) {
    return LEFT + 10 + index * (WIDTH - LEFT - RIGHT - 20) / (CONNECTIONS.size() - 1.0);
  }

  private double y(double cost) {
    return HEIGHT - BOTTOM - cost / most * (HEIGHT - TOP - BOTTOM);
  }
}
