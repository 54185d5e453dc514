package dev.copas.sync;

import dev.copas.Copas;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A stock of permits for the tasks of one loop, with room for so many.
 *
 * {@snippet :
 * var permits = new CopasSemaphore(copas, 10, 10); // At most ten at a time.
 * permits.take();
 * try {
 *   fetch(url);
 * } finally {
 *   permits.give();
 * }
 * }
 *
 * <p>First come, first served: who wants few permits never overtakes one who waits for many. A
 * permit belongs to no task: any may give. What is said of {@link dev.copas.sync waiting} holds for
 * {@link #take} and {@link #tryTake(int, Duration)}; all other calls never wait. All of them belong
 * to the tasks of the loop.
 */
public final class CopasSemaphore implements AutoCloseable {

  private static final String WHAT = "the semaphore";

  /** A task that wants some. */
  private static final class Taker extends Waiter {

    final int wanted;
    boolean served;

    Taker(Copas copas, int wanted) {
      super(copas);
      this.wanted = wanted;
    }
  }

  private final Copas copas;
  private final int max;
  private final @Nullable Duration timeout;
  private final WaitLine<Taker> line = new WaitLine<>();
  private int count;
  private boolean destroyed;

  /** An empty one, with room for so many permits, whose {@link #take} waits 10 s at most. */
  public CopasSemaphore(Copas copas, int max) {
    this(copas, max, 0);
  }

  /** One that has some permits from the beginning. */
  public CopasSemaphore(Copas copas, int max, int start) {
    this(copas, max, start, Checks.DEFAULT_TIMEOUT);
  }

  /**
   * One with another time limit for {@link #take}.
   *
   * @param max for how many there is room, at least 1
   * @param start how many there are at first, from 0 to max
   * @param timeout null is none
   */
  public CopasSemaphore(Copas copas, int max, int start, @Nullable Duration timeout) {
    this.copas = Objects.requireNonNull(copas, "copas");
    if (max < 1) {
      throw new IllegalArgumentException("a semaphore has room for at least 1, not " + max);
    }
    if (start < 0 || start > max) {
      throw new IllegalArgumentException("it starts with 0 to " + max + " permits, not " + start);
    }
    this.max = max;
    this.count = start;
    this.timeout = Checks.timeout(timeout);
  }

  /** Waits for one permit; see {@link #take(int)}. */
  public void take() throws InterruptedException, TimeoutException {
    take(1);
  }

  /**
   * Waits for so many permits.
   *
   * @throws TimeoutException when it took longer than the time limit of the semaphore
   * @throws IllegalArgumentException when it never has so many
   * @throws DestroyedException when it is destroyed, also while the task waits
   */
  public void take(int permits) throws InterruptedException, TimeoutException {
    if (!tryTake(permits, timeout)) {
      throw new TimeoutException(
          "not " + permits + " permits within " + timeout + "; there are " + count);
    }
  }

  /** Takes one permit if there is one. */
  public boolean tryTake() {
    return tryTake(1);
  }

  /** Takes so many permits if there are so many, and nobody waits who came before. */
  public boolean tryTake(int permits) {
    checkUsable();
    if (permits < 0 || permits > max) {
      throw new IllegalArgumentException("0 to " + max + " permits can be taken, not " + permits);
    }
    if (permits > count || !line.isEmpty()) {
      return false;
    }
    count -= permits;
    return true;
  }

  /**
   * Waits for so many permits, at most so long.
   *
   * @param atMost zero does not wait, null is for ever
   * @throws IllegalArgumentException as {@link #take(int)}
   * @throws DestroyedException as {@link #take(int)}
   */
  public boolean tryTake(int permits, @Nullable Duration atMost) throws InterruptedException {
    Checks.timeout(atMost);
    if (tryTake(permits)) {
      return true;
    }
    if (atMost != null && atMost.isZero()) {
      return false;
    }
    var taker = new Taker(copas, permits);
    try {
      line.await(taker, atMost);
    } finally {
      if (!taker.served && !taker.task.isLetGo()) {
        serve(); // Those behind may want less.
      }
    }
    if (destroyed && !taker.served) {
      throw new DestroyedException(WHAT);
    }
    return taker.served;
  }

  /** Gives one permit; see {@link #give(int)}. */
  public boolean give() {
    return give(1);
  }

  /**
   * Puts so many permits into the stock, as far as there is room for them, and then serves those
   * who wait.
   *
   * @return false when there was not room for all; what was too many is gone, as in Copas
   */
  public boolean give(int permits) {
    checkUsable();
    if (permits < 0) {
      throw new IllegalArgumentException("cannot give " + permits + " permits");
    }
    boolean fits = permits <= max - count;
    count = fits ? count + permits : max;
    serve();
    return fits;
  }

  /** Gives those who wait now what they wait for, and leaves what the stock has. */
  public void releaseAll() {
    checkUsable();
    for (Taker next; (next = line.first()) != null; ) {
      serve(next);
    }
  }

  private void serve() {
    for (Taker next; (next = line.first()) != null && next.wanted <= count; ) {
      count -= next.wanted;
      serve(next);
    }
  }

  private void serve(Taker first) {
    first.served = true;
    line.tellFirst();
  }

  /** How many permits there are. */
  public int getCount() {
    checkUsable();
    return count;
  }

  /**
   * How many permits those who wait are short of, at most {@link Integer#MAX_VALUE}; 0 when nobody
   * waits.
   */
  public int getWait() {
    checkUsable();
    var wanted = new long[1];
    line.forEach(taker -> wanted[0] += taker.wanted);
    return line.isEmpty() ? 0 : (int) Math.min(wanted[0] - count, Integer.MAX_VALUE);
  }

  /**
   * Ends it: those who wait, and all later calls, get a {@link DestroyedException}. A second call
   * does nothing.
   */
  public void destroy() {
    Checks.mayEnd(copas, WHAT);
    destroyed = true;
    line.tellAll();
  }

  /** Is {@link #destroy()}; also while nobody runs the loop, as in a block around that. */
  @Override
  public void close() {
    destroy();
  }

  private void checkUsable() {
    Checks.usable(copas, WHAT, destroyed);
  }

  @Override
  public String toString() {
    return "CopasSemaphore[" + (destroyed ? "destroyed" : count + " of " + max) + "]";
  }
}
