package dev.copas.loop;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Native mode: the thread inside {@code loop()} or {@code step()} carries the coroutines itself.
 * Each of them comes to the ready queue when it can go on, whoever woke it, and has its step when
 * its turn comes.
 */
public final class NativeCarrier implements Carrier {

  private static final VarHandle CURRENT;
  private static final VarHandle SWITCHES;

  static {
    try {
      var lookup = MethodHandles.lookup();
      CURRENT = lookup.findVarHandle(NativeCarrier.class, "current", Coroutine.class);
      SWITCHES = lookup.findVarHandle(NativeCarrier.class, "switches", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final NativeThreads threads = NativeThreads.get();
  private final ReadyQueue ready;

  @SuppressWarnings("NullAway.Init") // By serve.
  private Loop loop;

  // The watchdog reads these.
  private @Nullable Coroutine current;
  private long switches;

  /**
   * @throws IllegalStateException when the JVM was started without the flag; says what to do
   */
  public NativeCarrier(ReadyQueue ready) {
    this.ready = ready;
  }

  @Override
  public void serve(Loop loop) {
    this.loop = loop;
  }

  @Override
  public boolean isAlone() {
    return false;
  }

  // ---- The thread that owns the loop

  @Override
  public void host(Runnable turns) {
    checkMayStep();
    turns.run();
  }

  /** A virtual thread cannot carry others. */
  @Override
  public void checkMayStep() {
    Thread me = Thread.currentThread();
    if (me.isVirtual()) {
      throw new IllegalStateException(
          "loop() and step() need a platform thread, but thread \""
              + me.getName()
              + "\" is virtual. In a task of the loop, it runs already; elsewhere, call them from"
              + " main or another platform thread, or use start().");
    }
  }

  // ---- Coroutines

  @Override
  public Thread newThread(Coroutine coroutine, String name, Runnable body) {
    return threads.unstarted(coroutine, name, body);
  }

  /** The JDK then calls the scheduler of the thread, which is the coroutine. */
  @Override
  public void start(Coroutine coroutine) {
    coroutine.thread().start();
  }

  @Override
  public void ready(Coroutine coroutine) {
    ready.add(coroutine);
  }

  @Override
  public boolean hasReady() {
    return ready.size() > 0;
  }

  @Override
  public boolean isBusy() {
    return hasReady();
  }

  @Override
  public boolean runReady() {
    int count = ready.size();
    boolean recorded = FlightRecords.areOn();
    for (int i = 0; i < count; i++) {
      if (recorded) {
        resumeOnRecord(next());
      } else {
        resume(next());
      }
    }
    return count > 0;
  }

  private Coroutine next() {
    Coroutine next = ready.poll();
    if (next == null) {
      throw new IllegalStateException("the ready queue is empty, and said that it was not");
    }
    return next;
  }

  private void resumeOnRecord(Coroutine next) {
    Consumer<@Nullable String> ended = FlightRecords.turnBegins();
    resume(next);
    ended.accept(next.thread().getName());
  }

  private void resume(Coroutine next) {
    SWITCHES.setOpaque(this, switches + 1);
    CURRENT.setOpaque(this, next);
    try {
      next.resume();
    } catch (Throwable e) {
      Reports.error("task " + next.thread().getName() + " could not be resumed", e);
    } finally {
      CURRENT.setOpaque(this, (Coroutine) null);
      loop.settle();
    }
  }

  @Override
  public void letGoReady() {
    while (hasReady()) {
      letGo(next());
    }
  }

  @Override
  public void letGo(Coroutine coroutine) {
    coroutine.continueElsewhere();
  }

  @Override
  public void forget(Coroutine coroutine) {}

  // ---- From inside a coroutine

  @Override
  public @Nullable Coroutine current() {
    Coroutine running = current;
    return running != null && running.thread() == Thread.currentThread() ? running : null;
  }

  /** The JDK submits the thread again, behind those that are ready. */
  @Override
  public void giveWay(Coroutine self) {
    Thread.yield();
  }

  @Override
  public void beforeWait(Coroutine self) {}

  @Override
  public void afterWait(Coroutine self) {}

  @Override
  public BooleanSupplier switchesSince(Coroutine self) {
    long before = self.resumes();
    return () -> self.resumes() != before;
  }

  // ---- For the watchdog

  @Override
  public long switches() {
    return (long) SWITCHES.getOpaque(this);
  }

  @Override
  public @Nullable Coroutine running() {
    return (Coroutine) CURRENT.getOpaque(this);
  }

  /** A task that is only about to give up the loop keeps the loop's own thread runnable. */
  @Override
  public boolean isPinned(Coroutine running) {
    return loop.isOwnerParked();
  }

  @Override
  public boolean isAwake() {
    return !loop.isAsleep();
  }
}
