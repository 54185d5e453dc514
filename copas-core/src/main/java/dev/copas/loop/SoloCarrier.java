package dev.copas.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/*
 * Solo mode: the JVM's own scheduler carries the coroutines, the loop, which is a virtual thread as
 * well, and every other virtual thread there is, one at a time on its one carrier.
 *
 * What the JDK wakes goes on without the loop hearing of it, even while the loop sleeps. So whoever
 * changes what a sleeping loop has planned by (a timer, an interest, bytes to send) wakes it.
 *
 * The scheduler has one queue, first come first served, for what is woken on the carrier, and
 * others for what starts or is woken by other threads, its timers and pollers among them. It looks
 * at the others only when the first is empty, and leaves one of the others only when that is empty.
 * Whoever yields for ever so starves all that comes from outside. Hence: a coroutine of ours that
 * yields waits for the loop's next turn, in no queue; the loop yields once between starting new
 * coroutines and letting the yielding ones go on; and when it has been busy for some milliseconds,
 * it leaves all queues for a moment. What cannot be helped: two tasks that hand over to each other
 * without end, or one that calls Thread.yield() without end, hold the loop like any computation.
 */
final class SoloCarrier implements Carrier {

  private static final long BREAK_INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private final SoloScheduler scheduler = SoloScheduler.get();
  private final Map<Thread, Coroutine> coroutines = new ConcurrentHashMap<>();
  private final FifoQueue starting = new FifoQueue();
  private final FifoQueue yielding = new FifoQueue();
  private final List<Coroutine> stopped = new ArrayList<>();
  private @Nullable Coroutine lastCurrent;
  private @Nullable Thread witness;
  private long testimonies;
  private long lastBreak;

  @SuppressWarnings("NullAway.Init") // By serve.
  private Loop loop;

  // The watchdog's.
  private long beats;
  private volatile boolean beaten = true;
  private volatile @Nullable Coroutine lastMounted;

  /** The name of what has delayed the beat that is under way; it may have ended since. */
  private volatile @Nullable String holder;

  @Override
  public void serve(Loop loop) {
    this.loop = loop;
  }

  @Override
  public boolean isAlone() {
    return true;
  }

  // ---- The thread that owns the loop

