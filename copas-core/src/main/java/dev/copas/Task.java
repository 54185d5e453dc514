package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.FlightRecords;
import dev.copas.loop.Reports;
import dev.copas.loop.Scope;
import dev.copas.loop.Wake;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A piece of plain sequential code that a loop runs, from one wait to the next.
 *
 * <p>Made by {@link Copas#addThread} and for every connection of a server. It is a virtual thread:
 * everything that blocks one politely, lets the other tasks of the loop run. All methods may be
 * called from any thread.
 */
public final class Task {

  /** What a task is doing. */
  public enum State {
    /** It has not begun, or could go on and waits for its turn, or is running. */
    ACTIVE,
    /** It waits for something. */
    WAITING,
    /** It has ended, in whatever way. */
    ENDED
  }

  /** A century is for ever, and can be told in nanoseconds. */
  private static final Duration LONGEST = Duration.ofDays(36_500);

  /** How far an exception's causes are looked at: they may come in a circle. */
  private static final int MOST_CAUSES = 50;

  private final Copas copas;
  private final TaskBody body;
  private final Coroutine coroutine;
  private @Nullable CopasSocket socket;
  private Runnable last = () -> {};

  // Who wants to know of its end. Belongs to the owner of the loop.
  private @Nullable List<Coroutine> joiners;
  private @Nullable List<Runnable> endHooks;
  private boolean joinersAreTold;

  private volatile @Nullable ErrorHandler errorHandler;

  /** Another object for each cancellation; null before the first. */
  private volatile @Nullable Object lastCancellation;

  Task(Copas copas, String name, TaskBody body) {
    this.copas = copas;
    this.body = body;
    this.coroutine = new Coroutine(copas.machine, name, this, this::run);
  }

  Coroutine coroutine() {
    return coroutine;
  }

  Copas copas() {
    return copas;
  }

  /** The connection that this task serves, for the error handler. */
  void serves(CopasSocket socket) {
    this.socket = socket;
  }

  /** Has something done as the last thing, whether or not the body could run. */
  void atEnd(Runnable last) {
    this.last = last;
  }

  private void run() {
    try {
      if (copas.machine.isClosed()) {
        body.neverBegan();
      } else {
        runBody();
      }
    } catch (Throwable e) {
      report(e);
    } finally {
      if (copas.machine.isOnLoop()) {
        tellOfEnd();
      } else {
        tellOfEndOnLoop();
      }
      last.run();
    }
  }

  private void tellOfEnd() {
    wakeJoiners();
    runEndHooks();
  }

  private void tellOfEndOnLoop() {
    try {
      copas.execute(this::tellOfEnd);
    } catch (RejectedExecutionException e) {
      return; // The loop is closed: what hooks give back, nobody waits for.
    }
  }

  private void wakeJoiners() {
    joinersAreTold = true;
    if (joiners != null) {
      joiners.forEach(joiner -> joiner.wake(Wake.READY));
    }
  }

  private void runEndHooks() {
    List<Runnable> hooks = endHooks;
    endHooks = null;
    if (hooks != null) {
      hooks.forEach(this::runEndHook);
    }
  }

  private void runEndHook(Runnable hook) {
    try {
      hook.run();
    } catch (Throwable e) {
      Reports.error("an end hook of task \"" + name() + "\" failed", e);
    }
  }

  private void runBody() throws Exception {
    if (copas.lifecycle.isCancelling()) {
      cancel();
    }
    body.run();
  }

  /**
   * Tells the error handler, as if the task had ended with this; unless it only shows that the task
   * was cancelled. For what goes on after an error. The handler may wait, when this is called in a
   * task.
   */
  public void report(Throwable e) {
    if (!isCancellation(e)) {
      FlightRecords.taskFailed(name(), e, socket);
      ErrorHandler own = errorHandler;
      Copas.report(e, this, socket, own == null ? copas.getErrorHandler() : own);
    }
  }

  /**
   * Whether this only shows that the task was cancelled: when that is so, and this is the exception
   * of its interrupted wait, or what a library made of it. What ends because its time is over has
   * such a cause too, and has failed. On the thread of the task.
   */
  public boolean isCancellation(Throwable e) {
    return isCancelled()
        && Stream.iterate(e, Objects::nonNull, Throwable::getCause)
            .limit(MOST_CAUSES)
            .takeWhile(cause -> !isTimeout(cause))
            .anyMatch(Task::isInterruption);
  }

  private static boolean isTimeout(Throwable e) {
    return e instanceof TimeoutException || e instanceof SocketTimeoutException;
  }

  /** The JDK's own sockets throw a SocketException, and leave the interrupt status set. */
  private static boolean isInterruption(Throwable e) {
    return e instanceof InterruptedException
        || e instanceof InterruptedIOException
        || e instanceof ClosedByInterruptException
        || (e instanceof SocketException && Thread.currentThread().isInterrupted());
  }

  @Nullable Object lastCancellation() {
    return lastCancellation;
  }

  public String name() {
    return coroutine.thread().getName();
  }

  public State state() {
    return switch (coroutine.thread().getState()) {
      case NEW, RUNNABLE -> State.ACTIVE;
      case BLOCKED, WAITING, TIMED_WAITING -> State.WAITING;
      case TERMINATED -> State.ENDED;
    };
  }

  /**
   * Whether the loop has let it go: it did not end in time when it was cancelled by {@link
   * Copas#stop} or {@link Copas#close}, and goes on as a virtual thread off the loop.
   */
  public boolean isLetGo() {
    return coroutine.isAbandoned();
  }

  /** Sets who is told of what this task does not catch, instead of the handler of the Copas. */
  public void setErrorHandler(ErrorHandler handler) {
    errorHandler = Objects.requireNonNull(handler, "handler");
  }

  /**
   * Cancels the task by interrupting it: pauses and locks throw {@link InterruptedException},
   * sockets of Copas throw {@link java.io.InterruptedIOException} and stay open. Its {@code
   * finally} blocks run. A task that swallows the exception goes on. Not an error for the error
   * handler, nor is an exception of a library's that has it as a cause.
   */
  public void cancel() {
    lastCancellation = new Object();
    coroutine.thread().interrupt();
  }

  /**
   * Whether the task was ever cancelled: by {@link #cancel}, or by {@link Copas#stop}, {@link
   * Copas#close} or {@link Copas#cancelAll}. Stays true when the task has swallowed the exception,
   * and when it has ended. For a loop around a library that swallows it:
   *
   * {@snippet :
   * while (!Copas.current().isCancelled()) {
   *   folder.idle(true);
   * }
   * }
   */
  public boolean isCancelled() {
    return lastCancellation != null;
  }

  /**
   * Ends the task's {@link Copas#pause} or {@link Copas#pauseForever}. The synchronisers of {@link
   * dev.copas.sync} wait in such pauses, too: a task that waits in one of them goes on with that,
   * and what is returned says nothing of it.
   *
   * @return whether it was in one that nothing had ended before: of several wake-ups, one is it
   */
  public boolean wakeup() {
    return coroutine.wakePaused();
  }

  /**
   * Waits until the task has ended.
   *
   * @throws IllegalStateException when nobody runs the loop meanwhile, or in the task itself
   */
  public void join() throws InterruptedException {
    join(LONGEST);
  }

  /**
   * Waits until the task has ended, at most so long.
   *
   * @return whether it has
   */
  public boolean join(Duration atMost) throws InterruptedException {
    Objects.requireNonNull(atMost, "atMost");
    checkJoin();
    Duration wait = atMost.compareTo(LONGEST) > 0 ? LONGEST : atMost;
    if (wait.isNegative()) {
      wait = Duration.ZERO;
    }
    Coroutine self = whomTheLoopCanTell();
    if (self != null) {
      Wake why = awaitEnd(self, self.loop().deadlineAfter(wait.toNanos()));
      Copas.check(why);
      if (why == Wake.TIMED_OUT && !joinersAreTold) {
        return false;
      }
    }
    return coroutine.join(wait);
  }

  /**
   * Waits until the task has ended, whatever happens to the one who waits: when that is cancelled
   * meanwhile, or its {@link Copas#within} is over, its next wait says so. For clean-up that must
   * not leave the task behind.
   *
   * @throws IllegalStateException as {@link #join()}
   */
  public void joinUninterruptibly() {
    checkJoin();
    Coroutine self = whomTheLoopCanTell();
    boolean interrupted = self != null && awaitEndWhateverHappens(self);
    while (state() != State.ENDED) {
      try {
        coroutine.join(LONGEST);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** The caller, when it can wait in a way that the loop knows; so simulated time can pass. */
  private @Nullable Coroutine whomTheLoopCanTell() {
    boolean loopKnows = state() != State.ENDED && !coroutine.isAbandoned();
    return loopKnows ? copas.machine.current() : null;
  }

  /** Waits in a task of the same loop until the end, the deadline, or what else ends a wait. */
  private Wake awaitEnd(Coroutine self, long deadline) {
    if (joinersAreTold) {
      return Wake.READY; // What ended the last wait came in the same turn, and first.
    }
    List<Coroutine> waiting = joiners == null ? new ArrayList<>(1) : joiners;
    joiners = waiting;
    waiting.add(self);
    try {
      return self.await(deadline);
    } finally {
      if (copas.machine.current() == self) {
        waiting.remove(self);
      }
    }
  }

  /** The tasks of the same loop that wait for the end of this one. Only on the loop. */
  Collection<Coroutine> joiners() {
    return joiners == null ? List.of() : joiners;
  }

  /** The connection that it serves; null when it serves none. */
  @Nullable CopasSocket socket() {
    return socket;
  }

  /** True when the one who waits was interrupted meanwhile. */
  private boolean awaitEndWhateverHappens(Coroutine self) {
    Scope left = self.replaceScope(null);
    boolean interrupted = false;
    try {
      Wake why;
      do {
        why = awaitEnd(self, Coroutine.FOREVER);
        interrupted |= why == Wake.INTERRUPTED;
      } while (why == Wake.INTERRUPTED || why == Wake.OUT_OF_TIME);
    } finally {
      self.replaceScope(left);
    }
    return interrupted;
  }

  /**
   * Has something done when the task has ended, in its last step; it must not wait. At once, when
   * it has ended already. For what belongs to a task and has to be given back. The end of a task
   * that the loop has let go is told to the loop, unless that is closed. In a task of the same
   * loop, or while nobody runs it.
   */
  public void addEndHook(Runnable hook) {
    Objects.requireNonNull(hook, "hook");
    checkInLoop();
    if (joinersAreTold || state() == State.ENDED) {
      runEndHook(hook);
      return;
    }
    if (endHooks == null) {
      endHooks = new ArrayList<>(1);
    }
    endHooks.add(hook);
  }

  /**
   * Takes a hook back. In a task of the same loop, or while nobody runs it.
   *
   * @return whether it was there
   */
  public boolean removeEndHook(Runnable hook) {
    checkInLoop();
    return endHooks != null && endHooks.remove(hook);
  }

  private void checkInLoop() {
    if (!copas.inLoop() && copas.machine.isTurning()) {
      throw new IllegalStateException(
          "the end hooks of task \"" + name() + "\" belong to the tasks of its loop");
    }
  }

  private void checkJoin() {
    if (Thread.currentThread() == coroutine.thread()) {
      throw new IllegalStateException("task \"" + name() + "\" would wait for itself for ever");
    }
    boolean goesOnByItself = state() == State.ENDED || coroutine.isAbandoned();
    if (!goesOnByItself && copas.machine.current() == null) {
      copas.machine.checkRunByOthers();
    }
  }

  /** The default of {@link Copas#setErrorHandler}: to the log, through another thread. */
  static void log(Throwable error, Task task, @Nullable CopasSocket socket) {
    String where = socket == null ? "" : ", serving " + socket;
    Reports.warning("task \"" + task.name() + "\" failed" + where + ": " + error, error);
  }

  @Override
  public String toString() {
    return "Task[" + name() + ", " + state() + "]";
  }
}
