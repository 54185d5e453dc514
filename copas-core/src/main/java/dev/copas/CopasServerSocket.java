package dev.copas;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A listening socket whose {@link #accept} lets other tasks run. Made by {@link Copas#bind}, {@link
 * Copas#bindUnix} and {@link Copas#serverSocket}.
 *
 * <p>A {@link ServerSocket} in every other respect. {@link #close} may be called from any thread;
 * who waits in {@code accept} then gets a {@link SocketException}. For more options than java.net
 * has, see {@link CopasSocketOptions}.
 *
 * <p>A Unix socket has no host and no port: {@link #getInetAddress} is the loopback address and
 * {@link #getLocalPort} 0. Its file is deleted when it is closed, unless another one has taken its
 * place.
 */
public final class CopasServerSocket extends ServerSocket {

  private final Copas copas;
  private final CopasServerSocketImpl impl;

  /** The server that accepts here, while there is one. */
  final AtomicReference<@Nullable Service> server = new AtomicReference<>();

  CopasServerSocket(Copas copas, CopasServerSocketImpl impl) {
    super(impl);
    this.copas = copas;
    this.impl = impl;
  }

  Copas copas() {
    return copas;
  }

  /**
   * Binds it and listens, with {@link Options#backlog}.
   *
   * @param address null is any free port on all addresses
   * @throws java.net.BindException when the address is in use or not this machine's
   */
  @Override
  public void bind(@Nullable SocketAddress address) throws IOException {
    bind(address, copas.options.backlog());
  }

  /**
   * Waits for the next connection. It is the caller's to close; see {@link CopasSocket}.
   *
   * @throws java.net.SocketTimeoutException after {@link #setSoTimeout}
   * @throws SocketException when this socket is or gets closed
   * @throws java.io.InterruptedIOException when the task is cancelled; the socket stays open
   */
  @Override
  public CopasSocket accept() throws IOException {
    CopasSocket socket = acceptUnwatched();
    try {
      socket.closeWhenForgotten();
    } catch (Throwable e) { // No memory for that.
      socket.close();
      throw e;
    }
    return socket;
  }

  /** For a server, which closes what it accepts. */
  CopasSocket acceptUnwatched() throws IOException {
    if (isClosed()) {
      throw new SocketException("Socket is closed");
    }
    if (!isBound()) {
      throw new SocketException("Socket is not bound yet");
    }
    var socket = new CopasSocket(impl.newConnection());
    implAccept(socket);
    return socket;
  }

  /** Ends the accept that waits, as a close would. Only on the loop. */
  void turnAway() {
    impl.turnAway();
  }

  /** The name of the server that accepts here now; null without one. Only on the loop. */
  void servedBy(@Nullable String server) {
    impl.servedBy(server);
  }

  /** Closes the next connection unheard, also when the process is out of descriptors. */
  boolean refuse() throws IOException {
    return impl.channel().refuse();
  }

  /**
   * Closes it and gives its port back: on return the port is free, unless a task holds the loop for
   * longer than {@link Options#closeTimeout}. In a task, a turn passes. From any thread.
   */
  @Override
  public void close() throws IOException {
    closeWithoutWaiting();
    copas.machine.awaitCloses(Timeouts.nanos(copas.options.closeTimeout()));
  }

  void closeWithoutWaiting() throws IOException {
    super.close();
    copas.machine.drainUnlessTurning();
  }

  /**
   * Where it listens: an {@link java.net.InetSocketAddress} or, of a Unix socket, a {@link
   * UnixDomainSocketAddress}. Null before it is bound.
   */
  @Override
  public @Nullable SocketAddress getLocalSocketAddress() {
    return impl.address() instanceof UnixDomainSocketAddress unix
        ? unix
        : super.getLocalSocketAddress();
  }

  /** The address and port it is bound to, like {@code 127.0.0.1:7777}; or the path. */
  @Override
  public String toString() {
    SocketAddress address = impl.address();
    return address == null ? "unbound" : Addresses.format(address);
  }
}
