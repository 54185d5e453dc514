package dev.copas.testkit;

import org.jspecify.annotations.Nullable;

/**
 * A simulation has failed. The message says why, after how much simulated time, with which seed,
 * how to run it again, and what happened last; the cause is what a task or a check threw.
 */
public final class SimulationFailure extends AssertionError {

  private static final long serialVersionUID = 1;

  private final long seed;

  SimulationFailure(long seed, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.seed = seed;
  }

  /** The seed that fails. */
  public long seed() {
    return seed;
  }
}
