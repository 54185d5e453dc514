package dev.copas.transport;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The functions of Linux's C library that sockets and epoll need. Each returns what the C function
 * does, and leaves the error number in the segment that it was given; see {@link #errno}.
 *
 * <p>Bytes go through <em>critical</em> calls: the garbage collector holds still, which lets the
 * system read and write Java arrays where they are. So these calls never wait, and are short: at
 * most {@link #MOST_BYTES}.
 */
@SuppressWarnings("restricted") // Who uses this has looked whether it may; see Transports.
final class Libc {

  static final int MOST_BYTES = 64 * 1024;

  static final int AF_UNSPEC = 0;
  static final int AF_UNIX = 1;
  static final int AF_INET = 2;
  static final int AF_INET6 = 10;
  static final int SOCK_STREAM = 1;
  static final int SOCK_DGRAM = 2;
  static final int NONBLOCK = 0x800;
  static final int CLOEXEC = 0x80000;
  static final int SHUT_RD = 0;
  static final int SHUT_WR = 1;
  private static final int MOST_BYTES_OF_ENTRY = 64;
  private static final int MOST_BYTES_OF_TEXTS = 64 * 1024;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_NOSIGNAL = 0x4000;

  static final int EPOLLIN = 0x1;
  static final int EPOLLPRI = 0x2;
  static final int EPOLLOUT = 0x4;
  static final int EPOLLERR = 0x8;
  static final int EPOLLHUP = 0x10;
  static final int EPOLLRDHUP = 0x2000;
  static final int EPOLLET = 1 << 31;
  static final int EPOLL_CTL_ADD = 1;
  static final int EPOLL_CTL_DEL = 2;

  /** {@code struct epoll_event} is packed on x86-64, and only there. */
  private static final boolean PACKED = System.getProperty("os.arch").equals("amd64");

  static final long EVENT_SIZE = PACKED ? 12 : 16;
  static final long EVENT_DATA = PACKED ? 4 : 8;
  static final ValueLayout.OfLong UNALIGNED_LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
  private static final Linker.Option CRITICAL = Linker.Option.critical(true);

  /** On Linux the error number is all there is in it. */
  static final MemoryLayout ERRNO_LAYOUT = Linker.Option.captureStateLayout();

  /**
   * The JVM makes code for each shape of a function, which takes a large part of the start of a
   * program. So all have one: whatever a function declares, it finds its arguments in the same
   * registers, looks only at the lower half of an {@code int}, and not at those that it does not
   * have.
   */
  private static final FunctionDescriptor SHAPE =
      FunctionDescriptor.of(
          JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

  private static final MethodHandle CALL = LINKER.downcallHandle(SHAPE, ERRNO);
  private static final MethodHandle TRANSFER = LINKER.downcallHandle(SHAPE, ERRNO, CRITICAL);

  private static final MemorySegment SOCKET = function("socket");
  private static final MemorySegment BIND = function("bind");
  private static final MemorySegment LISTEN = function("listen");
  private static final MemorySegment FCHMOD = function("fchmod");
  private static final MemorySegment ACCEPT = function("accept4");
  private static final MemorySegment CONNECT = function("connect");
  private static final MemorySegment SHUTDOWN = function("shutdown");
  private static final MemorySegment CLOSE = function("close");
  private static final MemorySegment SETSOCKOPT = function("setsockopt");
  private static final MemorySegment GETSOCKOPT = function("getsockopt");
  private static final MemorySegment GETSOCKNAME = function("getsockname");
  private static final MemorySegment EPOLL_CREATE = function("epoll_create1");
  private static final MemorySegment EPOLL_CTL = function("epoll_ctl");
  private static final MemorySegment EPOLL_WAIT = function("epoll_wait");
  private static final MemorySegment EVENTFD = function("eventfd");
  private static final MemorySegment WRITE = function("write");
  private static final MemorySegment RECV = function("recv");
  private static final MemorySegment SEND = function("send");
  private static final MemorySegment RECVFROM = function("recvfrom");
  private static final MemorySegment SENDTO = function("sendto");
  private static final MemorySegment GETPWUID = function("getpwuid_r");
  private static final MemorySegment GETGRGID = function("getgrgid_r");
  private static final MemorySegment STRERROR = function("strerror");

  private Libc() {}

  private static MemorySegment function(String name) {
    return LINKER.defaultLookup().findOrThrow(name);
  }

  /** Of the last call that was given this segment, and failed. */
  static int errno(MemorySegment error) {
    return error.get(JAVA_INT, 0);
  }

  static String message(int errno) {
    try (Arena arena = Arena.ofConfined()) {
      long text = call(STRERROR, arena.allocate(ERRNO_LAYOUT), errno, 0, 0, 0, 0);
      return text(MemorySegment.ofAddress(text));
    }
  }

  private static long call(
      MemorySegment function, MemorySegment error, long a, long b, long c, long d, long e) {
    return call(function, error, a, MemorySegment.ofAddress(b), c, d, e);
  }

  private static long call(
      MemorySegment function,
      MemorySegment error,
      long a,
      MemorySegment b,
      long c,
      long d,
      long e) {
    try {
      return (long) CALL.invokeExact(function, error, a, b, c, d, e, 0L);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  private static long transfer(
      MemorySegment function,
      MemorySegment error,
      int fd,
      MemorySegment b,
      long length,
      int flags) {
    return transfer(function, error, fd, b, length, flags, 0, 0);
  }

  private static long transfer(
      MemorySegment function,
      MemorySegment error,
      int fd,
      MemorySegment b,
      long length,
      int flags,
      long e,
      long f) {
    try {
      return (long) TRANSFER.invokeExact(function, error, (long) fd, b, length, (long) flags, e, f);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  /** The number itself for somebody who has no name. */
  static String userName(int id) {
    return nameOf(GETPWUID, id);
  }

  /** The number itself for a group that has no name. */
  static String groupName(int id) {
    return nameOf(GETGRGID, id);
  }

  /** In {@code struct passwd} and {@code struct group}, the name comes first. */
  private static String nameOf(MemorySegment list, int id) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(ERRNO_LAYOUT);
      MemorySegment entry = arena.allocate(MOST_BYTES_OF_ENTRY, 8);
      MemorySegment texts = arena.allocate(MOST_BYTES_OF_TEXTS);
      MemorySegment found = arena.allocate(ADDRESS);
      long length = texts.byteSize();
      long errno = call(list, error, id, entry, texts.address(), length, found.address());
      return (int) errno != 0 || found.get(ADDRESS, 0).equals(MemorySegment.NULL)
          ? Integer.toUnsignedString(id)
          : text(entry.get(ADDRESS, 0));
    }
  }

  /** Of a C string. */
  private static String text(MemorySegment address) {
    return address.reinterpret(MOST_BYTES_OF_TEXTS).getString(0);
  }

  /** None of these functions throws; the method handles only look as if they could. */
  private static AssertionError unexpected(Throwable t) {
    return new AssertionError("a call into the C library failed", t);
  }

  static int socket(MemorySegment error, int family, int type) {
    return (int) call(SOCKET, error, family, type | NONBLOCK | CLOEXEC, 0, 0, 0);
  }

  static int bind(MemorySegment error, int fd, MemorySegment address) {
    return (int) call(BIND, error, fd, address, address.byteSize(), 0, 0);
  }

  static int listen(MemorySegment error, int fd, int backlog) {
    return (int) call(LISTEN, error, fd, backlog, 0, 0, 0);
  }

  static int fchmod(MemorySegment error, int fd, int mode) {
    return (int) call(FCHMOD, error, fd, mode, 0, 0, 0);
  }

  static int accept(MemorySegment error, int fd, MemorySegment address, MemorySegment length) {
    return (int) call(ACCEPT, error, fd, address, length.address(), NONBLOCK | CLOEXEC, 0);
  }

  static int connect(MemorySegment error, int fd, MemorySegment address) {
    return (int) call(CONNECT, error, fd, address, address.byteSize(), 0, 0);
  }

  static int shutdown(MemorySegment error, int fd, int how) {
    return (int) call(SHUTDOWN, error, fd, how, 0, 0, 0);
  }

  static int close(MemorySegment error, int fd) {
    return (int) call(CLOSE, error, fd, 0, 0, 0, 0);
  }

  static int setsockopt(MemorySegment error, int fd, int level, int name, MemorySegment value) {
    return (int) call(SETSOCKOPT, error, fd, level, name, value.address(), value.byteSize());
  }

  static int getsockopt(
      MemorySegment error, int fd, int level, int name, MemorySegment value, MemorySegment length) {
    return (int) call(GETSOCKOPT, error, fd, level, name, value.address(), length.address());
  }

  static int getsockname(MemorySegment error, int fd, MemorySegment address, MemorySegment length) {
    return (int) call(GETSOCKNAME, error, fd, address, length.address(), 0, 0);
  }

  static int epollCreate(MemorySegment error) {
    return (int) call(EPOLL_CREATE, error, CLOEXEC, 0, 0, 0, 0);
  }

  static int epollCtl(MemorySegment error, int epoll, int operation, int fd, MemorySegment event) {
    return (int) call(EPOLL_CTL, error, epoll, operation, fd, event.address(), 0);
  }

  static int epollWait(MemorySegment error, int epoll, MemorySegment events, int most, int millis) {
    return (int) call(EPOLL_WAIT, error, epoll, events, most, millis, 0);
  }

  static int eventfd(MemorySegment error) {
    return (int) call(EVENTFD, error, 0, NONBLOCK | CLOEXEC, 0, 0, 0);
  }

  static long write(MemorySegment error, int fd, MemorySegment bytes) {
    return call(WRITE, error, fd, bytes, bytes.byteSize(), 0, 0);
  }

  static long receive(MemorySegment error, int fd, MemorySegment target, long length) {
    return transfer(RECV, error, fd, target, length, MSG_DONTWAIT);
  }

  static long send(MemorySegment error, int fd, MemorySegment source, long length) {
    return transfer(SEND, error, fd, source, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  static long receiveFrom(
      MemorySegment error,
      int fd,
      MemorySegment target,
      long length,
      MemorySegment address,
      MemorySegment addressLength) {
    return transfer(
        RECVFROM,
        error,
        fd,
        target,
        length,
        MSG_DONTWAIT,
        address.address(),
        addressLength.address());
  }

  static long sendTo(
      MemorySegment error, int fd, MemorySegment source, long length, MemorySegment address) {
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    long place = address.address();
    return transfer(SENDTO, error, fd, source, length, flags, place, address.byteSize());
  }
}
