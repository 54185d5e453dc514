package dev.copas;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Threads for what would hold the loop. */
final class Offload {

  private final ThreadPoolExecutor threads;

  Offload(int most) {
    threads =
        new ThreadPoolExecutor(
            most,
            most,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("copas-offload-", 1).factory(),
            (work, ended) -> work.run()); // By a task that its closed loop has let go.
    threads.allowCoreThreadTimeOut(true);
  }

  /**
   * Makes the call on another thread, even when no task asks for it, and waits so long at most.
   *
   * @throws TimeoutException when it takes longer; the thread is interrupted
   */
  <T> T call(Callable<T> work, long nanos)
      throws ExecutionException, InterruptedException, TimeoutException {
    Future<T> result = threads.submit(work);
    try {
      return result.get(nanos, TimeUnit.NANOSECONDS);
    } finally {
      result.cancel(true); // Nothing to cancel when it is done.
    }
  }

  /**
   * Makes the call on another thread when a task asks for it, of whatever loop, or another virtual
   * thread, which may share the carrier of one; and else right here.
   */
  <T extends @Nullable Object, E extends Exception> T call(CheckedCallable<T, E> work)
      throws E, InterruptedException {
    if (!Thread.currentThread().isVirtual()) {
      return work.call();
    }
    Future<T> result = threads.submit(work::call);
    try {
      return result.get();
    } catch (InterruptedException e) {
      result.cancel(true);
      throw e;
    } catch (ExecutionException e) {
      throw Offload.<E>asThrown(e);
    }
  }

  /** What {@code work} threw is an E, a RuntimeException or an Error; there is nothing else. */
  @SuppressWarnings("unchecked")
  private static <E extends Exception> E asThrown(ExecutionException e) {
    return switch (e.getCause()) {
      case RuntimeException cause -> throw cause;
      case Error cause -> throw cause;
      case null -> throw new IllegalStateException(e);
      case Throwable cause -> (E) cause;
    };
  }

  /** Ends the threads; calls that are under way go on to their end. */
  void end() {
    threads.shutdown();
  }
}
