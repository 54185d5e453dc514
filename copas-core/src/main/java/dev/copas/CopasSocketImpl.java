package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Reports;
import dev.copas.transport.StreamChannel;
import dev.copas.transport.TransportChannel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketImpl;
import java.net.SocketOption;
import java.net.SocketOptions;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One connection, as java.net.Socket wants it: what can be set, how it ends. How it comes about is
 * the business of {@link TcpSocketImpl} and {@link UnixSocketImpl}, and its bytes are that of
 * {@link SocketInput} and {@link SocketOutput}.
 *
 * <p>The JDK holds a lock of the socket around {@link #create}, {@link #close} and {@link
 * #supportedOptions}; none of them waits.
 *
 * <p>Nothing of the loop holds the {@link CopasSocket}, only this: so a socket that its user has
 * forgotten can be found; see {@link Forgotten}.
 */
abstract sealed class CopasSocketImpl extends SocketImpl implements TransportChannel.Listener
    permits TcpSocketImpl, UnixSocketImpl {

  private static final String LOST = "a socket was closed and lost bytes that were sent before";

  final Copas copas;
  final SocketInput input;
  final SocketOutput output;
  private @Nullable StreamChannel channel;
  private @Nullable Connecting connecting;
  private @Nullable Preparation preparation;
  private boolean connected;
  private volatile boolean closed;
  private volatile @Nullable Forgotten forgotten;
  private @Nullable SocketAddress remote;
  private @Nullable SocketAddress local;
  private long connectTimeout = Timeouts.FOREVER;
  private final long since;

  // The list of OpenSockets.
  boolean isListed;
  @Nullable CopasSocketImpl older;
  @Nullable CopasSocketImpl newer;

  CopasSocketImpl(Copas copas) {
    this.copas = copas;
    this.since = copas.machine.moment();
    this.input = new SocketInput(copas, this);
    this.output = new SocketOutput(copas, this);
  }

  /** What was asked of the socket before it was connected: each address tried needs it anew. */
  private static final class Preparation {
    final Map<SocketOption<?>, Object> options = new LinkedHashMap<>();
    @Nullable InetSocketAddress local;
    boolean channelUsed;
  }

  /** An attempt to connect, and the wait for its outcome. */
  abstract static class Connecting extends Direction {

    private final SocketAddress target;

    Connecting(SocketAddress target) {
      this.target = target;
    }

    /** One try: 1 when it is connected. */
    abstract int make() throws IOException;

    @Override
    final String verb() {
      return "Connect to " + Addresses.format(target);
    }
  }

  void checkConnected() throws SocketException {
    if (!connected) {
      throw new SocketException("Socket is not connected");
    }
  }

  StreamChannel channel() throws SocketException {
    if (channel == null) {
      throw new SocketException("Socket is not connected");
    }
    return channel;
  }

  // ---- Readiness

  @Override
  public boolean readable() {
    return input.open();
  }

  @Override
  public void writable() {
    if (connecting != null) {
      connecting.open();
    } else {
      output.writable();
    }
  }

  @Override
  public int prefetch() {
    return input.prefetch() + output.prefetch();
  }

  // ---- How a connection comes about

  @Override
  protected void create(boolean stream) throws IOException {
    if (!stream) {
      throw new SocketException("a CopasSocket is a stream; see CopasDatagramSocket");
    }
    if (channel == null) {
      preparation = new Preparation();
      use(openChannel());
    }
  }

  abstract StreamChannel openChannel() throws IOException;

  /** Sets what every channel of this kind is to have. */
  abstract void prepare(StreamChannel channel) throws IOException;

  private void use(StreamChannel next) throws IOException {
    next.setListener(this);
    try {
      prepare(next);
    } catch (IOException e) {
      next.close();
      throw e;
    }
    channel = next;
  }

  /** A server has accepted this; the system need not be asked for what the server knows. */
  void accepted(StreamChannel accepted, @Nullable SocketAddress knownLocal) throws IOException {
    use(accepted);
    connected(accepted, knownLocal);
    fd = null;
    address = null;
  }

  private void connected(StreamChannel channel, @Nullable SocketAddress knownLocal)
      throws IOException {
    connected = true;
    copas.sockets.add(this);
    remote = channel.remoteAddress();
    local = knownLocal != null ? knownLocal : channel.localAddress();
  }

  void setConnectTimeout(long nanos) {
    connectTimeout = nanos;
  }

  @Override
  protected void connect(String host, int port) throws IOException {
    connect(InetSocketAddress.createUnresolved(host, port), 0);
  }

  @Override
  protected void connect(InetAddress address, int port) throws IOException {
    connect(new InetSocketAddress(address, port), 0);
  }

  /** How long a connect may take that was given so many milliseconds, as java.net has it. */
  final long connectNanos(int timeoutMillis) {
    return timeoutMillis == 0 ? connectTimeout : Timeouts.fromJavaNet(timeoutMillis);
  }

  /** Waits until an attempt succeeds or fails. */
  final void connect(Coroutine self, Connecting attempt, long deadline) throws IOException {
    connecting = attempt;
    copas.sockets.add(this);
    try {
      attempt.perform(self, deadline, attempt::make);
      connected(channel(), null);
      preparation = null;
    } finally {
      connecting = null;
      if (!connected && copas.machine.isOnLoop()) { // Else its close does that.
        copas.sockets.remove(this);
      }
    }
  }

  /** Whether it was closed during an attempt: a fresh channel would not know. */
  final void checkNotClosed() throws SocketException {
    if (closed) {
      throw new SocketException("Socket closed");
    }
  }

  /** A channel is good for one attempt: after a failed one its state is not defined. */
  final StreamChannel freshChannel() throws IOException {
    Preparation wanted = preparation;
    if (wanted == null) {
      throw new SocketException("Already connected");
    }
    if (wanted.channelUsed) {
      channel().close();
      use(openChannel());
      for (var option : wanted.options.entrySet()) {
        setChecked(option.getKey(), option.getValue());
      }
      if (wanted.local != null) {
        channel().bind(wanted.local);
      }
    }
    wanted.channelUsed = true;
    return channel();
  }

  static IOException withAddress(IOException e, SocketAddress target) {
    String message = e.getMessage() + ": " + Addresses.format(target);
    IOException clearer =
        switch (e) {
          case ConnectException c -> new ConnectException(message);
          case NoRouteToHostException n -> new NoRouteToHostException(message);
          default -> new SocketException(message);
        };
    clearer.initCause(e);
    return clearer;
  }

  @Override
  protected void bind(InetAddress host, int port) throws IOException {
    var local = new InetSocketAddress(host, port);
    channel().bind(local);
    if (preparation != null) {
      preparation.local = local;
    }
  }

  @Override
  protected void listen(int backlog) throws IOException {
    throw new SocketException("a CopasSocket does not listen; see CopasServerSocket");
  }

  @Override
  protected void accept(SocketImpl socket) throws IOException {
    throw new SocketException("a CopasSocket does not accept; see CopasServerSocket");
  }

  // ---- Its bytes

  @Override
  protected InputStream getInputStream() {
    return new SocketInputStream(this);
  }

  @Override
  protected OutputStream getOutputStream() {
    return new SocketOutputStream(this);
  }

  @Override
  protected int available() throws IOException {
    return Outside.call(copas, input::available);
  }

  @Override
  protected boolean supportsUrgentData() {
    return false;
  }

  @Override
  protected void sendUrgentData(int data) throws IOException {
    throw new SocketException("Urgent data not supported");
  }

  // ---- How it ends

  @Override
  protected void shutdownInput() throws IOException {
    Outside.run(copas.machine, input::shutdown);
  }

  @Override
  protected void shutdownOutput() throws IOException {
    Outside.run(copas.machine, output::shutdown);
  }

  @Override
  protected void close() throws IOException {
    closed = true; // At once, whatever the loop comes to first.
    endWatch();
    Outside.close(copas.machine, this::closeOnLoop, LOST);
  }

  /** Has it closed when nobody can reach the socket any more: nobody but its user would. */
  void closeWhenForgotten(CopasSocket socket) {
    var watch = new Forgotten(copas.machine, this::closeForgotten);
    forgotten = watch;
    watch.watch(socket);
    if (closed) { // By another thread, which has found nothing to end.
      watch.end();
    }
  }

  private void endWatch() {
    Forgotten watch = forgotten;
    if (watch != null) {
      watch.end();
    }
  }

  private void closeForgotten() {
    closed = true;
    Reports.warning(
        "the connection "
            + (remote == null ? "" : "to " + peer() + " ")
            + "was never closed, and nobody can use it any more; it is closed now. Close sockets,"
            + " best with try-with-resources.",
        null);
    try {
      closeOnLoop();
    } catch (IOException e) {
      Reports.warning(LOST, e);
    }
  }

  private void closeOnLoop() throws IOException {
    if (connecting != null) {
      connecting.shut();
    }
    if (!connected) {
      copas.sockets.remove(this);
      if (channel != null) {
        channel.close();
      }
      return;
    }
    input.close();
    output.close();
  }

  /** For the output, which knows when the last byte has left. */
  void closeChannel() throws IOException {
    copas.sockets.remove(this);
    channel().close();
  }

  // ---- What it is doing, for Copas.status

  Status.SocketStatus status() {
    return new Status.SocketStatus(
        other(),
        state(),
        Duration.ofNanos(copas.machine.nanoTime() - since),
        input.received(),
        output.sent(),
        input.unread(),
        output.unsent());
  }

  private Status.SocketState state() {
    if (connected && !closed) {
      return Status.SocketState.OPEN;
    }
    if (isListed) {
      return connected ? Status.SocketState.CLOSING : Status.SocketState.CONNECTING;
    }
    return closed ? Status.SocketState.CLOSED : Status.SocketState.UNCONNECTED;
  }

  /** Also whom it may be connected to before long; empty for nobody. */
  private String other() {
    String known = peer();
    if (known != null) {
      return known;
    }
    return connecting == null ? "" : Addresses.format(connecting.target);
  }

  /** Tells of each task that waits here, and what for. */
  void tellWaits(BiConsumer<Coroutine, String> told) {
    tell(connecting, "a connection to ", told);
    tell(input, "bytes from ", told);
    tell(output, "room to send to ", told);
    output.queue().forEach(waiting -> told.accept(waiting, "its turn to send to " + other()));
  }

  private void tell(
      @Nullable Direction direction, String what, BiConsumer<Coroutine, String> told) {
    Coroutine waiting = direction == null ? null : direction.waiting();
    if (waiting != null) {
      told.accept(waiting, what + other());
    }
  }

  // ---- Addresses: those of a connection are known also after its end, as java.net has it

  @Override
  protected @Nullable InetAddress getInetAddress() {
    return remote == null ? null : Addresses.host(remote);
  }

  @Override
  protected int getPort() {
    return remote == null ? 0 : Addresses.port(remote);
  }

  @Override
  protected int getLocalPort() {
    SocketAddress known = local == null ? boundAddress() : local;
    return known == null ? -1 : Addresses.port(known);
  }

  /** Whom it is connected to, for people; null for nobody yet. */
  @Nullable String peer() {
    return remote == null ? null : Addresses.format(remote);
  }

  final @Nullable SocketAddress remote() {
    return remote;
  }

  final @Nullable SocketAddress local() {
    return local;
  }

  private @Nullable SocketAddress boundAddress() {
    try {
      return channel().localAddress();
    } catch (IOException e) {
      return null; // Closed.
    }
  }

  // ---- Options

  @Override
  public void setOption(int id, Object value) throws SocketException {
    if (id == SocketOptions.SO_TIMEOUT) {
      input.setTimeout(Timeouts.fromJavaNet((Integer) value));
      return;
    }
    SocketOption<?> option = SocketOptionIds.option(channel(), id);
    try {
      setChecked(option, SocketOptionIds.value(value, option));
    } catch (SocketException e) {
      throw e;
    } catch (IOException e) {
      throw SocketOptionIds.asSocketException(e);
    }
  }

  @Override
  public Object getOption(int id) throws SocketException {
    if (id == SocketOptions.SO_TIMEOUT) {
      return Timeouts.toJavaNet(input.timeout());
    }
    if (id == SocketOptions.SO_BINDADDR) {
      SocketAddress bound = closed ? null : boundAddress();
      return bound == null ? new InetSocketAddress(0).getAddress() : Addresses.host(bound);
    }
    return SocketOptionIds.get(channel(), id);
  }

  @Override
  protected <T> void setOption(SocketOption<T> option, T value) throws IOException {
    setChecked(option, value);
  }

  @SuppressWarnings("unchecked") // The channel checks the type of the value itself.
  private void setChecked(SocketOption<?> option, Object value) throws IOException {
    channel().setOption((SocketOption<Object>) option, value);
    if (preparation != null) {
      preparation.options.put(option, value);
    }
  }

  @Override
  protected <T> @Nullable T getOption(SocketOption<T> option) throws IOException {
    return channel().getOption(option);
  }

  @Override
  protected Set<SocketOption<?>> supportedOptions() {
    if (channel == null) {
      return Set.of();
    }
    Set<SocketOption<?>> options = new HashSet<>(channel.supportedOptions());
    options.removeIf(SocketOptionIds::isUnnamed);
    return options;
  }
}
