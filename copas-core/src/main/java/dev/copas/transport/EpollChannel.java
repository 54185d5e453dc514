package dev.copas.transport;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/*
 * Readiness of one socket on epoll.
 *
 * The socket is registered once, for everything, edge-triggered: the system tells when something
 * comes, and not again as long as it is there. So what was told is remembered (readable, writable)
 * until a call finds that there is no more, and only then waiting makes sense; who waits in spite
 * of it is told in the next poll.
 *
 * That there is no more, a read that came back short shows as well as one that came back with
 * nothing, and is cheaper. But only as long as nothing else was told: data and the end of the
 * stream that come together are told once, and the first read takes only the data. After an end, an
 * error or an urgent byte (a read stops in front of it), only a read that finds nothing counts.
 */
abstract sealed class EpollChannel extends PolledChannel
    permits EpollStream, EpollListener, EpollDatagram {

  static final int CLOSED = -1;

  private static final int READABLE =
      Libc.EPOLLIN | Libc.EPOLLRDHUP | Libc.EPOLLHUP | Libc.EPOLLERR | Libc.EPOLLPRI;
  private static final int WRITABLE = Libc.EPOLLOUT | Libc.EPOLLHUP | Libc.EPOLLERR;
  private static final int MORE_THAN_DATA = READABLE & ~Libc.EPOLLIN;

  private static final VarHandle FD;
  private static final VarHandle USERS;

  static {
    try {
      var lookup = MethodHandles.lookup();
      FD = lookup.findVarHandle(EpollChannel.class, "fd", int.class);
      USERS = lookup.findVarHandle(EpollChannel.class, "users", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  final EpollTransport transport;
  final int family;
  int fd;
  private volatile int users;

  /**
   * Tells this socket from one that had the same number before; 0 until it is registered. (A closed
   * socket lives on, and in epoll, as long as a child process holds it that has not begun its
   * program yet.)
   */
  int generation;

  boolean readable;
  boolean writable;

  /** Of a Unix socket from the beginning: only on TCP does a short read show that it is empty. */
  boolean toldMoreThanData;

  private boolean wantsRead;
  private boolean wantsWrite;

  EpollChannel(EpollTransport transport, int fd, int family) {
    this.transport = transport;
    this.fd = fd;
    this.family = family;
    this.toldMoreThanData = family == Libc.AF_UNIX;
  }

  @Override
  public void awaitReadable() throws IOException {
    checkOpen();
    wantsRead = true;
    if (readable) {
      transport.due.add(this);
    }
  }

  @Override
  public void awaitWritable() throws IOException {
    checkOpen();
    wantsWrite = true;
    if (writable) {
      transport.due.add(this);
    }
  }

  /** The system has told something. */
  void note(int events) {
    if ((events & READABLE) != 0) {
      readable = true;
      toldMoreThanData |= (events & MORE_THAN_DATA) != 0;
    }
    writable |= (events & WRITABLE) != 0;
  }

  @Override
  void tell() {
    if (wantsWrite && writable && fd != CLOSED) {
      wantsWrite = false;
      listener().writable();
    }
    if (wantsRead && readable && fd != CLOSED) {
      wantsRead = false;
      listener().readable();
    }
  }

  void checkOpen() throws IOException {
    if (fd == CLOSED) {
      throw new ClosedChannelException();
    }
  }

  /** Like {@link #checkOpen}, for those who send and receive. */
  final void checkUsable() throws SocketException {
    if (fd == CLOSED) {
      throw new SocketException("Socket closed");
    }
  }

  @SuppressWarnings("ByteBufferBackingArray") // Asked for first.
  static MemorySegment segment(ByteBuffer buffer, int length) {
    return buffer.hasArray()
        ? MemorySegment.ofArray(buffer.array())
            .asSlice(buffer.arrayOffset() + buffer.position(), length)
        : MemorySegment.ofBuffer(buffer);
  }

  // ---- What other threads than the owner ask for, too

  /** A call into the system, which never waits. */
  interface Call<T extends @Nullable Object> {
    T with(int fd) throws IOException;
  }

  /** Makes the call with a number that is this socket's until the call is over. */
  <T extends @Nullable Object> T use(Call<T> call) throws IOException {
    USERS.getAndAdd(this, 1);
    try {
      checkOpen();
      return call.with(fd);
    } finally {
      USERS.getAndAdd(this, -1);
    }
  }

  /**
   * Takes the number away, for its close: from now on nobody uses it.
   *
   * @return {@link #CLOSED} when somebody else has taken it
   */
  int takeFd() {
    int taken = (int) FD.getAndSet(this, CLOSED);
    VarHandle.fullFence(); // Whoever begins to use it sees that, or is seen.
    while (users > 0) {
      Thread.onSpinWait();
    }
    return taken;
  }

  abstract Set<SocketOption<?>> options();

  @Override
  public <T> void setOption(SocketOption<T> option, @Nullable T value) throws IOException {
    checkSupported(option);
    this.<@Nullable Void>use(number -> {
      EpollOptions.set(number, family, option, value);
      return null;
    });
  }

  @Override
  public <T> @Nullable T getOption(SocketOption<T> option) throws IOException {
    checkSupported(option);
    return use(number -> EpollOptions.get(number, family, option));
  }

  private void checkSupported(SocketOption<?> option) {
    if (!options().contains(option)) {
      throw new UnsupportedOperationException("'" + option + "' not supported"); // As NIO has it.
    }
  }

  @Override
  public Set<SocketOption<?>> supportedOptions() {
    return options();
  }

  @Override
  public @Nullable SocketAddress localAddress() throws IOException {
    return use(EpollChannel::addressOf);
  }

  private static @Nullable SocketAddress addressOf(int fd) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Libc.ERRNO_LAYOUT);
      MemorySegment address = arena.allocate(SocketAddresses.MOST_BYTES, 8);
      MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, SocketAddresses.MOST_BYTES);
      if (Libc.getsockname(error, fd, address, length) < 0) {
        throw Errors.exception(Libc.errno(error));
      }
      return SocketAddresses.decode(address, length.get(ValueLayout.JAVA_INT, 0));
    }
  }

  void bindTo(SocketAddress local) throws IOException {
    int errno = use(number -> bind(number, local));
    if (errno != 0) {
      throw Errors.bindException(errno);
    }
  }

  private int bind(int fd, SocketAddress local) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Libc.ERRNO_LAYOUT);
      MemorySegment address = SocketAddresses.encodeLocal(arena, family, local);
      return Libc.bind(error, fd, address) < 0 ? Libc.errno(error) : 0;
    }
  }

  // ---- The end

  @Override
  public void close() throws IOException {
    transport.forget(this);
    int taken = takeFd();
    if (taken != CLOSED) { // The number may be another socket's since.
      close(taken);
    }
  }

  static void close(int fd) throws SocketException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Libc.ERRNO_LAYOUT);
      if (Libc.close(error, fd) < 0 && Libc.errno(error) != Errors.EINTR) {
        throw Errors.exception(Libc.errno(error));
      }
    }
  }
}
