package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.transport.ListenChannel;
import dev.copas.transport.StreamChannel;
import dev.copas.transport.TransportChannel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketImpl;
import java.net.SocketOption;
import java.net.SocketOptions;
import java.time.Duration;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** A listening socket, as java.net.ServerSocket wants it. */
abstract sealed class CopasServerSocketImpl extends SocketImpl implements TransportChannel.Listener
    permits TcpServerSocketImpl, UnixServerSocketImpl {

  final Copas copas;
  private final Accepting accepting = new Accepting();
  private @Nullable ListenChannel channel;

  /** Known also after the socket was closed, as java.net has it. */
  private volatile @Nullable Bound bound;

  private @Nullable Coroutine acceptor;
  private long timeout = Timeouts.FOREVER;
  private long since;
  private long accepted;
  private @Nullable String servedBy;

  CopasServerSocketImpl(Copas copas) {
    this.copas = copas;
  }

  /**
   * @param address where it listens
   * @param ofConnections the local address of what is accepted; null when each may have another one
   */
  record Bound(SocketAddress address, @Nullable SocketAddress ofConnections) {}

  abstract ListenChannel openChannel() throws IOException;

  /** For what will be accepted. */
  abstract CopasSocketImpl newConnection();

  abstract SocketAddress wanted();

  abstract Bound bind(ListenChannel channel, int backlog) throws IOException;

  private final class Accepting extends Direction {

    private @Nullable StreamChannel accepted;

    @Override
    void arm() throws IOException {
      channel().awaitReadable();
    }

    @Override
    String verb() {
      return "Accept";
    }

    private int attempt() throws IOException {
      accepted = channel().accept();
      return accepted == null ? 0 : 1;
    }

    private StreamChannel next(Coroutine self, long deadline) throws IOException {
      perform(self, deadline, this::attempt);
      StreamChannel next = accepted;
      accepted = null;
      if (next == null) {
        throw new SocketException("nothing was accepted");
      }
      return next;
    }
  }

  ListenChannel channel() throws SocketException {
    if (channel == null) {
      throw new SocketException("Socket is not bound yet");
    }
    return channel;
  }

  @Override
  public boolean readable() {
    return accepting.open();
  }

  @Override
  public void writable() {}

  @Override
  protected void create(boolean stream) throws IOException {
    ListenChannel created = openChannel();
    created.setListener(this);
    channel = created;
  }

  /** Binds as well, since the transport does both in one. */
  @Override
  protected void listen(int backlog) throws IOException {
    try {
      copas.machine.awaitCloses(Timeouts.nanos(copas.options.closeTimeout()));
      Outside.run(
          copas.machine,
          () -> {
            bound = bind(channel(), backlog);
            since = copas.machine.moment();
            copas.sockets.add(this);
          });
    } catch (SocketException e) {
      throw Addresses.cannotBind(wanted(), e);
    }
  }

  @Override
  protected void accept(SocketImpl socket) throws IOException {
    Outside.perform(
        copas, self -> ((CopasSocketImpl) socket).accepted(acceptOne(self), localOfConnections()));
  }

  private @Nullable SocketAddress localOfConnections() {
    Bound present = bound;
    return present == null ? null : present.ofConnections;
  }

  private StreamChannel acceptOne(Coroutine self) throws IOException {
    if (acceptor != null) {
      throw new IllegalStateException(
          "task \"" + acceptor.thread().getName() + "\" is already accepting on this socket");
    }
    acceptor = self;
    try {
      StreamChannel next = accepting.next(self, self.loop().deadlineAfter(timeout));
      accepted++;
      return next;
    } finally {
      acceptor = null;
    }
  }

  @Override
  protected void close() throws IOException {
    Outside.close(copas.machine, this::closeOnLoop, "a server socket could not be closed");
  }

  void turnAway() {
    accepting.shut();
  }

  private void closeOnLoop() throws IOException {
    turnAway();
    copas.sockets.remove(this);
    if (channel != null) {
      channel.close();
    }
  }

  // ---- What it is doing, for Copas.status

  /** The name of the server that accepts here now; null without one. */
  void servedBy(@Nullable String server) {
    servedBy = server;
  }

  Status.ServerStatus status() {
    return new Status.ServerStatus(
        where(), servedBy, Duration.ofNanos(copas.machine.nanoTime() - since), accepted);
  }

  private String where() {
    SocketAddress local = address();
    return local == null ? "" : Addresses.format(local);
  }

  void tellWaits(BiConsumer<Coroutine, String> told) {
    Coroutine waiting = accepting.waiting();
    if (waiting != null) {
      told.accept(waiting, "a connection on " + where());
    }
  }

  // ---- Addresses and options

  @Override
  protected @Nullable InetAddress getInetAddress() {
    SocketAddress local = address();
    return local == null ? null : Addresses.host(local);
  }

  @Override
  protected int getLocalPort() {
    SocketAddress local = address();
    return local == null ? -1 : Addresses.port(local);
  }

  /** Where it listens, or null. */
  final @Nullable SocketAddress address() {
    Bound present = bound;
    return present == null ? null : present.address;
  }

  @Override
  public void setOption(int id, Object value) throws SocketException {
    if (id == SocketOptions.SO_TIMEOUT) {
      timeout = Timeouts.fromJavaNet((Integer) value);
      return;
    }
    SocketOptionIds.set(channel(), id, value);
  }

  @Override
  public Object getOption(int id) throws SocketException {
    if (id == SocketOptions.SO_TIMEOUT) {
      return Timeouts.toJavaNet(timeout);
    }
    return SocketOptionIds.get(channel(), id);
  }

  @Override
  protected <T> void setOption(SocketOption<T> option, T value) throws IOException {
    channel().setOption(option, value);
  }

  @Override
  protected <T> @Nullable T getOption(SocketOption<T> option) throws IOException {
    return channel().getOption(option);
  }

  @Override
  protected Set<SocketOption<?>> supportedOptions() {
    return channel == null ? Set.of() : channel.supportedOptions();
  }

  // ---- What only a connection can do

  @Override
  protected void connect(String host, int port) throws IOException {
    throw listensOnly();
  }

  @Override
  protected void connect(InetAddress address, int port) throws IOException {
    throw listensOnly();
  }

  @Override
  protected void connect(SocketAddress address, int timeout) throws IOException {
    throw listensOnly();
  }

  @Override
  protected InputStream getInputStream() throws IOException {
    throw listensOnly();
  }

  @Override
  protected OutputStream getOutputStream() throws IOException {
    throw listensOnly();
  }

  @Override
  protected int available() throws IOException {
    throw listensOnly();
  }

  @Override
  protected void sendUrgentData(int data) throws IOException {
    throw listensOnly();
  }

  private static SocketException listensOnly() {
    return new SocketException("a listening socket has no bytes; use what accept() returns");
  }
}
