package dev.copas;

import java.io.IOException;
import java.net.SocketException;
import java.time.Duration;

/** A task that has a datagram socket to itself: there are no connections to accept. */
final class DatagramServer extends Service {

  private final CopasDatagramSocket socket;
  private final ServerOptions options;
  private final DatagramHandler handler;

  DatagramServer(
      Copas copas, CopasDatagramSocket socket, ServerOptions options, DatagramHandler handler) {
    super(copas, socket.server, options.nameOr(socket), "handler");
    this.socket = socket;
    this.options = options;
    this.handler = handler;
  }

  @Override
  void serve() throws Exception {
    if (isReleased()) {
      return;
    }
    setTimeouts();
    socket.endpoint.input.servedBy(task.coroutine());
    try {
      handler.handle(socket);
    } catch (SocketException e) {
      if (!isReleased() || !socket.isClosed()) {
        throw e; // And not only how it learns that it has to end.
      }
    } finally {
      socket.endpoint.input.servedBy(null);
    }
  }

  /** Those that are not given stay as the maker of the socket has set them. */
  private void setTimeouts() {
    Duration send = options.sendTimeout();
    if (send != null) {
      socket.endpoint.output.setTimeout(Timeouts.nanos(send));
    }
    Duration receive = options.receiveTimeout();
    if (receive != null) {
      socket.endpoint.input.setTimeout(Timeouts.nanos(receive));
    }
  }

  /** The handler learns of it from the next call on the socket, and may do what it has to then. */
  @Override
  void stop() {
    if (release()) { // Else the socket is not its business any more.
      closeSocket();
    }
  }

  @Override
  boolean leave() {
    if (!release()) {
      return false;
    }
    task.cancel();
    return true;
  }

  @Override
  void closeSocketWithoutWaiting() throws IOException {
    socket.closeWithoutWaiting();
  }

  @Override
  boolean closesSocket() {
    return options.autoClose();
  }
}
