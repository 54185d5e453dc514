package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Loop;
import dev.copas.loop.Reports;
import dev.copas.loop.Timer;
import dev.copas.loop.Wake;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * How a loop comes to its end.
 *
 * <pre>
 *     running ---nothing left, or exit---------------------------------&gt; over
 *        |                                                               ^
 *        +---stop---&gt; draining ---grace is over---&gt; cancelling ---all ended, or time is up---+
 * </pre>
 *
 * Draining closes the servers and lets tasks end; cancelling interrupts them. Belongs to the owner
 * of the loop, but for what says otherwise.
 */
final class Lifecycle {

  private final Loop loop;
  private final Duration closeTimeout;
  private final Runnable afterClose;
  private final Set<Service> servers = new LinkedHashSet<>();
  private final List<CompletableFuture<Boolean>> stoppers = new ArrayList<>();
  private final Timer graceTimer = new Timer(this::cancelAll);
  private final Timer giveUpTimer = new Timer(() -> givenUp = true);
  private volatile boolean stopping;
  private volatile boolean closing;
  private final Set<Coroutine> exitWaiters = new LinkedHashSet<>();
  private boolean cancelled;
  private boolean givenUp;
  private boolean inPeace = true;

  /**
   * @param afterClose what else has to end when the loop has ended for good
   */
  Lifecycle(Loop loop, Duration closeTimeout, Runnable afterClose) {
    this.loop = loop;
    this.afterClose = afterClose;
    this.closeTimeout = closeTimeout;
  }

  void added(Service server) {
    servers.add(server);
    if (stopping) {
      server.stop();
    }
  }

  void removed(Service server) {
    servers.remove(server);
  }

  /** From any thread. */
  boolean isStopping() {
    return stopping;
  }

  /** The end of the run that is on, or else of the next one, will be the end of the loop. */
  void close() {
    closing = true;
  }

  /** From any thread. */
  boolean isClosing() {
    return closing;
  }

  /** Sets the flag of {@link Copas#exit} and lets those go on who wait for it. From any thread. */
  void exit() {
    loop.exit();
    loop.doNow(this::releaseExitWaiters);
  }

  private void releaseExitWaiters() {
    exitWaiters.forEach(waiter -> waiter.wake(Wake.READY));
  }

  /** Waits for {@link #exit}; does not keep the loop running. */
  Wake awaitExit(Coroutine self) {
    exitWaiters.add(self);
    try {
      return loop.isExiting() ? Wake.READY : self.awaitForever();
    } finally {
      if (loop.current() == self) {
        exitWaiters.remove(self);
      }
    }
  }

  /** Those who wait for {@link #exit}. */
  Collection<Coroutine> exitWaiters() {
    return exitWaiters;
  }

  /** Drops the servers and cancels all tasks but the one that asks for it. */
  void dropEverything() {
    List.copyOf(servers).forEach(Service::stop);
    Coroutine self = loop.current();
    loop.forEachLive(coroutine -> {
      if (coroutine != self) {
        ((Task) coroutine.subject()).cancel();
      }
    });
    exit();
  }

  /** Begins to stop; the stopper is told whether nothing had to be cancelled. */
  void stop(long graceNanos, CompletableFuture<Boolean> stopper) {
    if (loop.isClosed()) {
      stopper.complete(true);
      return;
    }
    stopping = true;
    stoppers.add(stopper);
    List.copyOf(servers).forEach(Service::stop);
    loop.cancel(graceTimer);
    if (graceNanos == 0) {
      cancelAll();
    } else {
      loop.arm(graceTimer, graceNanos);
    }
  }

  /** Whether the tasks have been cancelled, so that one that begins now has to be, too. */
  boolean isCancelling() {
    return cancelled;
  }

  private void cancelAll() {
    if (cancelled) {
      return;
    }
    cancelled = true;
    inPeace = loop.liveCount() == loop.listenerCount();
    loop.forEachLive(coroutine -> ((Task) coroutine.subject()).cancel());
    loop.arm(giveUpTimer, Timeouts.nanos(closeTimeout));
  }

  /** Turns until there is nothing left to do, or the loop was stopped. */
  class Run implements Loop.Program {

    private final boolean waitsForMore;
    private final Runnable onBegin;
    private final List<CompletableFuture<Boolean>> toTell = new ArrayList<>();
    private boolean endedInPeace;

    /** Whether it was closing when it was last asked: a close that comes later takes turns anew. */
    private boolean forGood;

    /**
     * @param waitsForMore whether having nothing to do is no reason to end
     * @param onBegin called on the loop before the first turn
     */
    Run(boolean waitsForMore, Runnable onBegin) {
      this.waitsForMore = waitsForMore;
      this.onBegin = onBegin;
    }

    @Override
    public void begun() {
      onBegin.run();
    }

    @Override
    public boolean isOver() {
      forGood = closing;
      if (givenUp) {
        return true;
      }
      if ((waitsForMore && !stopping && !loop.isExiting()) || !loop.isFinished()) {
        return false;
      }
      if (!loop.isExiting() || exitWaiters.stream().anyMatch(Coroutine::isAwaiting)) {
        exit(); // What this releases has its turns, too.
        return false;
      }
      if ((stopping || forGood) && loop.liveCount() > 0) {
        cancelAll(); // What is left waits for a wake-up that will not come.
        return false;
      }
      return true;
    }

    @Override
    public void ended() {
      endedInPeace = inPeace;
      toTell.addAll(stoppers);
      if (givenUp || forGood) {
        loop.forEachLive(Lifecycle.this::reportLeftover);
        loop.abandonAll();
        servers.clear();
        exitWaiters.clear();
      }
      reset();
      if (forGood) {
        loop.close();
        afterClose.run();
      }
    }

    @Override
    public void released() {
      Reports.flush(); // First: a stopper that is a shutdown hook ends the JVM then.
      toTell.forEach(stopper -> stopper.complete(endedInPeace));
    }
  }

  /** Steps are over only when the loop was stopped or closed. */
  final class Steps extends Run {

    Steps() {
      super(true, () -> {});
    }

    @Override
    public boolean isOver() {
      return stopping && super.isOver();
    }
  }

  private void reset() {
    loop.cancel(graceTimer);
    loop.cancel(giveUpTimer);
    loop.setExiting(false);
    stoppers.clear();
    stopping = false;
    cancelled = false;
    givenUp = false;
    inPeace = true;
  }

  private void reportLeftover(Coroutine coroutine) {
    var stack = new Throwable("stack of the task");
    stack.setStackTrace(coroutine.thread().getStackTrace());
    Reports.warning(
        "task \""
            + coroutine.thread().getName()
            + "\" was cancelled but did not end within "
            + closeTimeout.toMillis()
            + " ms; it goes on as an ordinary virtual thread, off the loop",
        stack);
  }
}
