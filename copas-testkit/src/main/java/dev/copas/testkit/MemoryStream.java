package dev.copas.testkit;

import static java.util.Objects.requireNonNull;

import dev.copas.transport.StreamChannel;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AlreadyBoundException;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ConnectionPendingException;
import java.nio.channels.NoConnectionPendingException;
import java.nio.channels.NotYetConnectedException;
import java.nio.channels.UnsupportedAddressTypeException;
import org.jspecify.annotations.Nullable;

/**
 * One end of a connection, with the manners of TCP on Linux as NIO shows them.
 *
 * <pre>
 *     fresh ---connect---&gt; connecting ---answered---&gt; connected
 *                              |
 *                              +---refused---&gt; failed
 * </pre>
 *
 * A reset is told once: to a read ("Connection reset", and so again to every later read), or to a
 * write ("Connection reset by peer"; then reads see the end of the stream). Bytes that arrived
 * before it can still be read. A close with SO_LINGER 0 is a reset for the peer, and so is the
 * answer to what arrives at an end that was closed. A close that leaves bytes unread is an end and
 * then a reset, since NIO ends the stream of a channel that a selector knows before it closes it.
 */
final class MemoryStream extends MemoryChannel implements StreamChannel {

  private enum State {
    FRESH,
    CONNECTING,
    CONNECTED,
    FAILED
  }

  private enum Reset {
    NONE,
    /** It has come, and no call has been told. */
    UNTOLD,
    TOLD_READER,
    TOLD_WRITER
  }

  private static final UnixDomainSocketAddress UNNAMED = UnixDomainSocketAddress.of("");

  private State state = State.FRESH;
  private Reset reset = Reset.NONE;
  private @Nullable SocketAddress remote;
  private @Nullable MemoryStream peer;
  private @Nullable Pipe incoming;
  private @Nullable Pipe outgoing;
  private boolean inputShut;
  private boolean outputShut;
  private boolean drained;
  private boolean aborts;
  private String label = "";

  MemoryStream(MemoryTransport transport, StoredOptions options) {
    super(transport, options);
  }

  void note(String what) {
    transport.note(label, what, -1);
  }

  void note(String what, int amount) {
    transport.note(label, what, amount);
  }

  int sendCapacity() {
    return options.number(StandardSocketOptions.SO_SNDBUF);
  }

  int receiveCapacity() {
    return options.number(StandardSocketOptions.SO_RCVBUF);
  }

  // ---- How a connection comes about

  @Override
  public void bind(InetSocketAddress wanted) throws IOException {
    checkOpen();
    if (local != null) {
      throw new AlreadyBoundException();
    }
    local = transport.ports.take(this, wanted);
  }

  @Override
  public boolean connect(SocketAddress target) throws IOException {
    checkOpen();
    switch (state) {
      case CONNECTED -> throw new AlreadyConnectedException();
      case CONNECTING -> throw new ConnectionPendingException();
      case FAILED -> throw new ClosedChannelException();
      case FRESH -> {}
    }
    return switch (target) {
      case InetSocketAddress inet -> connectByNet(inet);
      case UnixDomainSocketAddress unix -> connectByPath(unix);
      default -> throw new UnsupportedAddressTypeException();
    };
  }

  private boolean connectByNet(InetSocketAddress target) throws IOException {
    InetSocketAddress concrete = transport.concrete(target);
    takeLocalAddress(concrete);
    remote = concrete;
    label = local + ">" + concrete;
    state = State.CONNECTING;
    note("connects");
    transport.soon(() -> knock(concrete));
    return finishConnect();
  }

  private void takeLocalAddress(InetSocketAddress target) throws IOException {
    if (local == null) {
      var any = new InetSocketAddress(transport.sourceFor(target.getAddress()), 0);
      local = transport.ports.take(this, any);
    } else if (local instanceof InetSocketAddress own && own.getAddress().isAnyLocalAddress()) {
      local = new InetSocketAddress(transport.sourceFor(target.getAddress()), own.getPort());
    }
  }

  /** At once or not at all, as the system does it. */
  private boolean connectByPath(UnixDomainSocketAddress target) throws IOException {
    MemoryListener listener = transport.paths.listenerAt(target);
    if (listener == null) {
      throw new SocketException("No such file or directory");
    }
    if (!listener.hasRoom()) {
      return false;
    }
    local = UNNAMED;
    remote = target;
    label = "client>" + target;
    state = State.CONNECTING;
    note("connects");
    listener.attempted(this);
    answered();
    return true;
  }

  /** Arrives at the target. Where nobody is at home, nobody says so either. */
  private void knock(InetSocketAddress target) {
    if (!isOpen() || !transport.hosts.has(target.getAddress())) {
      return;
    }
    MemoryListener listener = transport.ports.listenerAt(target);
    if (listener == null) {
      transport.soon(this::refused);
    } else {
      listener.attempted(this);
    }
  }

  void refused() {
    if (state == State.CONNECTING) {
      state = State.FAILED;
      changed();
      note("is refused");
    }
  }

  /** Called by a listener that has room for this: makes the end that will be accepted there. */
  MemoryStream connectedTo(MemoryListener listener) {
    boolean isUnix = remote instanceof UnixDomainSocketAddress;
    var accepted =
        new MemoryStream(
            transport, isUnix ? StoredOptions.forUnixStream() : StoredOptions.forStream());
    accepted.options.inherit(listener.options);
    accepted.local = remote;
    accepted.remote = local;
    accepted.label = remote + ">" + local;
    Faults.Fate[] fates = isUnix ? Faults.noFates() : transport.drawFates();
    accepted.join(this, new Pipe(transport, this, accepted, fates[0]), fates[1]);
    accepted.state = State.CONNECTED;
    requireNonNull(accepted.outgoing).arrive(this::answered);
    return accepted;
  }

