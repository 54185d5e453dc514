package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Loop;
import dev.copas.loop.Reports;
import dev.copas.loop.Timer;
import java.time.Duration;
import java.util.ArrayList;
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
  private final Set<Server> servers = new LinkedHashSet<>();
  private final List<CompletableFuture<Boolean>> stoppers = new ArrayList<>();
  private final Timer graceTimer = new Timer(this::cancelAll);
  private final Timer giveUpTimer = new Timer(() -> givenUp = true);
  private volatile boolean stopping;
  private boolean cancelling;
  private boolean givenUp;

  Lifecycle(Loop loop, Duration closeTimeout) {
    this.loop = loop;
    this.closeTimeout = closeTimeout;
  }

  void added(Server server) {
    servers.add(server);
    if (stopping) {
      server.stop();
    }
  }

  void removed(Server server) {
    servers.remove(server);
  }

  /** From any thread. */
  boolean isStopping() {
    return stopping;
  }

  /** Begins to stop; the stopper is told whether nothing had to be cancelled. */
  void stop(long graceNanos, CompletableFuture<Boolean> stopper) {
    stopping = true;
    stoppers.add(stopper);
    List.copyOf(servers).forEach(Server::stop);
    loop.cancel(graceTimer);
    if (graceNanos == 0) {
      cancelAll();
    } else {
      loop.arm(graceTimer, graceNanos);
    }
  }

  private void cancelAll() {
    if (cancelling) {
      return;
    }
    cancelling = loop.liveCount() > 0;
    loop.forEachLive(coroutine -> ((Task) coroutine.owner()).cancel());
    loop.arm(giveUpTimer, Timeouts.nanos(closeTimeout));
  }

  /** Whether the loop may return. */
  boolean isOver(boolean waitsForMore) {
    if (givenUp) {
      return true;
    }
    if (!loop.isFinished() || (waitsForMore && !stopping && !loop.isExiting())) {
      return false;
    }
    if (stopping && loop.liveCount() > 0) {
      cancelAll(); // What is left waits for a wake-up that will not come.
      return false;
    }
    return true;
  }

  /** The loop has returned. Nobody owns it. */
  void over() {
    loop.doNow(() -> {
      boolean inPeace = !cancelling;
      loop.cancel(graceTimer);
      loop.cancel(giveUpTimer);
      loop.setExiting(false);
      stopping = false;
      cancelling = false;
      givenUp = false;
      stoppers.forEach(stopper -> stopper.complete(inPeace));
      stoppers.clear();
    });
  }

  /** Ends the machine and says which tasks it could not end. Nobody owns the loop. */
  void close() {
    loop.doNow(() -> loop.close().forEach(this::reportLeftover));
  }

  private void reportLeftover(Coroutine coroutine) {
    var stack = new Throwable("stack of the task");
    stack.setStackTrace(coroutine.thread().getStackTrace());
    Reports.warning(
        "task \""
            + coroutine.thread().getName()
            + "\" was cancelled but did not end within "
            + closeTimeout.toMillis()
            + " ms; it goes on as an ordinary virtual thread, off the closed loop",
        stack);
  }
}
