package dev.copas.cli.demo;

import dev.copas.cli.demo.Script.Scene;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;

/** A run by a script, with a line for each second and server: for any terminal, and for none. */
final class PlainShow {

  private final Script script;
  private final int asking;
  private final Side copas;
  private final Side netty;
  private final PrintWriter out;
  private final Summary ofCopas = new Summary("Copas");
  private final Summary ofNetty = new Summary("Netty");

  PlainShow(Script script, int asking, Side copas, Side netty, PrintWriter out) {
    this.script = script;
    this.asking = asking;
    this.copas = copas;
    this.netty = netty;
    this.out = out;
  }

  void run() throws IOException, InterruptedException {
    row("s", "server", "messages/s", "p50 ms", "p99 ms", "loop lag ms", "waiting", "unanswered");
    long begin = System.nanoTime();
    Scene before = Scene.QUIET;
    for (int second = 0; second < script.seconds(); second++) {
      Scene scene = script.at(second);
      if (scene != before) {
        begin(scene);
      }
      TimeUnit.NANOSECONDS.sleep(begin + TimeUnit.SECONDS.toNanos(second + 1) - System.nanoTime());
      report(second + 1, scene);
      before = scene;
    }
    out.printf("%n%s%s%s", Summary.heading(), ofCopas, ofNetty);
    out.flush();
  }

  private void begin(Scene scene) {
    switch (scene) {
      case COPAS_WAITS -> ask("Copas", copas);
      case NETTY_WAITS -> ask("Netty", netty);
      case QUIET -> {}
    }
  }

  private void ask(String name, Side side) {
    out.printf(
        "--- %s handlers of %s call a backend that hangs for %s s%n",
        Format.count(asking), name, script.hang().toSeconds());
    side.ask(script.hang());
  }

  private void report(int second, Scene scene) throws IOException {
    Figures copasNow = copas.look();
    Figures nettyNow = netty.look();
    row(second, "Copas", copasNow);
    row(second, "Netty", nettyNow);
    ofCopas.add(copasNow, scene == Scene.COPAS_WAITS);
    ofNetty.add(nettyNow, scene == Scene.NETTY_WAITS);
  }

  private void row(int second, String server, Figures figures) {
    row(
        Integer.toString(second),
        server,
        Format.count(figures.messages()),
        Format.millis(figures.p50(), figures.messages()),
        Format.millis(figures.p99(), figures.messages()),
        Format.millis(figures.lag()),
        Format.count(figures.waiting()),
        Format.count(figures.unanswered()));
  }

  private void row(String... cells) {
    out.printf("%4s  %-6s %10s %9s %9s %11s %8s %10s%n", (Object[]) cells);
    out.flush();
  }
}
