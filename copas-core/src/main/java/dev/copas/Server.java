package dev.copas;

import dev.copas.loop.Reports;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;
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
  private volatile boolean released;
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

  /** Stops accepting and closes the socket; connections live on. From any thread. */
  void stop() {
    try {
      serverSocket.close();
    } catch (IOException e) {
      Reports.warning("server " + name + " could not close its socket", e);
    }
    release();
  }

  /** Stops accepting and leaves the socket to another server, or to its maker. From any thread. */
  void release() {
    released = true;
    copas.machine.doNow(serverSocket::turnAway); // Or a connection that comes now would be ours.
    task.cancel();
  }

  boolean isReleased() {
    return released;
  }

  private void serve() throws IOException, InterruptedException {
    if (predecessor != null) {
      predecessor.task.join();
    }
    copas.machine.countListeners(1);
    copas.lifecycle.added(this);
    try {
      int burst = 0;
      while (!serverSocket.isClosed() && !released) {
        acceptOne();
        if (++burst >= copas.options.acceptBurst()) {
          burst = 0;
          Thread.yield();
        }
      }
    } finally {
      copas.machine.countListeners(-1);
      serverSocket.server.compareAndSet(this, null);
      copas.lifecycle.removed(this);
    }
  }

  private void acceptOne() throws IOException, InterruptedException {
    CopasSocket socket;
    try {
      socket = serverSocket.accept();
    } catch (SocketTimeoutException e) {
      return; // Its maker has set one; a server goes on.
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException | LinkageError e) { // Without descriptors, not even classes load.
      if (!serverSocket.isClosed() && !released) {
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
      var connection = new Task(copas, name + ":handler_" + ++accepted, () -> handle(socket));
      connection.serves(socket);
      connection.coroutine().start();
    } catch (Throwable e) { // No memory for another task: the server goes on with those it has.
      socket.close();
      Copas.current().failed(e);
    }
  }

  /** The error handler comes before the close, so that it can still answer. */
  private void handle(CopasSocket socket) throws IOException {
    try {
      handler.handle(socket);
    } catch (Throwable e) {
      Copas.current().failed(e);
    } finally {
      if (options.autoClose()) {
        socket.close();
      }
    }
  }
}
