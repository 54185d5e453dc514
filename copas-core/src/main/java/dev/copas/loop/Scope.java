package dev.copas.loop;

import org.jspecify.annotations.Nullable;

/**
 * A piece of a coroutine's code that has so much time for all that it waits for.
 *
 * <p>When the time is over, the wait that the coroutine is in ends, and every later one before it
 * begins, till the scope is left. A foreign wait is ended by an interrupt. Belongs to the
 * coroutine, which is in it.
 */
public final class Scope {

  private final Coroutine coroutine;
  private final @Nullable Scope outer;
  private final Timer timer = new Timer(this::end);
  private boolean over;
  private boolean interrupted;

  Scope(Coroutine coroutine, @Nullable Scope outer, long nanos) {
    this.coroutine = coroutine;
    this.outer = outer;
    if (nanos == 0) {
      over = true;
    } else if (nanos != Coroutine.FOREVER) {
      coroutine.loop().arm(timer, nanos);
    }
  }

  private void end() {
    over = true;
    if (!coroutine.wake(Wake.OUT_OF_TIME)) {
      interrupted = true;
      coroutine.thread().interrupt();
    }
  }

  /** Whether its own time is over. */
  public boolean isOver() {
    return over;
  }

  boolean isOverOrWithinOneThatIs() {
    return over || (outer != null && outer.isOverOrWithinOneThatIs());
  }

  /** Whether a wait inside comes to an end by itself. */
  boolean endsWaits() {
    return over || timer.isArmed() || (outer != null && outer.endsWaits());
  }

  /** Whether its end has interrupted the thread. */
  public boolean hasInterrupted() {
    return interrupted;
  }

  void cancelTimers() {
    coroutine.loop().cancel(timer);
    if (outer != null) {
      outer.cancelTimers();
    }
  }

  /** The coroutine leaves it, and is back in the outer one; an interrupt may be for that, too. */
  public void leave() {
    if (interrupted && outer != null && outer.isOverOrWithinOneThatIs()) {
      outer.interrupted = true;
    }
    if (!coroutine.isAbandoned()) {
      coroutine.loop().cancel(timer);
    }
    coroutine.replaceScope(outer);
  }
}