  private void join(MemoryStream client, Pipe toMe, Faults.Fate fateOfMine) {
    peer = client;
    client.peer = this;
    incoming = toMe;
    client.outgoing = toMe;
    outgoing = new Pipe(transport, this, client, fateOfMine);
    client.incoming = outgoing;
  }

  private void answered() {
    if (isOpen() && state == State.CONNECTING) {
      state = State.CONNECTED;
      changed();
      note("is connected");
    }
  }

  @Override
  public boolean finishConnect() throws IOException {
    checkOpen();
    return switch (state) {
      case FRESH -> throw new NoConnectionPendingException();
      case CONNECTING -> false;
      case CONNECTED -> true;
      case FAILED -> {
        close(); // As NIO does.
        throw new ConnectException("Connection refused");
      }
    };
  }

  // ---- Bytes

  private Pipe incoming() {
    return requireNonNull(incoming, "connected without a pipe");
  }

  private Pipe outgoing() {
    return requireNonNull(outgoing, "connected without a pipe");
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    checkUsable();
    if (reset == Reset.TOLD_READER) {
      throw new SocketException("Connection reset");
    }
    if (inputShut) {
      return -1;
    }
    int room = target.remaining();
    int count = room == 0 ? 0 : incoming().read(target);
    if (count == 0 && room > 0) {
      count = nothingToRead();
    }
    drained = count >= 0 && count < room;
    return count;
  }

  private int nothingToRead() throws SocketException {
    if (incoming().isEnded()) {
      return -1;
    }
    return switch (reset) {
      case NONE -> 0;
      case TOLD_WRITER -> -1;
      case UNTOLD, TOLD_READER -> {
        reset = Reset.TOLD_READER;
        throw new SocketException("Connection reset");
      }
    };
  }

  @Override
  public boolean drained() {
    return drained;
  }

  @Override
  void onReadable() {
    drained = false;
  }

  @Override
  public int write(ByteBuffer source) throws IOException {
    checkUsable();
    if (outputShut) {
      throw closed();
    }
    if (source.hasRemaining()) {
      outgoing().meetFate();
    }
    if (reset == Reset.UNTOLD) {
      reset = Reset.TOLD_WRITER;
      // The peer had ended its stream before: then this is all that the system says.
      throw new SocketException(incoming().isEnded() ? "Broken pipe" : "Connection reset by peer");
    }
    if (reset != Reset.NONE) {
      throw new SocketException("Broken pipe");
    }
    return outgoing().write(source);
  }

  private void checkUsable() throws SocketException {
    if (!isOpen()) {
      throw closed();
    }
    if (state != State.CONNECTED) {
      throw new NotYetConnectedException();
    }
  }

  private static SocketException closed() {
    var exception = new SocketException("Socket closed");
    exception.initCause(new ClosedChannelException());
    return exception;
  }

  /** What is read here, or becomes larger, makes room there. */
  @Override
  void changed() {
    super.changed();
    if (peer != null) {
      transport.mayBeReady(peer);
    }
  }

  @Override
  boolean isReadable() {
    return state == State.CONNECTED
        && (inputShut || incoming().hasUnread() || incoming().isEnded() || reset != Reset.NONE);
  }

  @Override
  boolean isWritable() {
    return switch (state) {
      case FRESH, CONNECTING -> false;
      case FAILED -> true;
      case CONNECTED -> outputShut || reset != Reset.NONE || outgoing().hasRoom();
    };
  }

  // ---- Ends

  @Override
  public void shutdownInput() throws IOException {
    checkOpen();
    checkConnected();
    inputShut = true;
    changed();
  }

  @Override
  public void shutdownOutput() throws IOException {
    checkOpen();
    checkConnected();
    if (!outputShut) {
      outputShut = true;
      changed();
      note("ends");
      outgoing().end();
    }
  }

  private void checkConnected() {
    if (state != State.CONNECTED) {
      throw new NotYetConnectedException();
    }
  }

  /** The connection is gone, says the peer or the network. */
  void resetArrives() {
    if (isOpen() && reset == Reset.NONE) {
      reset = Reset.UNTOLD;
      changed();
      note("gets a reset");
    }
  }

  /** Whether it is still open, and its connection is gone. */
  boolean isReset() {
    return isOpen() && reset != Reset.NONE;
  }

  /** Something came although this end is closed: the machine knows no such connection. */
  void answerWithReset(MemoryStream sender) {
    outgoing().arrive(sender::resetArrives);
  }

  /** Closes this end so that the peer gets a reset. */
  void abort() {
    aborts = true;
    try {
      close();
    } catch (IOException e) {
      throw new IllegalStateException("a close in memory failed", e);
    }
  }

  @Override
  void beforeClose() {
    note("is closed");
    MemoryStream other = peer;
    if (other == null || incoming == null || outgoing == null) {
      return;
    }
    boolean vanishes = aborts || lingersNot() || state != State.CONNECTED;
    if (!vanishes && !outputShut && reset == Reset.NONE) {
      outgoing.end();
    }
    if (vanishes || incoming.hasUnread()) {
      outgoing.arrive(other::resetArrives);
    }
    incoming.drop();
  }

  private boolean lingersNot() {
    return options.number(StandardSocketOptions.SO_LINGER) == 0;
  }

  @Override
  public @Nullable SocketAddress remoteAddress() throws IOException {
    checkOpen();
    return state == State.CONNECTED ? remote : null;
  }

  @Override
  public String toString() {
    return label;
  }
}
