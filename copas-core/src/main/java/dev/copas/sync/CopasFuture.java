package dev.copas.sync;

import dev.copas.CheckedCallable;
import dev.copas.Copas;
import dev.copas.Task;
import dev.copas.TaskBody;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A result that is there some time: that of a task, or what a callback brings.
 *
 * {@snippet :
 * CopasFuture<String> page = CopasFuture.addThread(copas, () -> fetch(url));
 * var answer = new CopasFuture<String>(copas);
 * client.ask(question, answer::complete); // Called on a thread of that client's.
 * print(page.get(), answer.get());
 * }
 *
 * <p>All methods may be called from any thread. A task of the loop waits in {@link #get()} as is
 * said of {@link dev.copas.sync waiting}, but a result that no task will bring keeps the loop from
 * ending; another thread waits as for any {@link Future}, while somebody runs the loop.
 */
public final class CopasFuture<T extends @Nullable Object> implements Future<T> {

  private sealed interface Outcome<T extends @Nullable Object> {}

  private record Success<T extends @Nullable Object>(T value) implements Outcome<T> {}

  private record Failure<T extends @Nullable Object>(Throwable cause) implements Outcome<T> {}

  private record Cancelled<T extends @Nullable Object>(@Nullable Throwable because)
      implements Outcome<T> {}

  private final Copas copas;
  private final AtomicReference<@Nullable Outcome<T>> outcome = new AtomicReference<>();
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile @Nullable Task task;
  private volatile boolean isHeard;

  /** Of the tasks of the loop. */
  private final WaitLine<Waiter> line = new WaitLine<>();

  /** One that {@link #complete} or {@link #fail} gives its result. */
  public CopasFuture(Copas copas) {
    this.copas = Objects.requireNonNull(copas, "copas");
  }

  /** Starts a task; its result, or what it throws, is that of the future. */
  public static <T extends @Nullable Object> CopasFuture<T> addThread(
      Copas copas, CheckedCallable<? extends T, ?> body) {
    Objects.requireNonNull(body, "body");
    var future = new CopasFuture<T>(copas);
    future.task = copas.addThread(future.bodyOf(body));
    return future;
  }

  /** Starts a task with this name; see {@link #addThread(Copas, CheckedCallable)}. */
  public static <T extends @Nullable Object> CopasFuture<T> addThread(
      Copas copas, String name, CheckedCallable<? extends T, ?> body) {
    Objects.requireNonNull(body, "body");
    var future = new CopasFuture<T>(copas);
    future.task = copas.addThread(name, future.bodyOf(body));
    return future;
  }

  private TaskBody bodyOf(CheckedCallable<? extends T, ?> body) {
    return new TaskBody() {
      @Override
      public void run() {
        CopasFuture.this.run(body);
      }

      @Override
      public void neverBegan() {
        settle(new Cancelled<>(null));
      }
    };
  }

  private void run(CheckedCallable<? extends T, ?> body) {
    if (isDone()) {
      return; // Cancelled before it began.
    }
    if (copas.inLoop()) {
      task = Copas.current(); // The one who started it may be about to say so.
    }
    try {
      complete(body.call());
    } catch (Throwable e) {
      failed(task, e);
    }
  }

  /** When the future has its outcome already, the error handler is told, or nobody would be. */
  private void failed(@Nullable Task self, Throwable e) {
    boolean cancelled = self != null && self.isCancellation(e);
    boolean told = settle(cancelled ? new Cancelled<>(null) : new Failure<>(e));
    if (!told && self != null) {
      self.report(e);
    }
  }

  /** The task that it is the result of; null when it is of none. */
  public @Nullable Task task() {
    return task;
  }

  // ---- The result comes

  /**
   * Gives the result, and lets those go on who wait.
   *
   * @return false when there was one
   */
  public boolean complete(T value) {
    return settle(new Success<>(value));
  }

  /** Gives an exception instead of a result; as {@link #complete}. */
  public boolean fail(Throwable cause) {
    return settle(new Failure<>(Objects.requireNonNull(cause, "cause")));
  }

  /** Like {@link #cancel(boolean)} with true, as Copas does it. */
  public boolean cancel() {
    return cancel(true);
  }

  /**
   * Gives up: those who wait get a {@link CancellationException}. A task that has not begun never
   * will.
   *
   * @param interrupt whether a task that has begun is {@link Task#cancel cancelled}; else it goes
   *     on, and nobody has its result
   * @return false when there was a result
   */
  @Override
  public boolean cancel(boolean interrupt) {
    return interrupt ? cancelBecause(null) : settle(new Cancelled<>(null));
  }

  /** Like {@link #cancel()}; the exception of those who wait has this cause. */
  boolean cancelBecause(@Nullable Throwable cause) {
    boolean first = settle(new Cancelled<>(cause));
    Task running = task;
    if (first && running != null) {
      running.cancel();
    }
    return first;
  }

  private boolean settle(Outcome<T> result) {
    if (!outcome.compareAndSet(null, result)) {
      return false;
    }
    done.countDown();
    InLoop.run(copas, line::tellAll);
    return true;
  }

  // ---- The result goes

  /**
   * Waits for the result.
   *
   * @throws ExecutionException when there is an exception instead; that is its cause
   * @throws CancellationException when it was cancelled
   * @throws IllegalStateException when it is the result of a task, and nobody runs the loop
   *     meanwhile; or in the task itself
   */
  @Override
  public T get() throws InterruptedException, ExecutionException {
    if (!isDone()) {
      await();
    }
    return result();
  }

  private void await() throws InterruptedException {
    checkThatItComes();
    if (copas.inLoop()) {
      line.await(new Waiter(copas), task == null ? Checks.LONGEST : null);
    } else {
      done.await();
    }
  }

  /** What is no wait for the task is none for its result. */
  private void checkThatItComes() throws InterruptedException {
    Task running = task;
    if (running != null) {
      boolean _ = running.join(Duration.ZERO);
    }
  }

  /**
   * Waits for the result, at most so long.
   *
   * @param atMost zero only looks
   * @throws TimeoutException when there was none in time
   * @throws IllegalStateException as {@link #get()}
   */
  public T get(Duration atMost) throws InterruptedException, ExecutionException, TimeoutException {
    Checks.notNegative(atMost, "time-out");
    if (!isDone() && atMost.isPositive()) {
      await(atMost);
    }
    if (!isDone()) { // Another thread's result is there before those who wait are told.
      throw new TimeoutException("no result within " + atMost);
    }
    return result();
  }

  private void await(Duration atMost) throws InterruptedException {
    checkThatItComes();
    if (copas.inLoop()) {
      line.await(new Waiter(copas), atMost);
    } else {
      done.await(TimeUnit.NANOSECONDS.convert(atMost), TimeUnit.NANOSECONDS);
    }
  }

  /** As {@link #get(Duration)}; a time that is negative only looks. */
  @Override
  public T get(long time, TimeUnit unit)
      throws InterruptedException, ExecutionException, TimeoutException {
    return get(Duration.ofNanos(unit.toNanos(Math.max(time, 0))));
  }

  private T result() throws ExecutionException {
    return switch (Objects.requireNonNull(outcome.get())) {
      case Success<T>(T value) -> value;
      case Failure<T>(Throwable cause) -> {
        isHeard = true;
        throw new ExecutionException(cause);
      }
      case Cancelled<T>(@Nullable Throwable because) -> throw cancellation(because);
    };
  }

  private static CancellationException cancellation(@Nullable Throwable because) {
    var e = new CancellationException("cancelled");
    if (because != null) {
      e.initCause(because);
    }
    return e;
  }

  /**
   * What it failed with, for one who does not hear it on behalf of others; null when it has not.
   */
  @Nullable Throwable failure() {
    return outcome.get() instanceof Failure<T>(Throwable cause) ? cause : null;
  }

  /** Tells the error handler when it has failed and nobody has heard. */
  void reportUnheard() {
    Throwable failure = failure();
    Task failed = task;
    if (failure != null && failed != null && !isHeard) {
      isHeard = true;
      failed.report(failure);
    }
  }

  @Override
  public State state() {
    return switch (outcome.get()) {
      case null -> State.RUNNING;
      case Success<T> _ -> State.SUCCESS;
      case Failure<T> _ -> State.FAILED;
      case Cancelled<T> _ -> State.CANCELLED;
    };
  }

  @Override
  public boolean isDone() {
    return outcome.get() != null;
  }

  @Override
  public boolean isCancelled() {
    return outcome.get() instanceof Cancelled;
  }

  @Override
  public String toString() {
    return "CopasFuture[" + state() + "]";
  }
}
