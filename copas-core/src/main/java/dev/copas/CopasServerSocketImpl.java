package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.transport.ListenChannel;
import dev.copas.transport.StreamChannel;
import dev.copas.transport.TransportChannel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketImpl;
import java.net.SocketOption;
import java.net.SocketOptions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A listening socket, as java.net.ServerSocket wants it. */
final class CopasServerSocketImpl extends SocketImpl implements TransportChannel.Listener {

  private final Copas copas;
  private final Accepting accepting = new Accepting();
  private @Nullable ListenChannel channel;
  private @Nullable InetSocketAddress wanted;

  /** Known also after the socket was closed, as java.net has it. */
  private volatile @Nullable InetSocketAddress bound;

  private @Nullable InetSocketAddress ofConnections;
  private @Nullable Coroutine acceptor;
  private long timeout = Timeouts.FOREVER;

  CopasServerSocketImpl(Copas copas) {
    this.copas = copas;
  }

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
    ListenChannel created = copas.machine.transport().openListener();
    created.setListener(this);
    channel = created;
  }

  @Override
  protected void bind(InetAddress host, int port) {
    wanted = new InetSocketAddress(host, port);
  }

  /** Binds as well, since the transport does both in one. */
  @Override
  protected void listen(int backlog) throws IOException {
    InetSocketAddress local = wanted == null ? new InetSocketAddress(0) : wanted;
    try {
      copas.machine.awaitCloses(Timeouts.nanos(copas.options.closeTimeout()));
      Outside.run(
          copas.machine,
          () -> {
            channel().bind(local, backlog);
            SocketAddress got = channel().localAddress();
            bound = Addresses.withName(local, got);
            ofConnections = ofConnections(got);
          });
    } catch (SocketException e) {
      throw Addresses.cannotBind(local, e);
    }
  }

  /** The local address of everything that is accepted; null when each may have another one. */
  private static @Nullable InetSocketAddress ofConnections(@Nullable SocketAddress bound) {
    return bound instanceof InetSocketAddress address && !address.getAddress().isAnyLocalAddress()
        ? address
        : null;
  }

  @Override
  protected void accept(SocketImpl socket) throws IOException {
    Outside.perform(
        copas, self -> ((CopasSocketImpl) socket).accepted(acceptOne(self), ofConnections));
  }

  private StreamChannel acceptOne(Coroutine self) throws IOException {
    if (acceptor != null) {
      throw new IllegalStateException(
          "task \"" + acceptor.thread().getName() + "\" is already accepting on this socket");
    }
    acceptor = self;
    try {
      return accepting.next(self, self.loop().deadlineAfter(timeout));
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
    if (channel != null) {
      channel.close();
    }
  }

  // ---- Addresses and options

  @Override
  protected @Nullable InetAddress getInetAddress() {
    InetSocketAddress local = bound;
    return local == null ? null : local.getAddress();
  }

  @Override
  protected int getLocalPort() {
    InetSocketAddress local = bound;
    return local == null ? -1 : local.getPort();
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
