package dev.copas.bench;

/** A bar in one line of the terminal. */
final class Progress {

  private static final int WIDTH = 30;

  private final int steps;
  private final long began = System.nanoTime();
  private int done;

  Progress(int steps) {
    this.steps = steps;
  }

  /** The next step begins. */
  void next(String what) {
    int filled = WIDTH * done / steps;
    long seconds = (System.nanoTime() - began) / 1_000_000_000;
    System.err.printf(
        "\r\033[K[%s%s] %3d %% %d:%02d %s",
        "#".repeat(filled),
        ".".repeat(WIDTH - filled),
        100 * done / steps,
        seconds / 60,
        seconds % 60,
        what);
    done++;
  }

  void clear() {
    System.err.print("\r\033[K");
  }
}
