package dev.copas.loop;

import dev.copas.transport.Transport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs coroutines, one at a time, in turns: see what the transport, other threads and the clock
 * have, then give every coroutine that is ready by then one step.
 *
 * <p>All state belongs to the <em>owner</em>, the thread inside {@link #run} or {@link #step} and
 * the coroutine that it is running. Other threads come in through the inbox.
 */
public final class Loop {

  /** Something that has to be done before the loop turns to another coroutine. */
  public interface Deferred {
    void settle();
  }

  private static final VarHandle OWNER;
  private static final VarHandle ASLEEP;

  static {
    try {
      var lookup = MethodHandles.lookup();
      OWNER = lookup.findVarHandle(Loop.class, "owner", Thread.class);
      ASLEEP = lookup.findVarHandle(Loop.class, "asleep", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Carrier carrier;
  private final Transport transport;
  private final Clock clock;
  private final int operationsPerStep;
  private final Watchdog watchdog;
  private final Timers timers = new Timers();
  private final Inbox inbox = new Inbox();
  private final ArrayDeque<Deferred> deferred = new ArrayDeque<>();

  // Who runs the loop, and whether it may have to be woken.
  private volatile @Nullable Thread owner;
  private volatile boolean turning;
  private volatile boolean asleep;
  private volatile @Nullable Thread lastStepper;
  private volatile boolean stepped;
  private volatile boolean exiting;
  private volatile boolean closed;

  private final Turns turns = new Turns();
  private long turnBegan;
  private long turnEnded;
  private long nextPoll;
  private long sleepsUntil;

  // The coroutines. Belongs to the owner.
  private final Roster live = new Roster();
  private int awaiting;
  private int waitingForever;
  private int listening;
  private int lingering;
  private boolean interruptedMeanwhile;
  private Runnable onInterrupt = this::exit;

  public Loop(Environment environment, int operationsPerStep, Duration watchdogLimit) {
    this.carrier = environment.carrier();
    this.transport = environment.transport();
    this.clock = environment.clock();
    this.operationsPerStep = operationsPerStep;
    this.watchdog = new Watchdog(this, watchdogLimit);
    carrier.serve(this);
    Loops.add(this);
  }

  boolean isAlone() {
    return carrier.isAlone();
  }

  // ---- Turns

  /** What the turns are for. */
  public interface Program {

    /** The first turn is about to be taken. Called by the owner. */
    default void begun() {}

    /** Whether there have been enough turns. Asked by the owner before each. */
    boolean isOver();

    /** There have been, or something broke. Called by the owner. */
    void ended();

    /** Nobody owns the loop any more. */
    void released();
  }

  /** Takes turns until the program is over. */
  public void run(Program program) {
    if (!runIfFree(program)) {
      throw notFree();
    }
  }

  /** Like {@link #run}; but when another thread is inside or closed it, returns false at once. */
  public boolean runIfFree(Program program) {
    var taken = new AtomicBoolean();
    carrier.host(() -> taken.setPlain(takeTurns(program)));
    return taken.getPlain();
  }

  private boolean takeTurns(Program program) {
    if (!enter()) {
      return false;
    }
    stepped = false;
    try {
      inbox.drain(); // What came before the program comes first.
      settle();
      program.begun();
      while (!program.isOver()) {
        turn(Long.MAX_VALUE);
      }
    } finally {
      boolean interrupted = interruptedMeanwhile;
      try {
        program.ended();
      } finally {
        leave();
        program.released();
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }
    return true;
  }

  /**
   * Takes one turn, and waits for something to do at most that long. The program may be over then.
   *
   * @return true when a coroutine ran
   */
  public boolean step(long maxWait, Program program) {
    carrier.checkMayStep();
    if (!enter()) {
      throw notFree();
    }
    lastStepper = Thread.currentThread();
    stepped = true;
    boolean ended = false;
    try {
      boolean ran = turn(maxWait);
      ended = program.isOver();
      if (ended) {
        program.ended();
      }
      return ran;
    } finally {
      leave();
      if (ended) {
        program.released();
      }
    }
  }

  private boolean turn(long maxWait) {
    if (isPollDue()) {
      poll(maxWait);
      turnBegan = clock.nanoTime();
      nextPoll = turnBegan + clock.pollInterval();
    } else {
      finishCloses();
      turnBegan = turnEnded;
    }
    exitOnInterrupt();
    inbox.drain();
    timers.fire(turnBegan);
    settle();
    boolean ran = carrier.runReady();
    turnEnded = clock.nanoTime();
    turns.add(turnEnded - turnBegan);
    return ran;
  }

  /**
   * Tasks that hand over to each other need not pay for a look at the sockets each time. But no
   * deadline passes before one: what came in time may be there.
   */
  private boolean isPollDue() {
    return turnEnded - nextPoll >= 0 || timers.untilNext(turnEnded) == 0 || !carrier.isBusy();
  }

  /*
   * Falling asleep. The owner says that it is asleep, then looks into the inbox; another thread
   * puts its message into the inbox, then looks whether the owner sleeps. Both accesses of each are
   * volatile, so at least one of the two sees the other. The thread that takes the flag down makes
   * the one wake-up there is for this sleep.
   */
  private void poll(long maxWait) {
    long wait = carrier.isBusy() ? 0 : Math.min(maxWait, untilNextTimer());
    try {
      if (wait <= 0) {
        transport.poll(0);
        return;
      }
      sleepsUntil = deadlineAfter(wait);
      asleep = true;
      if (inbox.isEmpty()) {
        clock.sleep(transport, wait, !isAnyElsewhere());
      } else {
        transport.poll(0);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the loop cannot wait for its sockets any more", e);
    } finally {
      if (asleep) {
        asleep = false;
      }
    }
    watchdog.loopIsAwake();
  }

  /**
   * Something has changed that a loop which sleeps has not reckoned with. That happens where
   * coroutines can run meanwhile. Not by the thread that sleeps itself: it is on its way out of the
   * transport then, and another wake-up would only cost it the next sleep.
   */
  private void changed() {
    if (asleep && Thread.currentThread() != owner) {
      wake();
    }
  }

  private void wake() {
    if (ASLEEP.compareAndSet(this, true, false)) {
      transport.wakeup();
    }
  }

  private long untilNextTimer() {
    return timers.size() == 0 ? Long.MAX_VALUE : timers.untilNext(clock.nanoTime());
  }

  /** Does what coroutines have left to be done. */
  void settle() {
    for (Deferred next; (next = deferred.poll()) != null; ) {
      try {
        next.settle();
      } catch (Throwable e) {
        Reports.error("what a task left to be done failed", e);
      }
    }
  }

  /** Has something done as soon as the coroutine that runs now gives up the loop. */
  public void atSwitch(Deferred action) {
    if (isOnLoop()) {
      deferred.add(action);
      changed();
    } else {
      post(action::settle); // From a task that the loop has let go.
    }
  }

  /**
   * An interrupt of the loop's own thread asks the loop to end. Left set, no poll would wait; and
   * the first coroutine to run would take it away, for the JDK lends it the thread's status.
   */
  private void exitOnInterrupt() {
    if (Thread.interrupted()) {
      interruptedMeanwhile = true;
      onInterrupt.run();
    }
  }

  /** What an interrupt of the loop's own thread does. */
  public void onInterrupt(Runnable action) {
    onInterrupt = action;
  }

  // ---- Ownership

  /** False when another thread is inside, or the loop is closed. */
  private boolean enter() {
    Thread me = Thread.currentThread();
    while (!OWNER.compareAndSet(this, (Thread) null, me)) {
      if (turning) {
        return false;
      }
      Thread.yield(); // A visitor, see doNow: gone in a moment.
    }
    if (closed) { // By an earlier owner; there will be no later one.
      owner = null;
      return false;
    }
    turnBegan = clock.nanoTime();
    nextPoll = turnEnded; // The first turn looks: the last look may be long ago.
    turning = true;
    interruptedMeanwhile = false;
    watchdog.loopIsAwake();
    return true;
  }

  /** Why {@link #runIfFree} returned false. */
  public IllegalStateException notFree() {
    if (closed) {
      return new IllegalStateException("this Copas is closed; create another one");
    }
    Thread other = owner;
    return new IllegalStateException(
        "the loop is already running"
            + (other == null ? "" : " on " + describe(other))
            + "; one loop() or step() at a time");
  }

  private void leave() {
    finishCloses();
    turning = false;
    owner = null;
    drainUnlessTurning();
  }

  private static String describe(Thread thread) {
    return "thread \"" + thread.getName() + "\"";
  }

  /** True for the owner and for the coroutine that it is running. */
  public boolean isOnLoop() {
    return Thread.currentThread() == owner || current() != null;
  }

  /** The coroutine that calls this, or null when this loop is not running the caller. */
  public @Nullable Coroutine current() {
    return carrier.current();
  }

  /** Whether somebody else than the caller runs the loop, or has stepped it and may again. */
  public boolean isRunByOthers() {
    Thread stepper = lastStepper;
    boolean othersStep = stepper != null && stepper != Thread.currentThread();
    return !closed && !isOnLoop() && (turning || othersStep);
  }

  /** For a thread that is about to wait for the loop: waits that nobody would end are errors. */
  public void checkRunByOthers() {
    if (!isRunByOthers()) {
      throw new IllegalStateException(
          closed
              ? "this Copas is closed"
              : "this call may wait, and nobody runs the loop meanwhile: make it in a task (a"
                  + " handler, addThread, execute or loop(init)), or start() the loop first");
    }
  }

  /** Whether it is {@link #step} that runs the coroutine which asks, and not {@link #run}. */
  boolean isStepped() {
    return stepped;
  }

  /** Whether a thread is inside {@link #run} or {@link #step} now. */
  public boolean isTurning() {
    return turning;
  }

  /**
   * Does something short that never waits: here when the caller is on the loop or nobody is, and
   * otherwise in the loop's next turn.
   */
  public void doNow(Runnable action) {
    if (isOnLoop()) {
      action.run();
      return;
    }
    while (!visit(action)) {
      if (turning) {
        post(action);
        drainUnlessTurning();
        return;
      }
      Thread.yield(); // Another visitor, gone in a moment.
    }
  }

  /** Does something as the owner of a loop that nobody runs; false when somebody has it. */
  private boolean visit(Runnable action) {
    if (!OWNER.compareAndSet(this, (Thread) null, Thread.currentThread())) {
      return false;
    }
    try {
      inbox.drain(); // What came before comes first.
      action.run();
      settle();
      finishCloses();
    } finally {
      owner = null;
    }
    return true;
  }

  /**
   * Returns when what was closed before has been given back to the system; after a time also when a
   * task holds the loop.
   *
   * <p>Only the thread that turns may do that, or a visitor: a coroutine that met a lock of the JDK
   * on the way would leave its carrier with the selector locked, and the carrier is who selects. So
   * a coroutine lets a turn pass.
   */
  public void awaitCloses(long nanos) {
    Coroutine self = current();
    if (self != null) {
      self.giveWay();
    } else if (isOnLoop()) {
      finishCloses();
    } else {
      awaitClosesOutside(nanos);
    }
  }

  private void awaitClosesOutside(long nanos) {
    var done = new CountDownLatch(1);
    doNow(() -> {
      finishCloses();
      done.countDown();
    });
    try {
      done.await(nanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // They are closed; only nobody waits for the rest.
    }
  }

  /** Nobody may poll for long; what was closed must not keep its port and its peer until then. */
  private void finishCloses() {
    try {
      if (!closed) {
        transport.finishCloses();
      }
    } catch (IOException e) {
      Reports.error("closed sockets could not be given back to the system", e);
    }
  }

  /** What was posted while nobody turns must not wait for a turn that may never come. */
  public void drainUnlessTurning() {
    while (!isOnLoop() && !turning && !inbox.isEmpty() && !visit(inbox::drain)) {
      Thread.yield();
    }
  }

  /** Has something done on the loop, in its next turn. From any thread. */
  public void post(Runnable action) {
    send(
        new Inbox.Message() {
          @Override
          void arrive() {
            action.run();
          }
        });
  }

  private void send(Inbox.Message message) {
    inbox.push(message);
    changed();
    if (closed) {
      drainAfterClose();
    }
  }

  /** Never beside the owner, which may still be closing its sockets: then it is who drains. */
  private void drainAfterClose() {
    if (isOnLoop()) {
      inbox.drain();
    } else {
      drainUnlessTurning();
    }
  }

  // ---- Coroutines

  Carrier carrier() {
    return carrier;
  }

  int operationsPerStep() {
    return operationsPerStep;
  }

  /** The coroutine can go on. From any thread; see {@link Coroutine#execute}. */
  void ready(Coroutine coroutine) {
    if (isOnLoop()) {
      enqueue(coroutine);
    } else {
      send(coroutine);
    }
  }

  void enqueue(Coroutine coroutine) {
    if (closed || coroutine.isAbandoned()) {
      carrier.letGo(coroutine);
      return;
    }
    if (!coroutine.hasStarted) {
      coroutine.hasStarted = true;
      coroutine.lastRan = moment();
      live.add(coroutine);
    }
    carrier.ready(coroutine);
    changed();
  }

  /** The last thing that a coroutine does. */
  void ended(Coroutine coroutine) {
    if (current() == coroutine) {
      live.remove(coroutine);
      carrier.beforeWait(coroutine);
      changed();
    }
    carrier.forget(coroutine);
  }

  /** A wait that does not keep the loop running. */
  Wake awaitForever(Coroutine self) {
    self.waitsForever = true;
    waitingForever++;
    try {
      return self.await(Coroutine.FOREVER);
    } finally {
      if (current() == self) {
        endWaitForever(self);
      }
    }
  }

  private void endWaitForever(Coroutine coroutine) {
    if (coroutine.waitsForever) {
      coroutine.waitsForever = false;
      waitingForever--;
    }
  }

  /**
   * Lets all coroutines that are alive go: they go on as ordinary virtual threads, off the loop.
   *
   * @return those coroutines
   */
  public List<Coroutine> abandonAll() {
    List<Coroutine> left = live.all();
    for (Coroutine coroutine : left) {
      endWaitForever(coroutine);
      live.remove(coroutine);
      coroutine.abandon();
    }
    listening = 0;
    awaiting = 0;
    carrier.letGoReady();
    return left;
  }

  /** A coroutine is about to wait in a way that the loop knows of. */
  void awaitBegins(Coroutine self) {
    awaiting++;
    if (self.waitsForever) {
      changed(); // It may have been the last one that kept the loop running.
    }
  }

  /** It goes on, maybe while the loop sleeps, and the watchdog with it. */
  void awaitEnds() {
    awaiting--;
    if (asleep) {
      VarHandle.fullFence(); // A watchdog that is about to sleep sees this one, or is seen.
      watchdog.loopIsAwake();
    }
  }

  public int liveCount() {
    return live.size();
  }

  /** Calls the consumer for every coroutine that has started and not ended. */
  public void forEachLive(Consumer<Coroutine> consumer) {
    live.all().forEach(consumer);
  }

  // ---- Time

  public long nanoTime() {
    return clock.nanoTime();
  }

  /** When the turn that is on has begun: the present, for who must not look at the clock. */
  long turnBegan() {
    return turnBegan;
  }

  /** The present, as far as a turn is long: looks at the clock only when no turn is on. */
  public long moment() {
    return turning && !asleep ? turnBegan : clock.nanoTime();
  }

  /**
   * The deadline of a wait that may take so long.
   *
   * @param nanos 0 is {@link Coroutine#AT_ONCE}, half of Long.MAX_VALUE and more is for ever
   */
  public long deadlineAfter(long nanos) {
    if (nanos == 0) {
      return Coroutine.AT_ONCE;
    }
    return nanos >= Long.MAX_VALUE / 2 ? Coroutine.FOREVER : clock.nanoTime() + nanos;
  }

  public void arm(Timer timer, long delayNanos) {
    armAt(timer, clock.nanoTime() + Math.min(delayNanos, Long.MAX_VALUE / 2));
  }

  void armAt(Timer timer, long when) {
    timers.arm(timer, when);
    if (asleep && (sleepsUntil == Coroutine.FOREVER || when - sleepsUntil < 0)) {
      wake();
    }
  }

  public void cancel(Timer timer) {
    timers.cancel(timer);
  }

  /** When a timer that is armed is due. */
  long dueTime(Timer timer) {
    return timers.dueTime(timer);
  }

  public int armedTimers() {
    return timers.size();
  }

  /** The turns that have ended. */
  public Turns turns() {
    return turns;
  }

  // ---- End

  /**
   * True when nothing is left to do: no coroutine is ready or waits for anything but a wake-up, no
   * closed socket has bytes to deliver, nothing is in the inbox. A listener counts as something to
   * do until {@link #exit} was called.
   */
  public boolean isFinished() {
    int idle = waitingForever + (exiting ? listening : 0);
    return live.size() == idle
        && lingering == 0
        && inbox.isEmpty()
        && !carrier.hasReady()
        && !live.isAnyWoken();
  }

  /** Counts coroutines of servers that wait for somebody to serve. */
  public void countListeners(int change) {
    listening += change;
    changed();
  }

  public int listenerCount() {
    return listening;
  }

  /** Counts sockets that are closed but still have bytes to deliver. */
  public void countLingering(int change) {
    lingering += change;
    changed();
  }

  public void exit() {
    exiting = true;
    post(() -> {}); // So that a sleeping loop looks.
  }

  public boolean isExiting() {
    return exiting;
  }

  public void setExiting(boolean exiting) {
    this.exiting = exiting;
  }

  public boolean isClosed() {
    return closed;
  }

  public Transport transport() {
    return transport;
  }

  /** Ends the machine, which has no coroutines any more. Only for the owner. */
  public void close() {
    Loops.remove(this); // Before it shows: another loop may have to wait for that.
    closed = true;
    inbox.drain();
    watchdog.close();
    try {
      transport.close();
    } catch (IOException e) {
      Reports.error("the loop's sockets could not be closed", e);
    }
  }

  // ---- For the watchdog

  boolean isAsleep() {
    return asleep || owner == null;
  }

  /** Whether a coroutine is in no wait of ours: it runs, is ready, or waits for something else. */
  boolean isAnyElsewhere() {
    return owner != null && live.size() != awaiting;
  }

  /** The coroutine that seems to have the loop now. From any thread. */
  public @Nullable Coroutine running() {
    return carrier.running();
  }

  /** The thread that steps the loop, while it does something else and tasks are alive. */
  @Nullable Thread absentStepper() {
    Thread stepper = lastStepper;
    boolean absent = owner == null && !closed && live.size() > 0;
    return absent && stepper != null && stepper.isAlive() ? stepper : null;
  }

  boolean isOwnerParked() {
    Thread turner = owner;
    return turner != null && turner.getState() == Thread.State.WAITING;
  }
}
