package dev.copas;

import dev.copas.loop.FlightRecords;
import dev.copas.loop.Reports;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;

/** A task that accepts connections and starts a task for each of them. */
final class Server extends Service {

  private static final long REPORT_INTERVAL_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final CopasServerSocket serverSocket;
  private final ServerOptions options;
  private final Handler handler;
  private long accepted;
  private boolean hasReported;
  private long lastReport;

  Server(Copas copas, CopasServerSocket serverSocket, ServerOptions options, Handler handler) {
    super(copas, serverSocket.server, options.nameOr(serverSocket), "server");
    this.serverSocket = serverSocket;
    this.options = options;
    this.handler = handler;
  }

  @Override
  void serve() throws IOException, InterruptedException {
    FlightRecords.prepare();
    copas.machine.countListeners(1);
    serverSocket.servedBy(name);
    try {
      acceptInBursts();
    } finally {
      if (copas.machine.isOnLoop()) {
        copas.machine.countListeners(-1);
        serverSocket.servedBy(null);
      }
    }
  }

  /** Connections live on. */
  @Override
  void stop() {
    if (leave()) { // Else the socket is not its business any more.
      closeSocket();
    }
  }

  @Override
  boolean leave() {
    if (!release()) {
      return false;
    }
    copas.machine.doNow(serverSocket::turnAway); // Or a connection that comes now would be ours.
    task.cancel();
    return true;
  }

  @Override
  void closeSocketWithoutWaiting() throws IOException {
    serverSocket.closeWithoutWaiting();
  }

  /** Better no port than one where nobody answers. */
  @Override
  boolean closesSocket() {
    return true;
  }

  private void acceptInBursts() throws IOException, InterruptedException {
    int burst = 0;
    while (!serverSocket.isClosed() && !isReleased()) {
      acceptOne();
      if (++burst >= copas.options.acceptBurst()) {
        burst = 0;
        Copas.self().giveWay();
      }
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
      if (!serverSocket.isClosed() && !isReleased()) {
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
    FlightRecords.acceptBackoff(name, e, copas.options.acceptBackoff());
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