  /** An interrupt of the caller, who only waits, is one of the loop. */
  @Override
  public void host(Runnable turns) {
    if (current() != null) {
      throw new IllegalStateException(
          "task \"" + Thread.currentThread().getName() + "\" is run by this loop already");
    }
    var hosted = new FutureTask<@Nullable Void>(() -> witnessed(turns), null);
    Thread host = Thread.ofVirtual().name("copas-loop").start(hosted);
    boolean interrupted = false;
    try {
      while (true) {
        try {
          hosted.get();
          return;
        } catch (InterruptedException e) {
          interrupted = true;
          host.interrupt();
        } catch (ExecutionException e) {
          throw rethrown(e);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Takes turns while a witness stands ready. */
  private void witnessed(Runnable turns) {
    lastBreak = loop.nanoTime();
    var over = new boolean[1];
    witness =
        Thread.ofVirtual()
            .name("copas-witness")
            .start(() -> {
              while (!over[0]) {
                LockSupport.park();
                testimonies++;
              }
            });
    try {
      turns.run();
    } finally {
      over[0] = true;
      LockSupport.unpark(witness);
    }
  }

  private static IllegalStateException rethrown(ExecutionException e) {
    return switch (e.getCause()) {
      case RuntimeException cause -> throw cause;
      case Error cause -> throw cause;
      case null, default -> new IllegalStateException(e);
    };
  }

  @Override
  public void checkMayStep() {
    throw new IllegalStateException(
        "step() needs native mode: in solo mode the JVM decides when a task runs, not the caller."
            + " Leave out Options.solo(), and start the JVM with "
            + MissingFlag.flag());
  }

  // ---- Coroutines

  @Override
  public Thread newThread(Coroutine coroutine, String name, Runnable body) {
    return Thread.ofVirtual().name(name).unstarted(body);
  }

  @Override
  public void start(Coroutine coroutine) {
    loop.ready(coroutine);
  }

  @Override
  public void ready(Coroutine coroutine) {
    (coroutine.yields ? yielding : starting).add(coroutine);
  }

  /** Also those that the JDK has woken and not yet resumed. */
  @Override
  public boolean hasReady() {
    return isAnyListed()
        || !stopped.isEmpty()
        || coroutines.keySet().stream().anyMatch(it -> it.getState() == Thread.State.RUNNABLE);
  }

  @Override
  public boolean isBusy() {
    return isAnyListed() || !stopped.isEmpty() || scheduler.isBusy();
  }

  private boolean isAnyListed() {
    return starting.size() > 0 || yielding.size() > 0;
  }

  @Override
  public boolean runReady() {
    releaseStopped();
    if (!isBusy()) {
      return false;
    }
    int starts = starting.size();
    int steps = yielding.size();
    releaseAll(starting, starts);
    if (isTimeForBreak()) {
      LockSupport.parkNanos(1);
      lastBreak = loop.nanoTime();
    }
    if (starts > 0) {
      Thread.yield(); // To those that this turn has woken,
      Thread.yield(); // and, with the first queue empty, to those that start.
    }
    releaseAll(yielding, steps);
    if (scheduler.isBusy()) {
      Thread.yield();
    }
    loop.settle();
    return true;
  }

  private boolean isTimeForBreak() {
    return loop.nanoTime() - lastBreak >= BREAK_INTERVAL_NANOS;
  }

  private void releaseAll(FifoQueue queue, int count) {
    for (int i = 0; i < count; i++) {
      Coroutine coroutine = queue.poll();
      if (coroutine != null) {
        release(coroutine);
      }
    }
  }

  private void release(Coroutine coroutine) {
    if (coroutine.yields) {
      coroutine.yields = false;
      LockSupport.unpark(coroutine.thread());
    } else {
      coroutines.put(coroutine.thread(), coroutine);
      coroutine.begin();
    }
  }

  @Override
  public void letGoReady() {
    releaseAll(starting, starting.size());
    releaseAll(yielding, yielding.size());
    releaseStopped();
  }

  @Override
  public void letGo(Coroutine coroutine) {
    release(coroutine);
  }

  @Override
  public void forget(Coroutine coroutine) {
    coroutines.remove(coroutine.thread());
    if (lastCurrent == coroutine) {
      lastCurrent = null; // Or an idle loop would keep what its last task has held.
    }
    if (lastMounted == coroutine) {
      lastMounted = null;
    }
  }

  // ---- From inside a coroutine

  @Override
  public @Nullable Coroutine current() {
    Thread me = Thread.currentThread();
    if (!me.isVirtual()) {
      return null;
    }
    Coroutine coroutine = lastCurrent;
    if (coroutine == null || coroutine.thread() != me) {
      coroutine = coroutines.get(me);
      if (coroutine == null) {
        return null;
      }
      lastCurrent = coroutine;
    }
    return coroutine.isAbandoned() ? null : coroutine;
  }

  @Override
  public void giveWay(Coroutine self) {
    if (self.isAbandoned()) {
      Thread.yield();
      return;
    }
    if (self.yields) {
      return; // The watchdog has ended the last one, and its turn has not come yet.
    }
    self.isPinBroken();
    self.yields = true;
    loop.ready(self);
    beforeWait(self);
    boolean interrupted = false;
    while (self.yields && !self.isAbandoned() && !self.isPinBroken()) {
      LockSupport.park();
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** That it runs again shows to nobody when it waits for something of the JDK's. */
  @Override
  public void beforeWait(Coroutine self) {
    self.lastRan = loop.nanoTime();
    loop.settle();
  }

  /** A paused coroutine that is woken while nobody runs the loop goes on when somebody does. */
  @Override
  public void afterWait(Coroutine self) {
    boolean interrupted = false;
    while (!loop.isTurning() && !self.isAbandoned()) {
      stopped.add(self);
      LockSupport.park();
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void releaseStopped() {
    if (!stopped.isEmpty()) {
      stopped.forEach(coroutine -> LockSupport.unpark(coroutine.thread()));
      stopped.clear();
    }
  }

  /** Woken here, the witness comes before everything that is woken or yields later. */
  @Override
  public BooleanSupplier switchesSince(Coroutine self) {
    long before = testimonies;
    LockSupport.unpark(witness);
    return () -> testimonies != before;
  }

  // ---- For the watchdog

  /** A virtual thread that does not get to run shows that another one has the carrier. */
  @Override
  public long switches() {
    if (beaten) {
      beaten = false;
      lastMounted = null;
      holder = null;
      beats++;
      Runnable beat = FlightRecords.areOn() ? beatOnRecord() : () -> beaten = true;
      Thread.startVirtualThread(beat);
    }
    return beats;
  }

  /** Whoever delays it has the carrier for so long, from when the watchdog has looked. */
  private Runnable beatOnRecord() {
    Consumer<@Nullable String> ended = FlightRecords.turnBegins();
    return () -> {
      ended.accept(holder);
      beaten = true;
    };
  }

  /** Of those that hand over to each other without end, maybe none is mounted right now. */
  @Override
  public @Nullable Coroutine running() {
    if (beaten) {
      return null;
    }
    for (Coroutine coroutine : coroutines.values()) {
      if (carrierState(coroutine).contains("@")) {
        lastMounted = coroutine;
        holder = coroutine.thread().getName();
        return coroutine;
      }
    }
    return lastMounted;
  }

  @Override
  public boolean isPinned(Coroutine running) {
    return carrierState(running).contains("waiting@");
  }

  /** A virtual thread that is mounted says so, {@code .../runnable@CARRIER}, and nowhere else. */
  private static String carrierState(Coroutine coroutine) {
    String text = coroutine.thread().toString();
    return text.substring(text.lastIndexOf("]/") + 1);
  }

  /** Coroutines run while the loop sleeps, when the JDK wakes them. */
  @Override
  public boolean isAwake() {
    return !loop.isAsleep() || loop.isAnyElsewhere();
  }
}
