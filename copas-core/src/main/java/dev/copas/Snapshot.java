package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Turns;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Looks at a loop and everything that it has. On the loop, while nothing else can run there.
 *
 * <p>What a task waits for is recorded nowhere: it is found where those are kept who have to be
 * woken and, for what is not the loop's business, in the task's stack.
 */
final class Snapshot {

  private final Copas copas;
  private final long now;
  private final List<Coroutine> coroutines = new ArrayList<>();
  private final Map<Coroutine, String> waits = new HashMap<>();

  Snapshot(Copas copas) {
    this.copas = copas;
    this.now = copas.machine.nanoTime();
    copas.machine.forEachLive(coroutines::add);
    Collections.reverse(coroutines); // They come the youngest first.
    copas.sockets.listeners().forEach(listener -> listener.tellWaits(waits::put));
    copas.sockets.datagrams().forEach(socket -> socket.tellWaits(waits::put));
    copas.sockets.connections().forEach(connection -> connection.tellWaits(waits::put));
    copas.lifecycle.exitWaiters().forEach(waiting -> waits.put(waiting, "exit()"));
    for (Coroutine coroutine : coroutines) {
      task(coroutine).joiners().forEach(waiting -> waits.put(waiting, endOf(coroutine)));
    }
  }

  private static String endOf(Coroutine coroutine) {
    return "the end of task \"" + coroutine.thread().getName() + "\"";
  }

  private static Task task(Coroutine coroutine) {
    return (Task) coroutine.subject();
  }

  Status status() {
    return new Status(
        copas.machine.isTurning(),
        turns(copas.machine.turns()),
        copas.machine.armedTimers(),
        coroutines.stream().map(this::status).toList(),
        copas.sockets.listeners().stream().map(CopasServerSocketImpl::status).toList(),
        copas.sockets.connections().stream().map(CopasSocketImpl::status).toList(),
        copas.sockets.datagrams().stream().map(DatagramEndpoint::status).toList());
  }

  /** For each task of the status, in the same order. */
  List<List<StackTraceElement>> stacks() {
    return coroutines.stream().map(it -> Stacks.fold(it.thread().getStackTrace())).toList();
  }

  private static Status.Turns turns(Turns turns) {
    return new Status.Turns(
        turns.count(),
        Duration.ofNanos(turns.totalNanos()),
        Duration.ofNanos(turns.longestNanos()),
        Duration.ofNanos(turns.lastNanos()));
  }

  private Status.TaskStatus status(Coroutine coroutine) {
    Task task = task(coroutine);
    Task.State state = coroutine.isWoken() ? Task.State.ACTIVE : task.state();
    CopasSocket served = task.socket();
    return new Status.TaskStatus(
        task.name(),
        state,
        state == Task.State.WAITING ? waitsFor(coroutine) : null,
        Duration.ofNanos(now - coroutine.lastRan()),
        served == null ? null : served.toString());
  }

  private String waitsFor(Coroutine coroutine) {
    String known = waits.get(coroutine);
    if (known != null) {
      return known;
    }
    return coroutine.isPausing() ? pause(coroutine.deadline()) : foreignWait(coroutine);
  }

  private String pause(long deadline) {
    return deadline == Coroutine.FOREVER
        ? "a wakeup()"
        : "a pause to end in " + Durations.format(Duration.ofNanos(deadline - now));
  }

  private static String foreignWait(Coroutine coroutine) {
    Thread thread = coroutine.thread();
    boolean forMonitor = thread.getState() == Thread.State.BLOCKED;
    return Stacks.foreignWait(thread.getStackTrace(), forMonitor);
  }
}
