package dev.copas.bench;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The few system calls of Linux that the load needs. Called directly, for a load that costs more
 * than the server under it measures itself.
 */
@SuppressWarnings("restricted") // The command that starts this allows it.
final class Posix {

  static final int EPOLLIN = 1;
  static final int EPOLLOUT = 4;

  /** {@code struct epoll_event} is packed on x86-64, and only there. */
  private static final boolean PACKED = System.getProperty("os.arch").equals("amd64");

  private static final long EVENT_DATA = PACKED ? 4 : 8;
  private static final long EVENT_SIZE = EVENT_DATA + 8;
  private static final ValueLayout.OfInt DATA = JAVA_INT.withByteAlignment(4);

  private static final int AF_INET = 2;
  private static final int SOCK_STREAM = 1;
  private static final int NONBLOCK = 0x800;
  private static final int SOL_SOCKET = 1;
  private static final int SO_LINGER = 13;
  private static final int IPPROTO_TCP = 6;
  private static final int TCP_NODELAY = 1;
  private static final int IPPROTO_IP = 0;
  private static final int IP_BIND_ADDRESS_NO_PORT = 24;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int SHUT_WR = 1;
  private static final int EPOLL_CTL_ADD = 1;
  private static final int EPOLL_CTL_MOD = 3;
  private static final int EAGAIN = 11;
  private static final int EINPROGRESS = 115;
  private static final int EINTR = 4;
  private static final int CPUCLOCK_SCHED = 2;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
  private static final long ERRNO_OFFSET =
      Linker.Option.captureStateLayout().byteOffset(MemoryLayout.PathElement.groupElement("errno"));

