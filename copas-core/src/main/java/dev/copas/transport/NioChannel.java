package dev.copas.transport;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NetworkChannel;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/*
 * Readiness of one NIO channel.
 *
 * A selector reports a condition for as long as it holds, and every change of interest costs a
 * system call. So interest in reading stays on from one wait to the next, which is the rhythm of a
 * connection (wait, read, answer, wait), and is taken back only when something came that nobody
 * waited for. Interest in writing is for one report: room is there nearly always.
 */
abstract sealed class NioChannel extends PolledChannel permits NioStream, NioListener, NioDatagram {

  private final NioTransport transport;
  private final SelectableChannel selectable;
  private final SelectionKey key;
  private int interest;

  NioChannel(NioTransport transport, SelectableChannel selectable) throws IOException {
    this.transport = transport;
    this.selectable = selectable;
    selectable.configureBlocking(false);
    key = transport.register(selectable, this);
  }

  /** The selector's bit for {@link #awaitReadable()}. */
  abstract int readBit();

  /** The selector's bit for {@link #awaitWritable()}. */
  abstract int writeBit();

  /** Called when the channel was reported readable. */
  void onReadable() {}

  @Override
  public void awaitReadable() throws IOException {
    setInterest(interest | readBit());
  }

  @Override
  public void awaitWritable() throws IOException {
    setInterest(interest | writeBit());
  }

  private void setInterest(int wanted) throws ClosedChannelException {
    if (wanted == interest) {
      return;
    }
    if (!key.isValid()) {
      throw new ClosedChannelException();
    }
    key.interestOps(wanted);
    interest = wanted;
    transport.changed();
  }

  @Override
  void tell() {
    try {
      tellOf(key.readyOps());
    } catch (CancelledKeyException | ClosedChannelException e) {
      // Closed since the selector has found it.
    }
  }

  private void tellOf(int ops) throws ClosedChannelException {
    if ((ops & ~readBit()) != 0) {
      setInterest(interest & readBit());
      listener().writable();
    }
    if ((ops & readBit()) != 0 && key.isValid()) {
      onReadable();
      if (!listener().readable() && key.isValid()) {
        setInterest(interest & ~readBit());
      }
    }
  }

  /** NIO throws bare IOExceptions where java.net has always thrown SocketExceptions. */
  static IOException asSocketException(IOException e) {
    if (e instanceof SocketException) {
      return e;
    }
    String what = e instanceof ClosedChannelException ? "Socket closed" : e.getMessage();
    var converted = new SocketException(what);
    converted.initCause(e);
    return converted;
  }

  private NetworkChannel network() {
    return (NetworkChannel) selectable;
  }

  @Override
  public <T> void setOption(SocketOption<T> option, @Nullable T value) throws IOException {
    network().setOption(option, value);
  }

  @Override
  public <T> @Nullable T getOption(SocketOption<T> option) throws IOException {
    return network().getOption(option);
  }

  @Override
  public Set<SocketOption<?>> supportedOptions() {
    return network().supportedOptions();
  }

  @Override
  public @Nullable SocketAddress localAddress() throws IOException {
    return network().getLocalAddress();
  }

  /** Lets the selector forget the channel without closing it. */
  void deregister() {
    key.cancel();
  }

  /** Without a selector that would have to know. */
  void closeNow() throws IOException {
    selectable.close();
  }

  @Override
  public void close() throws IOException {
    transport.closesWithNextSelect();
    selectable.close();
  }
}
