package dev.copas.loop;

import java.time.Duration;
import java.util.concurrent.locks.AbstractOwnableSynchronizer;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Says that the thread which steps a loop waits for a lock between two steps. No task can run
 * meanwhile; when one of them holds that lock, or is the next to have it, none ever will.
 *
 * <p>A wait for a condition is none for a lock: that is how programs with an event queue are idle.
 */
final class AbsentStepper {

  private static final Object MONITOR = "a monitor";

  private final Loop loop;
  private final long limitNanos;

  // What the watchdog has seen.
  private @Nullable Object lock;
  private long turns;
  private long since;
  private boolean reported;

  AbsentStepper(Loop loop, long limitNanos) {
    this.loop = loop;
    this.limitNanos = limitNanos;
  }

  /** Called by the watchdog, a few times per limit. */
  void look(long now) {
    Thread stepper = loop.absentStepper();
    Object wanted = stepper == null ? null : wantedBy(stepper);
    if (wanted == null || wanted != lock || turns != loop.turns().count()) {
      lock = wanted;
      turns = loop.turns().count();
      since = now;
      reported = false;
    } else if (!reported && stepper != null && now - since >= limitNanos) {
      reported = true;
      report(stepper, wanted, now - since);
    }
  }

  private static @Nullable Object wantedBy(Thread stepper) {
    return switch (stepper.getState()) {
      case BLOCKED -> MONITOR;
      case WAITING ->
          LockSupport.getBlocker(stepper) instanceof AbstractOwnableSynchronizer lock ? lock : null;
      default -> null;
    };
  }

  private void report(Thread stepper, Object wanted, long waited) {
    var stack = new Throwable("stack of the thread that steps the loop");
    stack.setStackTrace(stepper.getStackTrace());
    Reports.warning(
        "thread \""
            + stepper.getName()
            + "\", which steps the loop, has waited outside step() for "
            + Duration.ofNanos(waited).toMillis()
            + " ms for "
            + wanted
            + "; no task can run. When a task has that lock, or is the next to have it, this wait"
            + " never ends: take the lock in a task, or with a time-out.",
        stack);
  }
}
