package dev.copas.sync;

import dev.copas.CheckedCallable;
import dev.copas.CheckedRunnable;
import dev.copas.Copas;
import dev.copas.Task;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future.State;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Several tasks as one piece of work, which ends with the block that began it.
 *
 * {@snippet :
 * try (var scope = CopasScope.open(copas)) {
 *   CopasFuture<User> user = scope.fork(() -> users.find(id));
 *   CopasFuture<Order> order = scope.fork(() -> orders.lastOf(id));
 *   scope.join();
 *   return page(user.resultNow(), order.resultNow());
 * }
 * }
 *
 * <p>When one of them fails, the rest are cancelled. When the block is left, however that comes
 * about, those that still run are cancelled and waited for: none outlives it. It does not matter
 * what they wait for: sockets, locks, libraries. Without a block that closes it, they are cancelled
 * when the task ends that opened it. A failure that nobody heard of, by {@link #join} or from its
 * future, is told to the error handler then.
 *
 * <p>{@link #all} and {@link #first} are the forms for a list of calls. All of it belongs to the
 * tasks of the loop; {@link #join} and {@link #close} to the one that opened the scope.
 */
public final class CopasScope implements AutoCloseable {

  private final Copas copas;
  private final Task owner;
  private final Predicate<CopasFuture<?>> ends;
  private final Map<CopasFuture<?>, Task> running = new LinkedHashMap<>();
  private final Runnable ownerEnded = this::ownerEnded;
  private @Nullable CopasFuture<?> decisive;
  private @Nullable Waiter joining;
  private boolean closed;

  private CopasScope(Copas copas, Predicate<CopasFuture<?>> ends) {
    Checks.inLoop(copas, "a scope");
    this.copas = copas;
    this.owner = Copas.current();
    this.ends = ends;
    owner.addEndHook(ownerEnded);
  }

  /** A scope in which the first failure ends all. */
  public static CopasScope open(Copas copas) {
    return new CopasScope(copas, future -> future.state() != State.SUCCESS);
  }

  /**
   * Makes these calls at the same time, each in a task of its own.
   *
   * @return what they return, in the order of the calls
   * @throws ExecutionException when one of them failed, first; the others were cancelled. Its cause
   *     is what that one threw
   */
  public static <T extends @Nullable Object> List<T> all(
      Copas copas, Collection<? extends CheckedCallable<? extends T, ?>> calls)
      throws InterruptedException, ExecutionException {
    try (var scope = open(copas)) {
      List<CopasFuture<T>> futures = scope.<T>forkAll(calls);
      scope.join();
      return futures.stream().<T>map(CopasFuture::resultNow).toList();
    }
  }

  /**
   * Makes these calls at the same time, each in a task of its own, and cancels the others when one
   * has a result.
   *
   * @param calls at least one
   * @return what the first one returned that did not fail
   * @throws ExecutionException when all of them failed; its cause is what the first one in the list
   *     threw, with those of the others as suppressed exceptions
   */
  public static <T extends @Nullable Object> T first(
      Copas copas, Collection<? extends CheckedCallable<? extends T, ?>> calls)
      throws InterruptedException, ExecutionException {
    if (calls.isEmpty()) {
      throw new IllegalArgumentException("there is no first of no calls");
    }
    try (var scope = new CopasScope(copas, future -> future.state() == State.SUCCESS)) {
      List<CopasFuture<T>> futures = scope.<T>forkAll(calls);
      scope.awaitEnd();
      for (CopasFuture<T> future : futures) {
        if (future == scope.decisive) {
          return future.resultNow();
        }
      }
      throw failureOfAll(futures);
    }
  }

  private static <T extends @Nullable Object> ExecutionException failureOfAll(
      List<CopasFuture<T>> futures) {
    List<Throwable> causes = futures.stream().map(CopasScope::causeOf).toList();
    Throwable first = causes.getFirst();
    causes.stream().skip(1).filter(cause -> cause != first).forEach(first::addSuppressed);
    return new ExecutionException(first);
  }

  private static Throwable causeOf(CopasFuture<?> failed) {
    return failed.state() == State.FAILED
        ? failed.exceptionNow()
        : new CancellationException("a task of the scope was cancelled");
  }

  private <T extends @Nullable Object> List<CopasFuture<T>> forkAll(
      Collection<? extends CheckedCallable<? extends T, ?>> calls) {
    List<CopasFuture<T>> futures = new ArrayList<>(calls.size());
    for (CheckedCallable<? extends T, ?> call : calls) {
      futures.add(fork(call));
    }
    return futures;
  }

  /** Starts a task in the scope. After a failure it is cancelled before it begins. */
  public <T extends @Nullable Object> CopasFuture<T> fork(CheckedCallable<? extends T, ?> body) {
    checkOpen();
    return added(CopasFuture.<T>addThread(copas, body));
  }

  /** Starts a task with this name in the scope; see {@link #fork(CheckedCallable)}. */
  public <T extends @Nullable Object> CopasFuture<T> fork(
      String name, CheckedCallable<? extends T, ?> body) {
    checkOpen();
    return added(CopasFuture.<T>addThread(copas, name, body));
  }

  /** Starts a task without a result; see {@link #fork(CheckedCallable)}. */
  public void fork(CheckedRunnable<?> body) {
    checkOpen();
    add(CopasFuture.<@Nullable Void>addThread(copas, withoutResult(body)));
  }

  /** Starts a task with this name and without a result; see {@link #fork(CheckedCallable)}. */
  public void fork(String name, CheckedRunnable<?> body) {
    checkOpen();
    add(CopasFuture.<@Nullable Void>addThread(copas, name, withoutResult(body)));
  }

  private static CheckedCallable<@Nullable Void, Exception> withoutResult(CheckedRunnable<?> body) {
    Objects.requireNonNull(body, "body");
    return () -> {
      body.run();
      return null;
    };
  }

  private void checkOpen() {
    Checks.inLoop(copas, "a scope");
    if (closed) {
      throw new IllegalStateException("the scope is closed, and starts no more tasks");
    }
  }

  private <T extends @Nullable Object> CopasFuture<T> added(CopasFuture<T> future) {
    add(future);
    return future;
  }

  private void add(CopasFuture<?> future) {
    Task task = Objects.requireNonNull(future.task());
    running.put(future, task);
    task.addEndHook(() -> ended(future));
    if (decisive != null) {
      cancel(future, task);
    }
  }

  private void ended(CopasFuture<?> future) {
    running.remove(future);
    if (decisive == null && ends.test(future)) {
      decisive = future;
      cancelRunning();
    }
    if (running.isEmpty() && joining != null) {
      joining.tell();
    }
  }

  private void cancelRunning() {
    new LinkedHashMap<>(running).forEach(this::cancel);
  }

  /** The task, too, when its future has an outcome that somebody else gave it. */
  private void cancel(CopasFuture<?> future, Task task) {
    if (!future.cancelBecause(decisive == null ? null : decisive.failure())) {
      task.cancel();
    }
  }

  private void ownerEnded() {
    closed = true;
    cancelRunning();
    copas.execute(this::reportUnheard); // There, the handler may wait.
  }

  private void reportUnheard() {
    if (decisive != null) {
      decisive.reportUnheard();
    }
  }

  /**
   * Waits until all tasks of the scope have ended. When one fails, that is until the others, which
   * are cancelled then, have ended too.
   *
   * @throws ExecutionException when one failed; its cause is what the first one threw that did
   * @throws InterruptedException when the caller is cancelled; its tasks are, when the scope is
   *     closed
   */
  public void join() throws InterruptedException, ExecutionException {
    awaitEnd();
    if (decisive != null) {
      throw new ExecutionException(causeOf(decisive));
    }
  }

  private void awaitEnd() throws InterruptedException {
    checkOwner("joined");
    while (!running.isEmpty()) { // Again, when one was forked after the last one ended.
      joining = new Waiter(copas);
      try {
        joining.await(null);
      } finally {
        joining = null;
      }
    }
  }

  /** Cancels the tasks that still run, and waits until they have ended, whatever happens. */
  @Override
  public void close() {
    checkOwner("closed");
    closed = true;
    cancelRunning();
    List.copyOf(running.values()).forEach(Task::joinUninterruptibly);
    owner.removeEndHook(ownerEnded);
    reportUnheard();
  }

  private void checkOwner(String done) {
    Checks.inLoop(copas, "a scope");
    if (Copas.current() != owner) {
      throw new IllegalStateException(
          "a scope is "
              + done
              + " by the task that opened it, \""
              + owner.name()
              + "\", not by \""
              + Copas.current().name()
              + "\"");
    }
  }

  @Override
  public String toString() {
    return "CopasScope[" + running.size() + " running" + (closed ? ", closed" : "") + "]";
  }
}
