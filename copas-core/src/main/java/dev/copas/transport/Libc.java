package dev.copas.transport;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.AddressLayout;
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
  static final MemoryLayout ERRNO_LAYOUT = Linker.Option.captureStateLayout();
  private static final long ERRNO_OFFSET =
      ERRNO_LAYOUT.byteOffset(MemoryLayout.PathElement.groupElement("errno"));

  private static final MethodHandle SOCKET = intFunction("socket", JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle BIND = intFunction("bind", JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle LISTEN = intFunction("listen", JAVA_INT, JAVA_INT);
  private static final MethodHandle ACCEPT =
      intFunction("accept4", JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
  private static final MethodHandle CONNECT = intFunction("connect", JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle SHUTDOWN = intFunction("shutdown", JAVA_INT, JAVA_INT);
  private static final MethodHandle CLOSE = intFunction("close", JAVA_INT);
  private static final MethodHandle SETSOCKOPT =
      intFunction("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle GETSOCKOPT =
      intFunction("getsockopt", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle GETSOCKNAME =
      intFunction("getsockname", JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle EPOLL_CREATE = intFunction("epoll_create1", JAVA_INT);
  private static final MethodHandle EPOLL_CTL =
      intFunction("epoll_ctl", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle EPOLL_WAIT =
      intFunction("epoll_wait", JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
  private static final MethodHandle EVENTFD = intFunction("eventfd", JAVA_INT, JAVA_INT);
  private static final MethodHandle WRITE =
      function("write", JAVA_LONG, new MemoryLayout[] {JAVA_INT, ADDRESS, JAVA_LONG}, ERRNO);
  private static final MethodHandle RECV =
      function(
          "recv",
          JAVA_LONG,
          new MemoryLayout[] {JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT},
          ERRNO,
          CRITICAL);
  private static final MethodHandle SEND =
      function(
          "send",
          JAVA_LONG,
          new MemoryLayout[] {JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT},
          ERRNO,
          CRITICAL);
  private static final MethodHandle RECVFROM =
      function(
          "recvfrom",
          JAVA_LONG,
          new MemoryLayout[] {JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS},
          ERRNO,
          CRITICAL);
  private static final MethodHandle SENDTO =
      function(
          "sendto",
          JAVA_LONG,
          new MemoryLayout[] {JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT},
          ERRNO,
          CRITICAL);
  private static final MethodHandle GETPWUID = listFunction("getpwuid_r");
  private static final MethodHandle GETGRGID = listFunction("getgrgid_r");
  private static final MethodHandle STRERROR =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("strerror"), FunctionDescriptor.of(text(), JAVA_INT));

  private Libc() {}

  private static MethodHandle intFunction(String name, MemoryLayout... arguments) {
    return function(name, JAVA_INT, arguments, ERRNO);
  }

  private static MethodHandle function(
      String name, MemoryLayout result, MemoryLayout[] arguments, Linker.Option... options) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(name),
        FunctionDescriptor.of(result, arguments),
        options);
  }

  /** Looks a number up in a list of the system's, users or groups. */
  private static MethodHandle listFunction(String name) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(name),
        FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
  }

  private static AddressLayout text() {
    return ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(256, ValueLayout.JAVA_BYTE));
  }

  /** Of the last call that was given this segment, and failed. */
  static int errno(MemorySegment error) {
    return error.get(JAVA_INT, ERRNO_OFFSET);
  }

  static String message(int errno) {
    try {
      return ((MemorySegment) STRERROR.invokeExact(errno)).getString(0);
    } catch (Throwable e) {
      throw unexpected(e);
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
  private static String nameOf(MethodHandle list, int id) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment entry = arena.allocate(MOST_BYTES_OF_ENTRY, 8);
      MemorySegment texts = arena.allocate(MOST_BYTES_OF_TEXTS);
      MemorySegment found = arena.allocate(ADDRESS);
      int errno = (int) list.invokeExact(id, entry, texts, texts.byteSize(), found);
      return errno != 0 || found.get(ADDRESS, 0).equals(MemorySegment.NULL)
          ? Integer.toUnsignedString(id)
          : entry.get(text(), 0).getString(0);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** None of these functions throws; the method handles only look as if they could. */
  private static AssertionError unexpected(Throwable e) {
    return new AssertionError("a call into the C library failed", e);
  }

  static int socket(MemorySegment error, int family, int type) {
    try {
      return (int) SOCKET.invokeExact(error, family, type | NONBLOCK | CLOEXEC, 0);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int bind(MemorySegment error, int fd, MemorySegment address) {
    try {
      return (int) BIND.invokeExact(error, fd, address, (int) address.byteSize());
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int listen(MemorySegment error, int fd, int backlog) {
    try {
      return (int) LISTEN.invokeExact(error, fd, backlog);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int accept(MemorySegment error, int fd, MemorySegment address, MemorySegment length) {
    try {
      return (int) ACCEPT.invokeExact(error, fd, address, length, NONBLOCK | CLOEXEC);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int connect(MemorySegment error, int fd, MemorySegment address) {
    try {
      return (int) CONNECT.invokeExact(error, fd, address, (int) address.byteSize());
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int shutdown(MemorySegment error, int fd, int how) {
    try {
      return (int) SHUTDOWN.invokeExact(error, fd, how);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int close(MemorySegment error, int fd) {
    try {
      return (int) CLOSE.invokeExact(error, fd);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int setsockopt(MemorySegment error, int fd, int level, int name, MemorySegment value) {
    try {
      return (int) SETSOCKOPT.invokeExact(error, fd, level, name, value, (int) value.byteSize());
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int getsockopt(
      MemorySegment error, int fd, int level, int name, MemorySegment value, MemorySegment length) {
    try {
      return (int) GETSOCKOPT.invokeExact(error, fd, level, name, value, length);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int getsockname(MemorySegment error, int fd, MemorySegment address, MemorySegment length) {
    try {
      return (int) GETSOCKNAME.invokeExact(error, fd, address, length);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int epollCreate(MemorySegment error) {
    try {
      return (int) EPOLL_CREATE.invokeExact(error, CLOEXEC);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int epollCtl(MemorySegment error, int epoll, int operation, int fd, MemorySegment event) {
    try {
      return (int) EPOLL_CTL.invokeExact(error, epoll, operation, fd, event);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int epollWait(MemorySegment error, int epoll, MemorySegment events, int most, int millis) {
    try {
      return (int) EPOLL_WAIT.invokeExact(error, epoll, events, most, millis);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int eventfd(MemorySegment error) {
    try {
      return (int) EVENTFD.invokeExact(error, 0, NONBLOCK | CLOEXEC);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static long write(MemorySegment error, int fd, MemorySegment bytes) {
    try {
      return (long) WRITE.invokeExact(error, fd, bytes, bytes.byteSize());
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static long receive(MemorySegment error, int fd, MemorySegment target, long length) {
    try {
      return (long) RECV.invokeExact(error, fd, target, length, MSG_DONTWAIT);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static long send(MemorySegment error, int fd, MemorySegment source, long length) {
    try {
      return (long) SEND.invokeExact(error, fd, source, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static long receiveFrom(
      MemorySegment error,
      int fd,
      MemorySegment target,
      long length,
      MemorySegment address,
      MemorySegment addressLength) {
    try {
      return (long)
          RECVFROM.invokeExact(error, fd, target, length, MSG_DONTWAIT, address, addressLength);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static long sendTo(
      MemorySegment error, int fd, MemorySegment source, long length, MemorySegment address) {
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    try {
      return (long)
          SENDTO.invokeExact(error, fd, source, length, flags, address, (int) address.byteSize());
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }
}
