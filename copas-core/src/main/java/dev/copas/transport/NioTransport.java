package dev.copas.transport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The transport that works everywhere: java.nio's selector. */
public final class NioTransport implements Transport {

  private final Selector selector;
  private final DueChannels due = new DueChannels();
  private final Consumer<SelectionKey> onReady = this::note;
  private @Nullable SocketChannel spare;
  private final Deque<Runnable> afterNextSelect = new ArrayDeque<>();
  private volatile boolean closesPending;
  private boolean selecting;

  public NioTransport() throws IOException {
    selector = Selector.open();
    takeSpare();
  }

  /** Lets the selector know a channel from the beginning, so that it can close all there are. */
  SelectionKey register(SelectableChannel channel, NioChannel attachment) throws IOException {
    try {
      return channel.register(selector, 0, attachment);
    } catch (ClosedSelectorException e) {
      throw new IOException("the loop of this socket is closed", e);
    }
  }

  @Override
  public StreamChannel openStream() throws IOException {
    return stream(SocketChannel.open(), false);
  }

  @Override
  public ListenChannel openListener() throws IOException {
    return listener(ServerSocketChannel.open());
  }

  @Override
  public StreamChannel openUnixStream() throws IOException {
    return stream(SocketChannel.open(StandardProtocolFamily.UNIX), false);
  }

  @Override
  public ListenChannel openUnixListener() throws IOException {
    return listener(ServerSocketChannel.open(StandardProtocolFamily.UNIX));
  }

  static UnsupportedOperationException noAbstractNames(UnixDomainSocketAddress address) {
    return new UnsupportedOperationException(
        "this loop runs on java.nio, which has no abstract names of Unix sockets: "
            + address
            + ". Use a path; or, on Linux and in native mode, Options.epoll()");
  }

  private ListenChannel listener(ServerSocketChannel channel) throws IOException {
    try {
      return new NioListener(this, channel);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public PacketChannel openPackets() throws IOException {
    DatagramChannel channel = DatagramChannel.open();
    try {
      return new NioDatagram(this, channel);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  StreamChannel stream(SocketChannel channel, boolean connected) throws IOException {
    try {
      return new NioStream(this, channel, connected);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public InetAddress @Nullable [] resolve(String host) {
    return null;
  }

  @Override
  public void poll(long nanos) throws IOException {
    if (due.isEmpty() || closesPending || !afterNextSelect.isEmpty()) {
      select(nanos);
    }
    due.tellGroup();
  }

  private void select(long nanos) throws IOException {
    closesPending = false;
    if (nanos <= 0 || !due.isEmpty() || !afterNextSelect.isEmpty()) {
      selector.selectNow(onReady);
    } else {
      selectFor(nanos == Long.MAX_VALUE ? 0 : millisRoundedUp(nanos));
    }
    for (Runnable task; (task = afterNextSelect.poll()) != null; ) {
      run(task);
    }
  }

  private void selectFor(long millis) throws IOException {
    selecting = true;
    try {
      selector.select(onReady, millis);
    } finally {
      selecting = false;
    }
  }

  private void note(SelectionKey key) {
    due.add((NioChannel) key.attachment());
  }

  private static void run(Runnable task) {
    try {
      task.run();
    } catch (Throwable e) { // No thread to be had: the channel stays open, the loop goes on.
      System.getLogger("dev.copas").log(System.Logger.Level.WARNING, "a socket stays open", e);
    }
  }

  /** Rounded up, so that no timer is early and a last fraction of a millisecond does not spin. */
  private static long millisRoundedUp(long nanos) {
    return 1 + TimeUnit.NANOSECONDS.toMillis(nanos - 1);
  }

  @Override
  public void wakeup() {
    selector.wakeup();
  }

  /**
   * A registered channel is closed only by the select that follows; till then its port is taken.
   */
  void closesWithNextSelect() {
    closesPending = true;
    changed();
  }

  /** A select that has begun does not heed what changes meanwhile. */
  void changed() {
    if (selecting) {
      selector.wakeup();
    }
  }

  /** Runs something when the selector has forgotten the channels that were deregistered. */
  void afterNextSelect(Runnable task) {
    afterNextSelect.add(task);
  }

  @Override
  public void finishCloses() throws IOException {
    if (closesPending && selector.isOpen()) {
      select(0);
    }
  }

  void giveUpSpare() throws IOException {
    if (spare != null) {
      spare.close();
      spare = null;
    }
  }

  /** Without success when another thread was faster; then the next one that is closed may do. */
  void takeSpare() {
    try {
      spare = SocketChannel.open();
    } catch (IOException e) {
      spare = null;
    }
  }

  @Override
  public void close() throws IOException {
    try (selector) {
      try {
        select(0);
        giveUpSpare();
      } finally {
        for (SelectionKey key : selector.keys()) {
          closeOneOfMany((NioChannel) key.attachment());
        }
      }
    }
  }

  private static void closeOneOfMany(NioChannel channel) {
    try {
      channel.closeNow();
    } catch (IOException e) {
      System.getLogger("dev.copas").log(System.Logger.Level.WARNING, "a socket is lost", e);
    }
  }
}
