package dev.copas;

import dev.copas.loop.Reports;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A server: a task that has a socket of the user's to itself, until it is told to leave it. */
abstract sealed class Service permits Server, DatagramServer {

  final Copas copas;
  final String name;
  final Task task;
  private final AtomicReference<@Nullable Service> place;

  /** Has been released from the same socket, but may not have ended yet. */
  private final @Nullable Service predecessor;

  private final AtomicBoolean released = new AtomicBoolean();

  /**
   * @param place where the socket notes who serves it
   */
  Service(Copas copas, AtomicReference<@Nullable Service> place, String name, String taskName) {
    this.copas = copas;
    this.place = place;
    this.predecessor = place.get();
    this.name = name;
    this.task = new Task(copas, name + ":" + taskName, this::run);
  }

  /** Serves, until it is released or its socket is closed. */
  abstract void serve() throws Exception;

  /** Stops serving and closes the socket. Never waits. On the loop. */
  abstract void stop();

  /**
   * Stops serving and leaves the socket to another server, or to its maker. From any thread.
   *
   * @return false when it has been released before
   */
  abstract boolean leave();

  abstract void closeSocketWithoutWaiting() throws IOException;

  /** Whether the socket goes with a server that ended without being told to. */
  abstract boolean closesSocket();

  /**
   * @throws IllegalStateException when the socket has a server already
   */
  final void start() {
    boolean isTaken = predecessor != null && !predecessor.isReleased();
    if (isTaken || !place.compareAndSet(predecessor, this)) {
      throw new IllegalStateException(
          "there is a server on this socket already; removeServer() it first: " + name);
    }
    task.coroutine().start();
  }

  final void closeSocket() {
    try {
      closeSocketWithoutWaiting();
    } catch (IOException e) {
      Reports.warning("server " + name + " could not close its socket", e);
    }
  }

  /**
   * From now on the socket is not its business any more.
   *
   * @return false when it has been released before
   */
  final boolean release() {
    return released.compareAndSet(false, true);
  }

  final boolean isReleased() {
    return released.get();
  }

  private void run() throws Exception {
    awaitPredecessor();
    copas.lifecycle.added(this);
    try {
      serve();
    } finally {
      if (copas.machine.isOnLoop()) {
        ended();
      }
    }
  }

  /** Two cannot use one socket, even when this one has to end right away. */
  private void awaitPredecessor() {
    boolean interrupted = false;
    while (predecessor != null && predecessor.task.state() != Task.State.ENDED) {
      try {
        predecessor.task.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void ended() {
    place.compareAndSet(this, null);
    copas.lifecycle.removed(this);
    if (!isReleased() && closesSocket()) {
      closeSocket();
    }
  }
}
