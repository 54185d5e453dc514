package dev.copas.loop;

import static java.util.Objects.requireNonNull;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A virtual thread that one loop runs: a sequence of steps, each from one wait to the next.
 *
 * <p>A coroutine is the scheduler of its own thread. So the loop knows which coroutine is ready
 * whoever woke it, be it the loop, a lock, a monitor or a timer of the JDK; and virtual threads
 * that the body starts, which inherit the scheduler, are told apart and run elsewhere.
 *
 * <pre>
 *            start                 run                    end
 *     new ----------&gt; ready ----------------&gt; running ----------&gt; ended
 *                       ^                       |
 *                       |  wake, unpark, notify |  await, park, lock, sleep, yield
 *                       +------- waiting &lt;------+
 * </pre>
 *
 * A wait that the loop knows of ({@link #await}) has a small life of its own:
 *
 * <pre>
 *     idle ---await---&gt; waiting ---wake(reason)---&gt; woken ---its turn comes---&gt; idle
 * </pre>
 *
 * The first reason wins; a wake that finds nobody waiting returns false and leaves no trace.
 */
public final class Coroutine extends Inbox.Message implements Executor {

  /** A deadline that never comes. */
  public static final long FOREVER = Long.MAX_VALUE;

  /** A deadline that has always passed: look, do not wait. */
  public static final long AT_ONCE = Long.MIN_VALUE;

  private static final VarHandle QUEUED;
  private static final VarHandle BEGIN;
  private static final VarHandle PAUSE;

  static {
    try {
      var lookup = MethodHandles.lookup();
      QUEUED = lookup.findVarHandle(Coroutine.class, "queued", boolean.class);
      BEGIN = lookup.findVarHandle(Coroutine.class, "begin", CountDownLatch.class);
      PAUSE = lookup.findVarHandle(Coroutine.class, "pause", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Loop loop;
  private final Carrier carrier;
  private final Thread thread;
  private final Object subject;
  private @Nullable Runnable continuation;
  private volatile boolean abandoned;
  private volatile boolean queued;

  /** What those wait for who join it before its thread has started. */
  private volatile @Nullable CountDownLatch begin;

  // The wait. Belongs to the owner of the loop, but for the watchdog, which looks (racily) and
  // pins.
  private boolean waiting;
  private @Nullable Wake reason;
  private @Nullable Timer timer;
  private volatile boolean pinned;
  private long pauses;
  private @Nullable Scope scope;

  /** Which pause it is in; negative when something has ended that already; 0 for none. */
  private volatile long pause;

  // What the loop keeps about its coroutines.
  @Nullable Coroutine nextReady;
  @Nullable Coroutine previousLive;
  @Nullable Coroutine nextLive;
  boolean hasStarted;
  boolean waitsForever;

  /** The beginning of the turn in which it had its last step, or when it was started. */
  long lastRan;

  /** Whether it has given way to the others, and its turn has not come again. Solo mode's. */
  volatile boolean yields;

  private long resumes;
  private int operationsLeft;

  /**
   * @param subject what the one who makes the coroutine wants to find again from inside
   */
  public Coroutine(Loop loop, String name, Object subject, Runnable body) {
    this.loop = loop;
    this.subject = subject;
    this.carrier = loop.carrier();
    this.operationsLeft = loop.operationsPerStep();
    this.thread =
        carrier.newThread(
            this,
            name,
            () -> {
              try {
                body.run();
              } finally {
                loop.ended(this);
              }
            });
  }

  public Loop loop() {
    return loop;
  }

  public Thread thread() {
    return thread;
  }

  public Object subject() {
    return subject;
  }

  /** Makes it ready for the first time. From any thread, once. */
  public void start() {
    carrier.start(this);
  }

  /**
   * Waits until its thread has ended, at most so long; false when it has not. Once it was made
   * ready for the first time; from any thread.
   */
  public boolean join(Duration atMost) throws InterruptedException {
    long deadline = loop.nanoTime() + atMost.toNanos();
    if (thread.getState() == Thread.State.NEW && !awaitBegin(atMost)) {
      return false;
    }
    return thread.join(Duration.ofNanos(deadline - loop.nanoTime()));
  }

  private boolean awaitBegin(Duration atMost) throws InterruptedException {
    var latch = (CountDownLatch) BEGIN.compareAndExchange(this, null, new CountDownLatch(1));
    CountDownLatch agreed = latch == null ? requireNonNull(begin) : latch;
    return thread.getState() != Thread.State.NEW
        || agreed.await(atMost.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Its thread, which its carrier did not start before, starts now. */
  void begin() {
    thread.start();
    CountDownLatch latch = begin;
    if (latch != null) {
      latch.countDown();
    }
  }

  /**
   * The JDK's call to say that a virtual thread can go on.
   *
   * <p>It comes from handlers, pollers, timers and from the JDK's only unblocker thread, which an
   * exception would kill. So nothing here parks, allocates or throws. It may also come again for a
   * thread that is still queued: taking the stack of a virtual thread resubmits it.
   */
  @Override
  public void execute(Runnable runnable) {
    if (continuation == null) {
      continuation = runnable;
    }
    if (runnable != continuation || abandoned) {
      runElsewhere(runnable);
    } else if (!(boolean) QUEUED.getAndSet(this, true)) {
      loop.ready(this);
    }
  }

  /** For virtual threads that only inherited the scheduler, and for what outlives its loop. */
  private static void runElsewhere(Runnable runnable) {
    try {
      ForkJoinPool.commonPool().execute(runnable);
    } catch (Throwable e) {
      Reports.error("a virtual thread could not be resumed", e);
    }
  }

  @Override
  void arrive() {
    loop.enqueue(this);
  }

  /**
   * From now on it goes on as an ordinary virtual thread, off the loop. A wait of ours would never
   * end there, so it ends now.
   */
  void abandon() {
    cancelTimer();
    if (scope != null) {
      scope.cancelTimers();
    }
    abandoned = true;
    wake(Wake.CLOSED);
  }

  /** Whether its loop has let it go. From any thread. */
  public boolean isAbandoned() {
    return abandoned;
  }

  void continueElsewhere() {
    queued = false;
    if (continuation != null) {
      runElsewhere(continuation);
    }
  }

  /** One step. Only the loop calls this. */
  void resume() {
    queued = false; // Before it runs: what comes from now on must not be taken for this one.
    resumes++;
    lastRan = loop.turnBegan();
    if (continuation != null) {
      continuation.run();
    }
  }

  /** How often this coroutine has been resumed: it changes if and only if others could run. */
  long resumes() {
    return resumes;
  }

  /** Tells from now on whether others could run since. Only for the coroutine itself. */
  public BooleanSupplier switchesSince() {
    return carrier.switchesSince(this);
  }

  /** Lets every other coroutine that is ready have a step. Only the coroutine itself calls this. */
  public void giveWay() {
    carrier.giveWay(this);
    operationsLeft = loop.operationsPerStep();
  }

  /**
   * Counts an operation that did not wait; after too many of them in one step, lets the others run.
   */
  public void countOperation() {
    if (--operationsLeft <= 0) {
      giveWay();
    }
  }

  /**
   * Waits until {@link #wake} is called, the deadline passes or the thread is interrupted. Only the
   * coroutine itself calls this.
   */
  public Wake await(long deadline) {
    if (deadline == AT_ONCE) {
      return Wake.TIMED_OUT;
    }
    if (isOutOfTime()) {
      return Wake.OUT_OF_TIME;
    }
    if (abandoned) {
      return Wake.CLOSED;
    }
    pinned = false;
    reason = null;
    waiting = true;
    if (deadline != FOREVER) {
      loop.armAt(timer(), deadline);
    }
    loop.awaitBegins(this);
    carrier.beforeWait(this);
    try {
      return whyItGoesOn(park());
    } finally {
      waiting = false;
      operationsLeft = loop.operationsPerStep();
      if (!abandoned) {
        loop.awaitEnds();
        cancelTimer();
      }
    }
  }

  /** Whoever woke it before its turn came was first; an interrupt is kept for the next wait. */
  private Wake whyItGoesOn(Wake first) {
    carrier.afterWait(this);
    if (first == Wake.INTERRUPTED && reason != null) {
      Thread.currentThread().interrupt();
    }
    return reason == null ? first : reason;
  }

  private void cancelTimer() {
    if (timer != null) {
      loop.cancel(timer);
    }
  }

  private Wake park() {
    while (true) {
      if (reason != null) {
        return reason;
      }
      if (Thread.interrupted()) {
        return Wake.INTERRUPTED;
      }
      if (isPinBroken()) {
        return Wake.PINNED;
      }
      LockSupport.park();
    }
  }

  private Timer timer() {
    if (timer == null) {
      timer = new Timer(() -> wake(Wake.TIMED_OUT));
    }
    return timer;
  }

  /**
   * Ends the wait, for this reason; false when there is none or it has ended already. Only for the
   * owner of the loop.
   */
  public boolean wake(Wake why) {
    if (!waiting || reason != null) {
      return false;
    }
    reason = why;
    long present = pause;
    if (present > 0) {
      pause = -present; // Another thread may do the same right now.
    }
    LockSupport.unpark(thread);
    return true;
  }

  /** Enters a scope in which it may wait so long in all. Only the coroutine itself calls this. */
  public Scope enterScope(long nanos) {
    scope = new Scope(this, scope, nanos);
    return scope;
  }

  /** Puts it into another scope, or none; returns the one that it was in. */
  public @Nullable Scope replaceScope(@Nullable Scope next) {
    Scope left = scope;
    scope = next;
    return left;
  }

  /** Whether the time of a scope that it is in is over. */
  public boolean isOutOfTime() {
    return scope != null && scope.isOverOrWithinOneThatIs();
  }

  /** Waits for a wake-up alone, which does not keep the loop running (but a scope does). */
  public Wake awaitForever() {
    boolean endsByItself = scope != null && scope.endsWaits();
    return endsByItself ? await(FOREVER) : loop.awaitForever(this);
  }

  /** Waits without waiting for anything but the deadline and {@link #wakePaused}. */
  public Wake pause(long deadline) {
    pause = ++pauses;
    try {
      return deadline == FOREVER ? awaitForever() : await(deadline);
    } finally {
      pause = 0;
    }
  }

  /**
   * Ends a {@link #pause}; false when the coroutine is in none, or that has ended already. From any
   * thread; of all that call this for one pause, one gets true.
   */
  public boolean wakePaused() {
    long seen = pause;
    if (seen <= 0 || !PAUSE.compareAndSet(this, seen, -seen)) {
      return false;
    }
    if (loop.isOnLoop()) {
      return wake(Wake.READY);
    }
    loop.post(() -> {
      if (pause == -seen) {
        wake(Wake.READY);
      }
    });
    return true;
  }

  /** When it ran last, in the loop's time and to the precision of a turn. On the loop. */
  public long lastRan() {
    return lastRan;
  }

  /** Reads what it takes to wake and resume it, so that the processor has it at hand. */
  public int prefetch() {
    return (int) lastRan
        + (continuation == null ? 0 : 1)
        + (thread.isInterrupted() ? 1 : 0)
        + (thread.isAlive() ? 1 : 0);
  }

  /** Whether it could go on, and its turn has not come. Only for the owner of the loop. */
  public boolean isWoken() {
    return yields || (waiting && reason != null);
  }

  /** Whether it is in a wait of ours that nothing has ended. Only for the owner of the loop. */
  public boolean isAwaiting() {
    return waiting && reason == null;
  }

  /** Whether it is in a {@link #pause}. Only for the owner of the loop. */
  public boolean isPausing() {
    return isAwaiting() && pause > 0;
  }

  /** When its wait ends if nothing else ends it. Only for the owner of the loop. */
  public long deadline() {
    return timer != null && timer.isArmed() ? loop.dueTime(timer) : FOREVER;
  }

  /** Whether it is in a wait of ours. The watchdog asks this from outside. */
  boolean isWaiting() {
    return waiting || yields;
  }

  /** Whether the watchdog has ended a wait since this was last asked. */
  boolean isPinBroken() {
    boolean broken = pinned;
    if (broken) {
      pinned = false;
    }
    return broken;
  }

  /** The watchdog's: ends a wait that holds the loop. */
  void breakPinnedWait() {
    pinned = true;
    LockSupport.unpark(thread);
  }
}
