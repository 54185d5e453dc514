package dev.copas;

import dev.copas.loop.Reports;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A task that accepts connections and starts a task for each of them. */
final class Server {

  private static final long REPORT_INTERVAL_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final Copas copas;
  private final CopasServerSocket serverSocket;
  private final ServerOptions options;
  private final Handler handler;
  private final String name;
  private final Task task;
  private final @Nullable Server predecessor;
  private final AtomicBoolean released = new AtomicBoolean();
  private long accepted;
  private boolean hasReported;
  private long lastReport;

  /**
   * @param predecessor has been released from the same socket, but may not have ended yet
   */
  Server(
      Copas copas,
      CopasServerSocket serverSocket,
      @Nullable Server predecessor,
      ServerOptions options,
      Handler handler) {
    this.predecessor = predecessor;
    this.copas = copas;
    this.serverSocket = serverSocket;
    this.options = options;
    this.handler = handler;
    String optionalName = options.name();
    this.name = optionalName == null ? serverSocket.toString() : optionalName;
    this.task = new Task(copas, name + ":server", this::serve);
  }

  void start() {
    task.coroutine().start();
  }

  /** Stops accepting and closes the socket; connections live on. Never waits. On the loop. */
  void stop() {
    release();
    closeSocket();
  }

  private void closeSocket() {
    try {
      serverSocket.closeWithoutWaiting();
    } catch (IOException e) {
      Reports.warning("server " + name + " could not close its socket", e);
    }
  }

  /**
   * Stops accepting and leaves the socket to another server, or to its maker. From any thread.
   *
   * @return false when it has been released before
   */
  boolean release() {
    if (!released.compareAndSet(false, true)) {
      return false;
    }
    copas.machine.doNow(serverSocket::turnAway); // Or a connection that comes now would be ours.
    task.cancel();
    return true;
  }

  boolean isReleased() {
    return released.get();
  }

  private void serve() throws IOException, InterruptedException {
    awaitPredecessor();
    copas.machine.countListeners(1);
    copas.lifecycle.added(this);
    try {
      acceptInBursts();
    } finally {
      if (copas.machine.isOnLoop()) {
        ended();
      }
    }
  }

  /** Two cannot accept on one socket, even when this one has to end right away. */
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

  private void acceptInBursts() throws IOException, InterruptedException {
    int burst = 0;
    while (!serverSocket.isClosed() && !released.get()) {
      acceptOne();
      if (++burst >= copas.options.acceptBurst()) {
        burst = 0;
        Copas.self().giveWay();
      }
    }
  }

  private void ended() {
    copas.machine.countListeners(-1);
    serverSocket.server.compareAndSet(this, null);
    copas.lifecycle.removed(this);
    if (!released.get()) {
      closeSocket(); // Cancelled: better no port than one where nobody answers.
    }
  }

  private void acceptOne() throws IOException, InterruptedException {
    CopasSocket socket;
    try {
      socket = serverSocket.acceptUnwatched();
    } catch (SocketTimeoutException e) {
      return; // Its maker has set one; a server goes on.
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException | LinkageError e) { // Without descriptors, not even classes load.
      if (!serverSocket.isClosed() && !released.get()) {
        backOff(e);
      }
      return;
    }
    start(socket);
  }

  /**
   * The system has no descriptor, or no memory, for another connection. It would say so again at
   * once, for ever; so it is asked again a little later. Who is waiting meanwhile is told.
   */
  private void backOff(Throwable e) throws InterruptedException {
    reportOnceInAWhile(e);
    refuseBurst();
    Copas.pause(copas.options.acceptBackoff());
  }

  private void reportOnceInAWhile(Throwable e) {
    long now = copas.machine.nanoTime();
    if (hasReported && now - lastReport < REPORT_INTERVAL_NANOS) {
      return;
    }
    hasReported = true;
    lastReport = now;
    Reports.warning(
        "server "
            + name
            + " cannot accept connections now and refuses them; it tries again every "
            + copas.options.acceptBackoff().toMillis()
            + " ms. If it is out of descriptors, raise their limit (ulimit -n).",
        e);
  }

  private void refuseBurst() {
    try {
      int refused = 0;
      while (refused < copas.options.acceptBurst() && serverSocket.refuse()) {
        refused++;
      }
    } catch (IOException e) {
      // Not even that: they stay in the system's queue.
    }
  }

  private void start(CopasSocket socket) throws IOException {
    socket.setTimeouts(null, options.sendTimeout(), options.receiveTimeout());
    try {
      if (!options.autoClose()) {
        socket.closeWhenForgotten();
      }
      var connection = new Task(copas, name + ":handler_" + ++accepted, () -> handle(socket));
      connection.serves(socket);
      connection.coroutine().start();
    } catch (Throwable e) { // No memory for another task: the server goes on with those it has.
      socket.close();
      Copas.current().report(e);
    }
  }

  /** The error handler comes before the close, so that it can still answer. */
  private void handle(CopasSocket socket) throws IOException {
    try {
      handler.handle(socket);
    } catch (Throwable e) {
      Copas.current().report(e);
    } finally {
      if (options.autoClose()) {
        socket.close();
      }
    }
  }
}
