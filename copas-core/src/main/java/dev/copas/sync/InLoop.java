package dev.copas.sync;

import dev.copas.Copas;
import java.util.concurrent.RejectedExecutionException;

/** What has to be done in the loop, whoever finds that out. */
final class InLoop {

  private InLoop() {}

  /** At once in a task of the loop, and else in a task of its own; not when the loop is closed. */
  static void run(Copas copas, Runnable action) {
    if (copas.inLoop()) {
      action.run();
      return;
    }
    try {
      copas.execute(action);
    } catch (RejectedExecutionException e) {
      return; // None of its tasks is left.
    }
  }
}
