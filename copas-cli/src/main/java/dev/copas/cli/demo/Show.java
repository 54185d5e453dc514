package dev.copas.cli.demo;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;

/** The demo: the same chat on Copas and on Netty, side by side, for everybody to see. */
public final class Show {

  private static final Duration WARM_UP = Duration.ofSeconds(3);

  private interface Viewer {
    void show(Side copas, Side netty) throws IOException, InterruptedException;
  }

  private Show() {}

  /** Whether {@link #live} has a terminal to draw on. */
  public static boolean canBeLive() throws InterruptedException {
    return Screen.isPossible();
  }

  /** Draws on the terminal, and obeys keys, until somebody quits or the time is over. */
  public static void live(int clients, Duration time, PrintWriter out)
      throws IOException, InterruptedException {
    open(
        clients,
        out,
        (copas, netty) -> {
          try (var screen = Screen.open()) {
            new LiveShow(screen, clients, copas, netty).run(time);
          }
        });
  }

  /** Prints lines, so many seconds long. */
  public static void plain(int clients, int seconds, PrintWriter out)
      throws IOException, InterruptedException {
    var script = new Script(seconds);
    open(
        clients,
        out,
        (copas, netty) -> new PlainShow(script, Crowd.asking(clients), copas, netty, out).run());
  }

  private static void open(int clients, PrintWriter out, Viewer viewer)
      throws IOException, InterruptedException {
    out.printf(
        "%s chat clients connect to Copas, as many to Netty, and warm up for %s s ...%n",
        Format.count(clients), WARM_UP.toSeconds());
    out.flush();
    try (Side copas = Side.ofCopas(clients);
        Side netty = Side.ofNetty(clients)) {
      warmUp(copas, netty);
      viewer.show(copas, netty);
    }
  }

  /** So that the figures tell of the servers, and not of a JVM that still compiles. */
  private static void warmUp(Side copas, Side netty) throws IOException, InterruptedException {
    copas.ask(Duration.ZERO); // Netty it would freeze, and that needs no practice.
    Thread.sleep(WARM_UP);
    copas.look();
    netty.look();
  }
}
