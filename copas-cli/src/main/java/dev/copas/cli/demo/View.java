package dev.copas.cli.demo;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;

/** The picture of the live show, as lines of text. */
final class View {

  private static final int PAST = 60;
  private static final String BLOCKS = " ▁▂▃▄▅▆▇█";
  private static final String SIGNS = " .:-=+*%#";

  private final String title;
  private final List<String> keys;
  private final double usual;
  private final String bars;
  private final Track copas = new Track("Copas");
  private final Track netty = new Track("Netty");

  /** What a server has done, up to now. */
  private record Track(String name, Deque<Figures> past) {

    Track(String name) {
      this(name, new ArrayDeque<>());
    }

    void add(Figures figures) {
      past.addLast(figures);
      if (past.size() > PAST) {
        past.removeFirst();
      }
    }
  }

  /**
   * @param usual messages per second, when all goes well
   * @param unicode whether the terminal can show blocks
   */
  View(int clients, Duration hang, double usual, boolean unicode) {
    this.title = " " + Format.count(clients) + " chat clients on each server, in one process";
    this.keys =
        List.of(
            " b  let %s handlers of Copas call a backend that hangs for %s s"
                .formatted(Format.count(Crowd.asking(clients)), hang.toSeconds()),
            " n  the same with Netty",
            " q  quit");
    this.usual = usual;
    this.bars = unicode ? BLOCKS : SIGNS;
  }

  void add(Figures ofCopas, Figures ofNetty) {
    copas.add(ofCopas);
    netty.add(ofNetty);
  }

  /** What is to be seen after the figures that were added last. */
  List<String> lines() {
    var lines = new ArrayList<String>();
    lines.add(title);
    lines.add("");
    lines.add(row("", copas.name(), netty.name()));
    lines.add(row("messages delivered per second", f -> Format.count(f.messages())));
    lines.add(row("time to deliver one, p50 (ms)", f -> Format.millis(f.p50(), f.messages())));
    lines.add(row("time to deliver one, p99 (ms)", f -> Format.millis(f.p99(), f.messages())));
    lines.add(row("event loop lag (ms)", f -> Format.millis(f.lag())));
    lines.add(row("handlers in the blocking call", f -> Format.count(f.waiting())));
    lines.add(row("clients that wait for its answer", f -> Format.count(f.unanswered())));
    lines.add("");
    lines.addAll(keys);
    lines.add("");
    lines.add(" messages delivered");
    lines.add(chart(copas));
    lines.add(chart(netty));
    return lines;
  }

  private String row(String label, Function<Figures, String> cell) {
    return row(label, cell.apply(copas.past().getLast()), cell.apply(netty.past().getLast()));
  }

  private static String row(String label, String ofCopas, String ofNetty) {
    return " %-34s%14s%14s".formatted(label, ofCopas, ofNetty);
  }

  private String chart(Track track) {
    var chart = new StringBuilder(" " + track.name() + "  ");
    track.past().forEach(figures -> chart.append(bar(figures.messages())));
    return chart.toString();
  }

  private char bar(double messages) {
    int full = bars.length() - 1;
    return bars.charAt(Math.clamp(Math.round(full * messages / usual), 0, full));
  }
}
