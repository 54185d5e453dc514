package dev.copas.sync;

import dev.copas.Copas;
import dev.copas.Task;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A task that waits to be told.
 *
 * <p>Anybody may {@link Task#wakeup wake} a task, and its time or a cancellation may come in the
 * same turn as what it waits for: so what counts is whether it was told. Who was, has got what it
 * waited for, whatever else happened.
 */
class Waiter {

  private final Copas copas;
  final Task task = Copas.current();
  private boolean told;

  // Its place in a WaitLine.
  @Nullable Waiter before;
  @Nullable Waiter behind;
  boolean isInLine;

  Waiter(Copas copas) {
    this.copas = copas;
  }

  /** Ends the wait. Called by another task of the loop. */
  final void tell() {
    told = true;
    task.wakeup();
  }

  /**
   * Waits until it is told.
   *
   * @param atMost null is for ever
   * @return whether it was, in time
   * @throws InterruptedException when it was not, and the task is cancelled or out of time
   */
  final boolean await(@Nullable Duration atMost) throws InterruptedException {
    try {
      if (atMost == null) {
        awaitForever();
      } else {
        awaitAtMost(atMost);
      }
    } catch (InterruptedException e) {
      if (!told) {
        throw e;
      }
    }
    return told;
  }

  private void awaitForever() throws InterruptedException {
    while (!told) {
      Copas.pauseForever();
    }
  }

  /**
   * Never pauses for nothing: such a pause is no wait that being told could end, and would take the
   * interrupt of a cancellation with it that comes in the same turn.
   */
  private void awaitAtMost(Duration atMost) throws InterruptedException {
    long begin = copas.nanoTime();
    Duration left = Checks.clamped(atMost);
    while (!told && left.isPositive()) {
      Copas.pause(left);
      left = Checks.clamped(atMost.minusNanos(copas.nanoTime() - begin));
    }
  }
}
