package dev.copas.sync;

import dev.copas.Copas;
import dev.copas.ErrorHandler;
import dev.copas.Task;
import dev.copas.TaskBody;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Calls something after a delay, once or again and again.
 *
 * {@snippet :
 * CopasTimer.every(copas, Duration.ofSeconds(30), timer -> socket.send("ping\n"));
 * }
 *
 * <p>The callback runs in a task and may wait. The delay is from the end of one call to the next
 * (fixed delay), so calls never overlap: one that is due while another is under way, because the
 * timer was armed again during it, waits for its end. What a callback throws is told to the error
 * handler, and a timer that recurs goes on. A timer that is armed keeps the loop from ending.
 *
 * <p>The first delay begins with the first turn of the loop after the timer was armed: it waits for
 * somebody to run the loop.
 *
 * <p>Made from any thread, and armed by that; {@link #arm} and {@link #cancel} belong to the tasks
 * of the loop.
 */
public final class CopasTimer implements AutoCloseable {

  /** What a timer calls. */
  @FunctionalInterface
  public interface Callback {
    void run(CopasTimer timer) throws Exception;
  }

  private static final AtomicLong NUMBERS = new AtomicLong();
  private static final String WHAT = "a timer";

  private final Copas copas;
  private final String name;
  private final @Nullable ErrorHandler errorHandler;
  private final Duration delay;
  private final boolean recurring;
  private final Callback callback;

  /** What will call; null when it is not armed. */
  private @Nullable Run armed;

  /** Which task calls, or was the last to. */
  private @Nullable Task caller;

  private CopasTimer(Builder settings, Duration delay, boolean recurring, Callback callback) {
    this.copas = settings.copas;
    this.name = settings.name == null ? "copas_timer_" + NUMBERS.incrementAndGet() : settings.name;
    this.errorHandler = settings.errorHandler;
    this.delay = Checks.notNegative(delay, "delay");
    this.recurring = recurring;
    this.callback = Objects.requireNonNull(callback, "callback");
    start(settings.initialDelay == null ? delay : settings.initialDelay);
  }

  /** Calls once, after the delay. */
  public static CopasTimer once(Copas copas, Duration delay, Callback callback) {
    return builder(copas).once(delay, callback);
  }

  /** Calls again and again, each time after the delay. */
  public static CopasTimer every(Copas copas, Duration delay, Callback callback) {
    return builder(copas).every(delay, callback);
  }

  /** For a timer with a name, an error handler, or another delay before its first call. */
  public static Builder builder(Copas copas) {
    return new Builder(copas);
  }

  /** What a timer can have besides. */
  public static final class Builder {

    private final Copas copas;
    private @Nullable String name;
    private @Nullable Duration initialDelay;
    private @Nullable ErrorHandler errorHandler;

    private Builder(Copas copas) {
      this.copas = Objects.requireNonNull(copas, "copas");
    }

    /** The name of its task: {@code copas_timer_N} by default. */
    public Builder name(String name) {
      this.name = Objects.requireNonNull(name, "name");
      return this;
    }

    /** The delay before the first call: as before the others by default. */
    public Builder initialDelay(Duration delay) {
      initialDelay = Checks.notNegative(delay, "initial delay");
      return this;
    }

    /** Who is told of what the callback throws: the handler of the loop by default. */
    public Builder errorHandler(ErrorHandler handler) {
      errorHandler = Objects.requireNonNull(handler, "handler");
      return this;
    }

    /** As {@link CopasTimer#once}. */
    public CopasTimer once(Duration delay, Callback callback) {
      return new CopasTimer(this, delay, false, callback);
    }

    /** As {@link CopasTimer#every}. */
    public CopasTimer every(Duration delay, Callback callback) {
      return new CopasTimer(this, delay, true, callback);
    }
  }

  /** From being armed to being cancelled, or to the only call. */
  private final class Run implements TaskBody {

    private final Duration first;
    private @Nullable Task pausing;

    Run(Duration first) {
      this.first = first;
    }

    @Override
    public void run() throws InterruptedException {
      try {
        if (copas.inLoop()) { // Else it was let go before it began.
          call(Copas.current());
        }
      } finally {
        InLoop.run(copas, this::disarm);
      }
    }

    private void disarm() {
      if (armed == this) {
        armed = null;
      }
    }

    private void call(Task self) throws InterruptedException {
      if (errorHandler != null) {
        self.setErrorHandler(errorHandler);
      }
      for (Duration next = first; pause(self, next) && awaitOtherCall(self); next = delay) {
        if (!recurring) {
          armed = null; // So that the callback can arm it again.
        }
        callOnce(self);
      }
    }

    /** False when it was cancelled, be it the timer or the task. */
    private boolean pause(Task self, Duration duration) throws InterruptedException {
      long begin = copas.nanoTime();
      Duration left = duration;
      pausing = self;
      try {
        do { // Again, when somebody else woke its task.
          if (armed != this || self.isCancelled()) {
            return false;
          }
          Copas.pause(Checks.clamped(left));
          left = duration.minusNanos(copas.nanoTime() - begin);
        } while (left.isPositive());
      } finally {
        pausing = null;
      }
      return true;
    }

    /** One that was under way when it was armed again. False when the timer was cancelled. */
    private boolean awaitOtherCall(Task self) throws InterruptedException {
      Task other = caller;
      if (other != null && other != self) {
        other.join();
      }
      if (armed != this) {
        return false;
      }
      caller = self;
      return true;
    }

    private void callOnce(Task self) {
      try {
        callback.run(CopasTimer.this);
      } catch (Throwable e) {
        self.report(e); // Also when the loop has let it go meanwhile.
      }
    }

    void end() {
      if (pausing != null) {
        pausing.wakeup();
      }
    }
  }

  /** Arms it again, after a {@link #cancel} or the only call, which may do it itself. */
  public void arm() {
    arm(delay);
  }

  /**
   * Arms it again, with another delay before the first call.
   *
   * @throws IllegalStateException when it is armed
   */
  public void arm(Duration initialDelay) {
    Checks.notNegative(initialDelay, "initial delay");
    Checks.inLoop(copas, WHAT);
    if (armed != null) {
      throw new IllegalStateException("timer \"" + name + "\" is already armed");
    }
    start(initialDelay);
  }

  private void start(Duration initialDelay) {
    var run = new Run(initialDelay);
    armed = run;
    copas.addThread(name, run);
  }

  /**
   * Takes back what is to come. A call that is under way goes on to its end.
   *
   * @throws IllegalStateException when it is not armed
   */
  public void cancel() {
    if (!isArmed()) {
      throw new IllegalStateException("timer \"" + name + "\" is not armed");
    }
    close();
  }

  /** Whether a call is to come. In the only call of a timer it is not. */
  public boolean isArmed() {
    Checks.inLoop(copas, WHAT);
    return armed != null;
  }

  /**
   * {@link #cancel Cancels} it if it is armed; also while nobody runs the loop, as in a block
   * around that.
   */
  @Override
  public void close() {
    Checks.mayEnd(copas, WHAT);
    Run run = armed;
    if (run != null) {
      armed = null;
      run.end();
    }
  }

  @Override
  public String toString() {
    return "CopasTimer[" + name + "]";
  }
}
