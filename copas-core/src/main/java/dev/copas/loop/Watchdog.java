package dev.copas.loop;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A thread that looks on, and says which task holds the loop.
 *
 * <p>While the loop has something to do, it looks a few times per limit whether the same step is
 * still running. While the loop sleeps, so does the watchdog.
 *
 * <p>Between two {@link Loop#step steps} it looks where the thread is that takes them, see {@link
 * AbsentStepper}.
 *
 * <p>One thing that holds a loop is a wait inside a class initialiser or a native method: the
 * virtual thread cannot leave its carrier there, which is the loop, which therefore never gets to
 * end the wait. Such a wait is ended here, with an exception in the task.
 */
final class Watchdog implements Runnable {

  private static final int LOOKS_PER_LIMIT = 4;

  private final Loop loop;
  private final Carrier carrier;
  private final long limitNanos;
  private final AbsentStepper stepper;
  private volatile @Nullable Thread thread;
  private volatile boolean idle;
  private volatile boolean closed;

  // What the thread has seen.
  private long lastSwitches = -1;
  private long heldSince;
  private long nextReport;
  private boolean waitedBefore;

  Watchdog(Loop loop, Duration limit) {
    this.loop = loop;
    this.carrier = loop.carrier();
    this.limitNanos = limit.toNanos();
    this.stepper = new AbsentStepper(loop, limitNanos);
  }

  /** The loop has something to do. Called by its owner. */
  void loopIsAwake() {
    if (limitNanos == 0) {
      return;
    }
    if (thread == null) {
      thread = Thread.ofPlatform().daemon().name("copas-watchdog").start(this);
    } else if (idle) {
      idle = false;
      LockSupport.unpark(thread);
    }
  }

  void close() {
    closed = true;
    LockSupport.unpark(thread);
  }

  @Override
  public void run() {
    while (!closed) {
      look(carrier.switches());
      stepper.look(System.nanoTime());
      if (mayRest()) {
        rest();
      } else {
        LockSupport.parkNanos(limitNanos / LOOKS_PER_LIMIT);
      }
    }
  }

  private boolean mayRest() {
    return !carrier.isAwake() && loop.absentStepper() == null;
  }

  private void look(long switches) {
    Coroutine running = switches == lastSwitches ? carrier.running() : null;
    if (running == null) {
      forget(switches);
    } else {
      check(running);
    }
  }

  private void forget(long switches) {
    lastSwitches = switches;
    heldSince = System.nanoTime();
    nextReport = limitNanos;
    waitedBefore = false;
  }

  private void check(Coroutine running) {
    long held = System.nanoTime() - heldSince;
    if (held < limitNanos) {
      return;
    }
    if (held >= nextReport && report(running, held)) {
      nextReport = held * 2;
    }
    breakPinnedWait(running);
  }

  /** False when it was too late to say who it was. */
  private boolean report(Coroutine running, long held) {
    var stack = new Throwable("stack of the task that holds the loop");
    stack.setStackTrace(running.thread().getStackTrace());
    if (!stillHolds(running)) {
      return false;
    }
    Reports.warning(
        "task \""
            + running.thread().getName()
            + "\" has held the loop for "
            + Duration.ofNanos(held).toMillis()
            + " ms; no other task can run. Use offload for long computations, file and native"
            + " calls.",
        stack);
    return true;
  }

  /**
   * A wait that holds the loop at two looks in a row, with the loop's own thread parked, is pinned.
   * A task that is only about to give up the loop keeps that thread runnable, though the system may
   * not be running it.
   */
  private void breakPinnedWait(Coroutine running) {
    boolean waits = running.isWaiting() && carrier.isPinned(running) && stillHolds(running);
    if (waits && waitedBefore) {
      running.breakPinnedWait();
      Reports.warning(
          "task \""
              + running.thread().getName()
              + "\" waits inside a class initialiser or a native method, where it cannot give up"
              + " the loop; the wait was ended",
          null);
    }
    waitedBefore = waits;
  }

  private boolean stillHolds(Coroutine running) {
    return carrier.running() == running && carrier.switches() == lastSwitches;
  }

  private void rest() {
    idle = true;
    while (idle && !closed && mayRest()) {
      LockSupport.park();
    }
    idle = false;
  }
}
