package dev.copas.loop;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What runs the coroutines of one loop, one at a time: the one difference between native and solo
 * mode. Everything but what says otherwise belongs to the owner of the loop.
 */
public interface Carrier {

  /** Is told its loop, before anything else. */
  void serve(Loop loop);

  /** Whether it bears no other loop in this JVM. */
  boolean isAlone();

  // ---- The thread that owns the loop

  /**
   * Does something on a thread that may own the loop, and returns when that is done. From any
   * thread.
   *
   * @throws IllegalStateException when the caller is one that cannot wait for it
   */
  void host(Runnable turns);

  /**
   * Returns when the calling thread may own the loop for one turn.
   *
   * @throws IllegalStateException when it may not
   */
  void checkMayStep();

  // ---- Coroutines

  /** A virtual thread, not started, for a coroutine of the loop. From any thread. */
  Thread newThread(Coroutine coroutine, String name, Runnable body);

  /** Has {@link Loop#ready} called for the coroutine. From any thread, once. */
  void start(Coroutine coroutine);

  /** The coroutine has its next step in the next turn. Never waits, allocates or throws. */
  void ready(Coroutine coroutine);

  /** Whether a coroutine could go on at once. */
  boolean hasReady();

  /** Whether anything could go on at once, so that the loop must not sleep. */
  boolean isBusy();

  /** A step for everything that is ready by now; false when there was nothing. */
  boolean runReady();

  /** All that is ready goes on without the loop. */
  void letGoReady();

  /** The coroutine, which was to get ready, goes on without the loop. */
  void letGo(Coroutine coroutine);

  /** The coroutine ends. Called in it. */
  void forget(Coroutine coroutine);

  // ---- From inside a coroutine

  /** The coroutine that calls this, or null on a thread that is none of this loop. */
  @Nullable Coroutine current();

  /** Lets everything else that is ready have a step, and the loop a turn. */
  void giveWay(Coroutine self);

  /** The coroutine is about to wait, or to end. */
  void beforeWait(Coroutine self);

  /** The wait is over; returns when the coroutine may go on. */
  void afterWait(Coroutine self);

  /** Tells from now on whether anything else could run since. */
  BooleanSupplier switchesSince(Coroutine self);

  // ---- For the watchdog, on its own thread

  /** A number that is another one, whenever something else has had the thread since. */
  long switches();

  /** What has the thread now, as far as that is known. */
  @Nullable Coroutine running();

  /** Whether the coroutine, which is running, waits where it cannot give up the thread. */
  boolean isPinned(Coroutine running);

  /** Whether a coroutine may have the thread now. */
  boolean isAwake();
}
