package dev.copas.transport;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/** A connection on NIO, of TCP or a Unix socket. */
final class NioStream extends NioChannel implements StreamChannel {

  /** NIO copies what it is given into native memory first, all of it, and keeps that memory. */
  private static final int CHUNK = 128 * 1024;

  private static final String TRY_AGAIN = "Resource temporarily unavailable";

  private final NioTransport transport;
  private final SocketChannel channel;
  private boolean connected;
  private boolean drained;
  private boolean lingers;

  NioStream(NioTransport transport, SocketChannel channel, boolean connected) throws IOException {
    super(transport, channel);
    this.transport = transport;
    this.channel = channel;
    this.connected = connected;
  }

  @Override
  int readBit() {
    return SelectionKey.OP_READ;
  }

  @Override
  int writeBit() {
    return connected ? SelectionKey.OP_WRITE : SelectionKey.OP_CONNECT;
  }

  @Override
  void onReadable() {
    drained = false;
  }

  @Override
  public void bind(InetSocketAddress local) throws IOException {
    channel.bind(local);
  }

  @Override
  public boolean connect(SocketAddress remote) throws IOException {
    connected =
        remote instanceof UnixDomainSocketAddress unix
            ? connectUnix(unix)
            : channel.connect(remote);
    return connected;
  }

  /** All that NIO tells of a server's full backlog is the system's text for EAGAIN. */
  private boolean connectUnix(UnixDomainSocketAddress remote) throws IOException {
    if (SocketFile.isAbstract(remote)) {
      throw NioTransport.noAbstractNames(remote);
    }
    try {
      return channel.connect(remote);
    } catch (SocketException e) {
      if (TRY_AGAIN.equals(e.getMessage())) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public boolean finishConnect() throws IOException {
    connected = channel.finishConnect();
    return connected;
  }

  /** A selector reports what is left after a short read, so waiting after one is safe. */
  @Override
  public int read(ByteBuffer target) throws IOException {
    int limit = capped(target);
    int room = target.remaining();
    try {
      int n = channel.read(target);
      drained = n >= 0 && n < room;
      return n;
    } catch (IOException e) {
      throw asSocketException(e);
    } finally {
      target.limit(limit);
    }
  }

  /** Leaves at most a chunk between position and limit; returns the limit that there was. */
  private static int capped(ByteBuffer buffer) {
    int limit = buffer.limit();
    if (buffer.remaining() > CHUNK) {
      buffer.limit(buffer.position() + CHUNK);
    }
    return limit;
  }

  @Override
  public boolean drained() {
    return drained;
  }

  @Override
  public int write(ByteBuffer source) throws IOException {
    int limit = capped(source);
    try {
      return channel.write(source);
    } catch (IOException e) {
      throw asSocketException(e);
    } finally {
      source.limit(limit);
    }
  }

  @Override
  public void shutdownInput() throws IOException {
    channel.shutdownInput();
  }

  @Override
  public void shutdownOutput() throws IOException {
    channel.shutdownOutput();
  }

  @Override
  public @Nullable SocketAddress remoteAddress() throws IOException {
    return channel.getRemoteAddress();
  }

  @Override
  public <T> void setOption(SocketOption<T> option, @Nullable T value) throws IOException {
    super.setOption(option, value);
    if (option == StandardSocketOptions.SO_LINGER) {
      lingers = value instanceof Integer seconds && seconds > 0;
    }
  }

  /**
   * The kernel makes a close with SO_LINGER wait, even on a channel that never does; so it happens
   * on a thread of its own, once the selector (which would do it otherwise) knows the channel no
   * more.
   */
  @Override
  public void close() throws IOException {
    if (lingers) {
      deregister();
      transport.closesWithNextSelect();
      transport.afterNextSelect(
          () -> Thread.ofPlatform().daemon().name("copas-linger").start(this::closeQuietly));
    } else {
      super.close();
    }
  }

  private void closeQuietly() {
    try {
      channel.close();
    } catch (IOException e) {
      // Nobody is left to be told.
    }
  }
}
