package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Reports;
import dev.copas.transport.StreamChannel;
import dev.copas.transport.TransportChannel;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
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
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One connection, as java.net.Socket wants it: how it comes about, what can be set, how it ends.
 * Its bytes are the business of {@link SocketInput} and {@link SocketOutput}.
 *
 * <p>The JDK holds a lock of the socket around {@link #create}, {@link #close} and {@link
 * #supportedOptions}; none of them waits.
 *
 * <p>Nothing of the loop holds the {@link CopasSocket}, only this: so a socket that its user has
 * forgotten can be found; see {@link Forgotten}.
 */
final class CopasSocketImpl extends SocketImpl implements TransportChannel.Listener {

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
  private @Nullable InetSocketAddress remote;
  private @Nullable InetSocketAddress local;
  private long connectTimeout = Timeouts.FOREVER;

  CopasSocketImpl(Copas copas) {
    this.copas = copas;
    this.input = new SocketInput(copas, this);
    this.output = new SocketOutput(copas, this);
  }

  /** What was asked of the socket before it was connected: each address tried needs it anew. */
  private static final class Preparation {
    final Map<SocketOption<?>, Object> options = new LinkedHashMap<>();
    @Nullable InetSocketAddress local;
    boolean channelUsed;
  }

  /** Waits for the outcome of a connection attempt. */
  private static final class Connecting extends Direction {

    final StreamChannel channel;
    private final InetSocketAddress target;

    Connecting(StreamChannel channel, InetSocketAddress target) {
      this.channel = channel;
      this.target = target;
    }

    @Override
    void arm() throws IOException {
      channel.awaitWritable();
    }

    @Override
    String verb() {
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

  // ---- How a connection comes about

  @Override
  protected void create(boolean stream) throws IOException {
    if (!stream) {
      throw new SocketException("a CopasSocket is a stream; see CopasDatagramSocket");
    }
    if (channel == null) {
      preparation = new Preparation();
      use(copas.machine.transport().openStream());
    }
  }

  /** What is sent in one turn leaves at once; holding back small packets would only delay it. */
  private void use(StreamChannel next) throws IOException {
    next.setListener(this);
    try {
      next.setOption(StandardSocketOptions.TCP_NODELAY, true);
    } catch (IOException e) {
      next.close();
      throw e;
    }
    channel = next;
  }

  /** A server has accepted this; the system need not be asked for what the server knows. */
  void accepted(StreamChannel accepted, @Nullable InetSocketAddress knownLocal) throws IOException {
    use(accepted);
    connected(accepted, knownLocal);
    fd = null;
    address = null;
  }

  private void connected(StreamChannel channel, @Nullable InetSocketAddress knownLocal)
      throws IOException {
    connected = true;
    remote = (InetSocketAddress) channel.remoteAddress();
    local = knownLocal != null ? knownLocal : (InetSocketAddress) channel.localAddress();
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

  @Override
  protected void connect(SocketAddress remote, int timeoutMillis) throws IOException {
    if (!(remote instanceof InetSocketAddress target)) {
      throw new IllegalArgumentException("not an internet address: " + remote);
    }
    long nanos = timeoutMillis == 0 ? connectTimeout : Timeouts.fromJavaNet(timeoutMillis);
    Outside.perform(copas, self -> connectToAny(self, target, nanos));
  }

  private void connectToAny(Coroutine self, InetSocketAddress target, long nanos)
      throws IOException {
    long deadline = self.loop().deadlineAfter(nanos);
    IOException failure = null;
    for (InetAddress address : addressesOf(target, nanos)) {
      if (closed) { // During the look-up, or the attempt before; a fresh channel would not know.
        throw new SocketException("Socket closed");
      }
      var candidate = new InetSocketAddress(address, target.getPort());
      try {
        connectTo(self, candidate, deadline);
        return;
      } catch (InterruptedIOException e) { // Cancelled, or out of time for all of them.
        throw e;
      } catch (IOException e) {
        IOException clearer = withAddress(e, candidate);
        if (failure == null) {
          failure = clearer;
        } else {
          failure.addSuppressed(clearer);
        }
      }
    }
    throw failure != null ? failure : new UnknownHostException(target.getHostString());
  }

  private InetAddress[] addressesOf(InetSocketAddress target, long nanos) throws IOException {
    return target.isUnresolved()
        ? Addresses.resolve(copas, target.getHostString(), nanos)
        : new InetAddress[] {target.getAddress()};
  }

  private void connectTo(Coroutine self, InetSocketAddress target, long deadline)
      throws IOException {
    var attempt = new Connecting(freshChannel(), target);
    connecting = attempt;
    try {
      if (!attempt.channel.connect(target)) {
        attempt.perform(self, deadline, () -> attempt.channel.finishConnect() ? 1 : 0);
      }
      connected(attempt.channel, null);
      preparation = null;
    } finally {
      connecting = null;
    }
  }

  /** A channel is good for one attempt: after a failed one its state is not defined. */
  private StreamChannel freshChannel() throws IOException {
    Preparation wanted = preparation;
    if (wanted == null) {
      throw new SocketException("Already connected");
    }
    if (wanted.channelUsed) {
      channel().close();
      use(copas.machine.transport().openStream());
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

  private static IOException withAddress(IOException e, InetSocketAddress target) {
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
            + (remote == null ? "" : "to " + Addresses.format(remote) + " ")
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
      if (channel != null) {
        channel.close();
      }
      return;
    }
    input.close();
    output.close();
  }

  // ---- Addresses: those of a connection are known also after its end, as java.net has it

  @Override
  protected @Nullable InetAddress getInetAddress() {
    return remote == null ? null : remote.getAddress();
  }

  @Override
  protected int getPort() {
    return remote == null ? 0 : remote.getPort();
  }

  @Override
  protected int getLocalPort() {
    InetSocketAddress known = local == null ? boundAddress() : local;
    return known == null ? -1 : known.getPort();
  }

  private @Nullable InetSocketAddress boundAddress() {
    try {
      return (InetSocketAddress) channel().localAddress();
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
      InetSocketAddress bound = closed ? null : boundAddress();
      return bound == null ? new InetSocketAddress(0).getAddress() : bound.getAddress();
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
