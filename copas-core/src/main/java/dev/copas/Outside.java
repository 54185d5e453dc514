package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Loop;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Lets threads that are not tasks of the loop use its sockets, as java.net allows: the call is made
 * on the loop, and the caller waits for it.
 */
final class Outside {

  /** A call that may wait, and so needs a task. */
  @FunctionalInterface
  interface Call<T extends @Nullable Object> {
    T make(Coroutine self) throws IOException;
  }

  /** A call without a result that may wait, and so needs a task. */
  @FunctionalInterface
  interface Step {
    void make(Coroutine self) throws IOException;
  }

  /** A call that never waits. */
  @FunctionalInterface
  interface Action {
    void run() throws IOException;
  }

  private Outside() {}

  /** Makes the call in the task that asks for it, or else in one that is started for it. */
  static <T extends @Nullable Object> T call(Copas copas, Call<T> call) throws IOException {
    Coroutine self = copas.machine.current();
    return self != null ? call.make(self) : callFromOutside(copas, call);
  }

  /** Like {@link #call}, without a result. */
  static void perform(Copas copas, Step step) throws IOException {
    Coroutine self = copas.machine.current();
    if (self != null) {
      step.make(self);
    } else {
      Outside.<@Nullable Void>callFromOutside(
          copas,
          caller -> {
            step.make(caller);
            return null;
          });
    }
  }

  private static <T extends @Nullable Object> T callFromOutside(Copas copas, Call<T> call)
      throws IOException {
    copas.machine.checkSomebodyElseTurns();
    var result = new CompletableFuture<T>();
    var task =
        new Task(
            copas,
            "for " + Thread.currentThread().getName(),
            () -> {
              try {
                result.complete(call.make(Copas.self()));
              } catch (Throwable e) {
                result.completeExceptionally(e);
              }
            });
    task.atEnd(() -> result.completeExceptionally(new SocketException("the loop was closed")));
    task.coroutine().start();
    return await(result, task);
  }

  /** Runs the action on the loop and returns when that is done. */
  static void run(Loop loop, Action action) throws IOException {
    if (loop.isOnLoop()) {
      action.run();
      return;
    }
    var result = new CompletableFuture<@Nullable Void>();
    loop.doNow(() -> {
      try {
        action.run();
        result.complete(null);
      } catch (Throwable e) {
        result.completeExceptionally(e);
      }
    });
    await(result, null);
  }

  private static <T extends @Nullable Object> T await(
      CompletableFuture<T> result, @Nullable Task task) throws IOException {
    try {
      return result.get();
    } catch (ExecutionException e) {
      throw rethrown(e.getCause());
    } catch (InterruptedException e) {
      if (task != null) {
        task.cancel();
        return awaitCancelled(result);
      }
      var interrupted = new InterruptedIOException("interrupted while the loop made the call");
      interrupted.initCause(e);
      throw interrupted;
    }
  }

  /** The task may have got its bytes before it was cancelled; left alone, they would be lost. */
  private static <T extends @Nullable Object> T awaitCancelled(CompletableFuture<T> result)
      throws IOException {
    while (true) {
      try {
        T value = result.get();
        Thread.currentThread().interrupt();
        return value;
      } catch (ExecutionException e) {
        throw rethrown(e.getCause());
      } catch (InterruptedException e) {
        // Interrupted again: the task is on its way to its end already.
      }
    }
  }

  private static IOException rethrown(@Nullable Throwable cause) {
    return switch (cause) {
      case IOException e -> e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case null, default -> new IOException("the call failed on the loop", cause);
    };
  }
}
