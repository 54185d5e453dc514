package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Loop;
import dev.copas.loop.Reports;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
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

  private static final long LOOK_AGAIN_MILLIS = 100;

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
    if (copas.machine.isClosed()) { // With all its sockets: nothing that their users did wrong.
      throw new SocketException("Socket closed: its Copas is closed");
    }
    copas.machine.checkRunByOthers();
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
    return await(copas.machine, result, task);
  }

  /** Runs the action on the loop and returns when that is done. */
  static void run(Loop loop, Action action) throws IOException {
    if (loop.isOnLoop()) {
      action.run();
      return;
    }
    var result = new CompletableFuture<@Nullable Void>();
    loop.doNow(() -> {
      if (result.isDone()) { // It was given up.
        return;
      }
      try {
        action.run();
        result.complete(null);
      } catch (Throwable e) {
        result.completeExceptionally(e);
      }
    });
    await(result);
  }

  /**
   * Asks the loop something that it can answer without waiting. Elsewhere than on the loop, the
   * caller waits for the answer, {@link Options#statusTimeout} at most.
   *
   * @throws LoopHeldException when it took longer
   * @throws IllegalStateException when the thread is interrupted meanwhile
   */
  static <T> T ask(Copas copas, Supplier<T> question) {
    Loop loop = copas.machine;
    if (loop.isOnLoop()) {
      return question.get();
    }
    Duration limit = copas.options.statusTimeout();
    var answer = new CompletableFuture<T>();
    loop.doNow(() -> {
      if (!answer.isDone()) { // It was given up otherwise.
        answer.completeAsync(question, Runnable::run);
      }
    });
    try {
      return answer.get(Timeouts.nanos(limit), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      answer.cancel(false);
      throw LoopHeldException.of(loop.running(), limit);
    } catch (ExecutionException e) {
      throw new IllegalStateException("the loop could not answer", e.getCause());
    } catch (InterruptedException e) {
      answer.cancel(false);
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the loop was asked", e);
    }
  }

  /**
   * Closes a socket of java.net's: off the loop, only says so. The caller holds a lock of the JDK
   * there, and whoever owns the loop may be waiting for that.
   */
  static void close(Loop loop, Action close, String whatALossMeans) throws IOException {
    if (loop.isOnLoop()) {
      close.run();
      return;
    }
    loop.post(() -> {
      try {
        close.run();
      } catch (IOException e) {
        Reports.warning(whatALossMeans, e);
      }
    });
  }

  /** Looks again in a while: the one who ran the loop may have left it before the call arrived. */
  private static <T extends @Nullable Object> T await(
      Loop loop, CompletableFuture<T> result, Task task) throws IOException {
    while (true) {
      try {
        return result.get(LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (!loop.isRunByOthers() && !result.isDone()) {
          task.cancel();
          throw new SocketException("the loop ended before it could make the call");
        }
      } catch (ExecutionException e) {
        throw rethrown(e.getCause());
      } catch (InterruptedException e) {
        task.cancel();
        return awaitCancelled(result);
      }
    }
  }

  /** The task may have got its bytes before it was cancelled; left alone, they would be lost. */
  private static <T extends @Nullable Object> T awaitCancelled(CompletableFuture<T> result)
      throws IOException {
    try {
      T value = result.get(1, TimeUnit.SECONDS);
      Thread.currentThread().interrupt();
      return value;
    } catch (ExecutionException | InterruptedException | TimeoutException e) {
      var interrupted = new InterruptedIOException("interrupted while the loop made the call");
      interrupted.initCause(e);
      throw interrupted;
    }
  }

  /** Who is interrupted gives up the action, unless it has begun already. */
  private static void await(CompletableFuture<@Nullable Void> result) throws IOException {
    try {
      result.get();
    } catch (ExecutionException e) {
      throw rethrown(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      if (!result.cancel(false)) {
        await(result); // It was made just now, so this does not wait.
        return;
      }
      var interrupted = new InterruptedIOException("interrupted while the loop made the call");
      interrupted.initCause(e);
      throw interrupted;
    }
  }

  private static IOException rethrown(@Nullable Throwable cause) {
    return switch (cause) {
      case SocketTimeoutException e -> e;
      case InterruptedIOException e -> // Not by the caller: the loop is being stopped.
          new SocketException("Socket closed: the loop was stopped");
      case IOException e -> e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case null, default -> new IOException("the call failed on the loop", cause);
    };
  }
}
