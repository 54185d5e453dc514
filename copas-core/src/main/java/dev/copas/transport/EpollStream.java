package dev.copas.transport;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A connection on epoll, of TCP or a Unix socket. */
@SuppressWarnings("ByteBufferBackingArray") // Asked for first.
final class EpollStream extends EpollChannel implements StreamChannel {

  private static final int END_OF_STREAM = -1;
  private static final int NO_LINGER = -1;

  private @Nullable SocketAddress remote;
  private int lingerSeconds = NO_LINGER;

  /** The system tells of it once; java.net throws every time. */
  private boolean reset;

  EpollStream(EpollTransport transport, int fd, int family) {
    super(transport, fd, family);
  }

  /** A server has got it so. */
  void accepted(@Nullable SocketAddress from) throws IOException {
    remote = from;
    writable = true;
    transport.register(this);
  }

  @Override
  Set<SocketOption<?>> options() {
    return family == Libc.AF_UNIX ? EpollOptions.OF_UNIX_STREAMS : transport.streamOptions;
  }

  @Override
  public void bind(InetSocketAddress local) throws IOException {
    bindTo(local);
  }

  // ---- Connecting

  /**
   * Registers only now: of a socket that is not connecting, epoll would tell that it is hung up.
   */
  @Override
  public boolean connect(SocketAddress target) throws IOException {
    checkOpen();
    int errno = connectTo(target);
    if (errno == Errors.EAGAIN && family == Libc.AF_UNIX) {
      return false;
    }
    if (errno != 0 && errno != Errors.EINPROGRESS) {
      throw Errors.connectException(errno);
    }
    remote = target;
    writable = errno == 0;
    transport.register(this);
    return writable;
  }

  private int connectTo(SocketAddress target) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Libc.ERRNO_LAYOUT);
      MemorySegment address = SocketAddresses.encode(arena, family, target);
      return Libc.connect(error, fd, address) < 0 ? Libc.errno(error) : 0;
    }
  }

  @Override
  public boolean finishConnect() throws IOException {
    checkOpen();
    if (!writable) {
      return false;
    }
    int errno = EpollOptions.pendingError(fd);
    if (errno != 0) {
      throw Errors.connectException(errno);
    }
    return true;
  }

  // ---- Bytes

  @Override
  public int read(ByteBuffer target) throws IOException {
    int room = Math.min(target.remaining(), Libc.MOST_BYTES);
    if (room == 0) {
      return 0;
    }
    while (true) {
      checkUsable();
      long count = Libc.receive(transport.error, fd, segment(target, room), room);
      if (count > 0) {
        target.position(target.position() + (int) count);
        readable &= count == room || toldMoreThanData;
        return (int) count;
      }
      if (count == 0) {
        checkReset();
        return END_OF_STREAM;
      }
      int errno = Libc.errno(transport.error);
      if (errno == Errors.EAGAIN) {
        readable = false;
        return 0;
      }
      if (errno != Errors.EINTR) {
        reset = errno == Errors.ECONNRESET;
        checkReset();
        throw Errors.exception(errno);
      }
    }
  }

  private void checkReset() throws SocketException {
    if (reset) {
      throw new SocketException("Connection reset");
    }
  }

  @Override
  public boolean drained() {
    return !readable;
  }

  /** A write that came back short has filled the socket; the system tells when there is room. */
  @Override
  public int write(ByteBuffer source) throws IOException {
    int total = 0;
    while (source.hasRemaining()) {
      int length = Math.min(source.remaining(), Libc.MOST_BYTES);
      checkUsable();
      long count = Libc.send(transport.error, fd, segment(source, length), length);
      if (count < 0) {
        int errno = Libc.errno(transport.error);
        if (errno == Errors.EINTR) {
          continue;
        }
        if (errno != Errors.EAGAIN) {
          throw Errors.exception(errno);
        }
        count = 0;
      }
      source.position(source.position() + (int) count);
      total += (int) count;
      if (count < length) {
        writable = false;
        return total;
      }
    }
    return total;
  }

  // ---- The end

  @Override
  public void shutdownInput() throws IOException {
    shutdown(Libc.SHUT_RD);
  }

  @Override
  public void shutdownOutput() throws IOException {
    shutdown(Libc.SHUT_WR);
  }

  private void shutdown(int how) throws IOException {
    checkOpen();
    if (Libc.shutdown(transport.error, fd, how) < 0) {
      int errno = Libc.errno(transport.error);
      if (errno != Errors.ENOTCONN) { // The peer was faster.
        throw Errors.exception(errno);
      }
    }
  }

  @Override
  public @Nullable SocketAddress remoteAddress() {
    return remote;
  }

  @Override
  public <T> void setOption(SocketOption<T> option, @Nullable T value) throws IOException {
    super.setOption(option, value);
    if (option == StandardSocketOptions.SO_LINGER) {
      lingerSeconds = value instanceof Integer seconds ? seconds : NO_LINGER;
    }
  }

  @Override
  public void close() throws IOException {
    if (fd == CLOSED) {
      return;
    }
    if (lingerSeconds > 0) {
      closeElsewhere();
      return;
    }
    if (readable && lingerSeconds != 0) {
      endFirst();
    }
    super.close();
  }

  /** The kernel makes a close with SO_LINGER wait, so that happens on a thread of its own. */
  private void closeElsewhere() throws SocketException {
    transport.forget(this);
    transport.deregister(this);
    int last = takeFd();
    if (last == CLOSED) {
      return;
    }
    try {
      Thread.ofPlatform().daemon().name("copas-linger").start(() -> closeQuietly(last));
    } catch (OutOfMemoryError e) { // No thread to be had: better to wait than to lose it.
      closeQuietly(last);
    }
  }

  /** A close that leaves bytes unread is a reset. As with NIO, the peer sees an end before that. */
  private void endFirst() {
    Libc.shutdown(transport.error, fd, Libc.SHUT_WR);
  }

  private static void closeQuietly(int fd) {
    try {
      close(fd);
    } catch (SocketException e) {
      // Nobody is left to be told.
    }
  }
}
