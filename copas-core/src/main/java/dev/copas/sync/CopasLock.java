package dev.copas.sync;

import dev.copas.Copas;
import dev.copas.Task;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A lock between the tasks of one loop, for what must not be touched by others across calls that
 * wait. Between such calls no lock is needed.
 *
 * {@snippet :
 * var lock = new CopasLock(copas);
 * try (var _ = lock.get()) {
 *   socket.send(request);
 *   answer = socket.receive();
 * }
 * }
 *
 * <p>First come, first served. A task that has it may get it again, and releases it as often. When
 * a task ends that has it, the lock goes to the next one, and the error handler of that task is
 * told, which is that of the loop unless it has its own. What is said of {@link dev.copas.sync
 * waiting} holds for {@link #get()} and {@link #tryGet(Duration)}; all other calls never wait. All
 * of them belong to the tasks of the loop.
 */
public final class CopasLock implements AutoCloseable {

  private static final String WHAT = "the lock";

  private final Copas copas;
  private final @Nullable Duration timeout;
  private final boolean reentrant;
  private final WaitLine<Waiter> line = new WaitLine<>();
  private final Runnable ownerEnded = this::ownerEnded;
  private @Nullable Task owner;
  private boolean ownerIsWatched;
  private int depth;
  private boolean destroyed;

  /** A lock for which {@link #get()} waits 10 s at most. */
  public CopasLock(Copas copas) {
    this(copas, Checks.DEFAULT_TIMEOUT);
  }

  /**
   * A lock with another time limit for {@link #get()}.
   *
   * @param timeout null is none
   */
  public CopasLock(Copas copas, @Nullable Duration timeout) {
    this(copas, timeout, true);
  }

  private CopasLock(Copas copas, @Nullable Duration timeout, boolean reentrant) {
    this.copas = Objects.requireNonNull(copas, "copas");
    this.timeout = Checks.timeout(timeout);
    this.reentrant = reentrant;
  }

  /** A lock that its owner, too, waits for when it gets it again. */
  public static CopasLock notReentrant(Copas copas, @Nullable Duration timeout) {
    return new CopasLock(copas, timeout, false);
  }

  /** That a task has the lock; {@link #close} gives it back, once. */
  public final class Hold implements AutoCloseable {

    private final Duration waited;
    private boolean over;

    private Hold(Duration waited) {
      this.waited = waited;
    }

    /** How long the task waited for it. */
    public Duration waited() {
      return waited;
    }

    /** {@link CopasLock#release Releases} the lock; one that was destroyed meanwhile, too. */
    @Override
    public void close() {
      if (!over && !destroyed) {
        release();
      }
      over = true;
    }
  }

  /**
   * Waits for the lock.
   *
   * @throws TimeoutException when it took longer than the time limit of the lock
   * @throws DestroyedException when it is destroyed, also while the task waits
   */
  public Hold get() throws InterruptedException, TimeoutException {
    long begin = copas.nanoTime();
    if (!tryGet(timeout)) {
      throw new TimeoutException("no lock within " + timeout + "; it is held by " + owner);
    }
    return new Hold(Duration.ofNanos(copas.nanoTime() - begin));
  }

  /** Gets the lock if that is possible at once. */
  public boolean tryGet() {
    checkUsable();
    Task self = Copas.current();
    if (owner != null && owner.state() == Task.State.ENDED) {
      ownerEnded();
    }
    if (owner == null) {
      own(self);
    } else if (owner != self || !reentrant) {
      return false;
    }
    depth++;
    return true;
  }

  /**
   * Waits for the lock, at most so long.
   *
   * @param atMost zero does not wait, null is for ever
   * @throws DestroyedException as {@link #get()}
   */
  public boolean tryGet(@Nullable Duration atMost) throws InterruptedException {
    Checks.timeout(atMost);
    if (tryGet()) {
      return true;
    }
    if (atMost != null && atMost.isZero()) {
      return false;
    }
    watchOwner();
    if (owner == null) { // It has ended since, with nobody in line to be told.
      return tryGet();
    }
    var waiter = new Waiter(copas);
    boolean told = line.await(waiter, atMost);
    if (told && owner != waiter.task) {
      throw new DestroyedException(WHAT);
    }
    return told;
  }

  /**
   * Gives the lock back; when it was got several times, once.
   *
   * @throws IllegalStateException when the task does not have it
   */
  public void release() {
    checkUsable();
    if (owner != Copas.current()) {
      throw new IllegalStateException(
          "task \"" + Copas.current().name() + "\" releases a lock that it does not have");
    }
    if (--depth == 0) {
      passOn();
    }
  }

  /** To the next one in line, who has it from now on, though its turn is yet to come. */
  private void passOn() {
    unwatchOwner();
    owner = null;
    Waiter next = line.tellFirst();
    if (next != null) {
      own(next.task);
      depth = 1;
    }
  }

  private void own(Task task) {
    owner = task;
    if (!line.isEmpty()) {
      watchOwner();
    }
  }

  /** Only when somebody waits: an owner that ended is found by the next one who comes. */
  private void watchOwner() {
    if (owner != null && !ownerIsWatched) {
      ownerIsWatched = true;
      owner.addEndHook(ownerEnded);
    }
  }

  private void unwatchOwner() {
    if (owner != null && ownerIsWatched) {
      ownerIsWatched = false;
      owner.removeEndHook(ownerEnded);
    }
  }

  private void ownerEnded() {
    Task ended = owner;
    if (ended == null) {
      return;
    }
    var error =
        new IllegalStateException(
            "task \"" + ended.name() + "\" ended and had a lock; it was given to the next one");
    depth = 0;
    passOn();
    copas.execute(() -> ended.report(error)); // There, the handler may wait.
  }

  /**
   * Ends it: those who wait, and all later calls, get a {@link DestroyedException}. A second call
   * does nothing.
   */
  public void destroy() {
    Checks.mayEnd(copas, WHAT);
    destroyed = true;
    unwatchOwner();
    owner = null;
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
    String state = destroyed ? "destroyed" : owner == null ? "free" : "held by " + owner;
    return "CopasLock[" + state + "]";
  }
}
