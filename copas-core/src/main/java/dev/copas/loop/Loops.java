package dev.copas.loop;

import org.jspecify.annotations.Nullable;

/**
 * The loops of this JVM that are not closed.
 *
 * <p>Finds out which coroutine a thread is, without a thread-local: there are few loops, and only
 * the one that runs the caller can have the caller as its current coroutine. Being listed here also
 * keeps the waiting tasks of a loop reachable that its program has lost.
 */
public final class Loops {

  private static volatile Loop[] loops = {};

  private Loops() {}

  /**
   * @throws IllegalStateException when one of them cannot be beside another
   */
  static synchronized void add(Loop loop) {
    for (Loop other : loops) {
      if (loop.isAlone() || other.isAlone()) {
        throw new IllegalStateException(
            "solo mode has one loop at a time in a JVM, and there is one that is not closed:"
                + " close() it first. Several loops need native mode, with the flag "
                + MissingFlag.flag());
      }
    }
    Loop[] more = new Loop[loops.length + 1];
    System.arraycopy(loops, 0, more, 0, loops.length);
    more[loops.length] = loop;
    loops = more;
  }

  static synchronized void remove(Loop loop) {
    loops = java.util.Arrays.stream(loops).filter(other -> other != loop).toArray(Loop[]::new);
  }

  /** The coroutine that calls this, or null on a thread that no loop runs. */
  public static @Nullable Coroutine currentCoroutine() {
    for (Loop loop : loops) {
      Coroutine coroutine = loop.current();
      if (coroutine != null) {
        return coroutine;
      }
    }
    return null;
  }
}