  private static final MethodHandle SOCKET = function("socket", JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle SETSOCKOPT =
      function("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle BIND = function("bind", JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle CONNECT = function("connect", JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle SHUTDOWN = function("shutdown", JAVA_INT, JAVA_INT);
  private static final MethodHandle CLOSE = function("close", JAVA_INT);
  private static final MethodHandle EPOLL_CREATE = function("epoll_create1", JAVA_INT);
  private static final MethodHandle EPOLL_CTL =
      function("epoll_ctl", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle EPOLL_WAIT =
      function("epoll_wait", JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
  private static final MethodHandle CLOCK_GETTIME = function("clock_gettime", JAVA_INT, ADDRESS);
  private static final MethodHandle SEND = bytesFunction("send");
  private static final MethodHandle RECV = bytesFunction("recv");

  private static final Arena ARENA = Arena.global();
  private static final MemorySegment STATE = ARENA.allocate(Linker.Option.captureStateLayout());
  private static final MemorySegment ADDRESS_OF_PEER = ARENA.allocate(16, 8);
  private static final MemorySegment VALUE = ARENA.allocate(16, 8);

  private Posix() {}

  private static MethodHandle function(String name, MemoryLayout... arguments) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(name),
        FunctionDescriptor.of(JAVA_INT, arguments),
        CAPTURE);
  }

  private static MethodHandle bytesFunction(String name) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(name),
        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT),
        CAPTURE);
  }

  private static int errno() {
    return STATE.get(JAVA_INT, ERRNO_OFFSET);
  }

  /** What {@link #checked} throws goes on; the method handles only look as if they threw, too. */
  private static AssertionError unexpected(Throwable e) throws IOException {
    if (e instanceof IOException failed) {
      throw failed;
    }
    return new AssertionError("a call into the C library failed", e);
  }

  private static int checked(String call, int result) throws IOException {
    if (result < 0) {
      throw new IOException(call + " failed with error number " + errno());
    }
    return result;
  }

  /** A socket that is being connected to the port; from one of eight addresses, for their ports. */
  static int connect(int port, int source) throws IOException {
    try {
      int fd =
          checked("socket", (int) SOCKET.invokeExact(STATE, AF_INET, SOCK_STREAM | NONBLOCK, 0));
      set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
      set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
      address(1 + source % 8, 0);
      checked("bind", (int) BIND.invokeExact(STATE, fd, ADDRESS_OF_PEER, 16));
      address(1, port);
      int result = (int) CONNECT.invokeExact(STATE, fd, ADDRESS_OF_PEER, 16);
      if (result < 0 && errno() != EINPROGRESS) {
        checked("connect", result);
      }
      return fd;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static void address(int host, int port) {
    ADDRESS_OF_PEER.set(JAVA_SHORT, 0, (short) AF_INET);
    ADDRESS_OF_PEER.set(JAVA_SHORT, 2, Short.reverseBytes((short) port));
    ADDRESS_OF_PEER.set(JAVA_INT, 4, Integer.reverseBytes(0x7f000000 + host));
  }

  private static void set(int fd, int level, int name, int value) throws IOException {
    VALUE.set(JAVA_INT, 0, value);
    setsockopt(fd, level, name, 4);
  }

  private static void setsockopt(int fd, int level, int name, int size) throws IOException {
    try {
      checked("setsockopt", (int) SETSOCKOPT.invokeExact(STATE, fd, level, name, VALUE, size));
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Closes it by a reset, which leaves nothing behind that would keep the port for a minute. */
  static void reset(int fd) throws IOException {
    VALUE.set(JAVA_INT, 0, 1);
    VALUE.set(JAVA_INT, 4, 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, 8);
    close(fd);
  }

  static void close(int fd) throws IOException {
    try {
      checked("close", (int) CLOSE.invokeExact(STATE, fd));
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void shutdownOutput(int fd) throws IOException {
    try {
      checked("shutdown", (int) SHUTDOWN.invokeExact(STATE, fd, SHUT_WR));
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** How many bytes were sent; 0 when there is no room now. */
  static int send(int fd, MemorySegment bytes, long offset, long length) throws IOException {
    try {
      long sent =
          (long) SEND.invokeExact(STATE, fd, bytes.asSlice(offset, length), length, MSG_NOSIGNAL);
      return sent < 0 && errno() == EAGAIN ? 0 : checked("send", (int) sent);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** How many bytes came; 0 at the end of the stream, -1 when there are none now. */
  static int receive(int fd, MemorySegment target) throws IOException {
    try {
      long count = (long) RECV.invokeExact(STATE, fd, target, target.byteSize(), 0);
      return count < 0 && errno() == EAGAIN ? -1 : checked("recv", (int) count);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** CPU time in nanoseconds that all threads of the process have used, also those that ended. */
  static long cpuNanos(long pid) throws IOException {
    int clock = (~(int) pid << 3) | CPUCLOCK_SCHED;
    try {
      checked("clock_gettime", (int) CLOCK_GETTIME.invokeExact(STATE, clock, VALUE));
    } catch (Throwable e) {
      throw unexpected(e);
    }
    return VALUE.get(JAVA_LONG, 0) * 1_000_000_000 + VALUE.get(JAVA_LONG, 8);
  }

  /** An epoll of its own, level-triggered; each socket has a number of the caller's. */
  static final class Epoll implements AutoCloseable {

    private static final int MOST_EVENTS = 256;

    private final int fd;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment events = arena.allocate(MOST_EVENTS * EVENT_SIZE, 8);
    private final MemorySegment event = arena.allocate(EVENT_SIZE, 8);

    Epoll() throws IOException {
      try {
        fd = checked("epoll_create1", (int) EPOLL_CREATE.invokeExact(STATE, 0));
      } catch (Throwable e) {
        throw unexpected(e);
      }
    }

    void add(int socket, int interest, int number) throws IOException {
      control(EPOLL_CTL_ADD, socket, interest, number);
    }

    void change(int socket, int interest, int number) throws IOException {
      control(EPOLL_CTL_MOD, socket, interest, number);
    }

    private void control(int operation, int socket, int interest, int number) throws IOException {
      event.set(JAVA_INT, 0, interest);
      event.set(DATA, EVENT_DATA, number);
      try {
        checked("epoll_ctl", (int) EPOLL_CTL.invokeExact(STATE, fd, operation, socket, event));
      } catch (Throwable e) {
        throw unexpected(e);
      }
    }

    /** How many sockets have something. */
    int await(int millis) throws IOException {
      try {
        int count = (int) EPOLL_WAIT.invokeExact(STATE, fd, events, MOST_EVENTS, millis);
        return count < 0 && errno() == EINTR ? 0 : checked("epoll_wait", count);
      } catch (Throwable e) {
        throw unexpected(e);
      }
    }

    int number(int index) {
      return events.get(DATA, index * EVENT_SIZE + EVENT_DATA);
    }

    int what(int index) {
      return events.get(DATA, index * EVENT_SIZE);
    }

    @Override
    public void close() throws IOException {
      Posix.close(fd);
      arena.close();
    }
  }
}
