package dev.copas.cli.demo;

import java.time.Duration;

/**
 * What happens when in a run that nobody steers: five parts of the same length; in the second one
 * handlers of Copas wait, in the fourth one those of Netty.
 */
public record Script(int seconds) {

  /** The shortest run. */
  public static final int LEAST_SECONDS = 5;

  enum Scene {
    QUIET,
    COPAS_WAITS,
    NETTY_WAITS
  }

  private int part() {
    return seconds / 5;
  }

  /** How long the backend hangs in a scene. */
  Duration hang() {
    return Duration.ofSeconds(part());
  }

  /** What is to be seen in a second, of which the first is 0. */
  Scene at(int second) {
    return switch (second / part()) {
      case 1 -> Scene.COPAS_WAITS;
      case 3 -> Scene.NETTY_WAITS;
      default -> Scene.QUIET;
    };
  }
}
