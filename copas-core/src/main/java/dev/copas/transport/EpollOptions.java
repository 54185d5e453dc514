package dev.copas.transport;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Socket options by their names in Java: those that NIO's channels have, and {@link TcpOptions}.
 */
final class EpollOptions {

  /** How a value looks to the system. */
  private enum Kind {
    FLAG,
    NUMBER,
    SECONDS,
    MILLIS,
    /** The system answers with the doubled number. */
    BUFFER_BYTES,
    /** Two numbers: on or off, and seconds; Java says -1 for off. */
    LINGER,
    /** Both levels of a socket that speaks IPv6 and IPv4. */
    TRAFFIC_CLASS,
    /** Three numbers: process, user, group. Can only be asked for. */
    PEER
  }

  private record Option(int level, int name, Kind kind) {}

  private static final int SOL_SOCKET = 1;
  private static final int IPPROTO_IP = 0;
  private static final int IPPROTO_TCP = 6;
  private static final int IPPROTO_IPV6 = 41;
  private static final int IP_TOS = 1;
  private static final int IPV6_TCLASS = 67;
  private static final int IPV6_V6ONLY = 26;
  private static final int SO_ERROR = 4;

  private static final Map<String, Option> OPTIONS =
      Map.ofEntries(
          Map.entry("SO_REUSEADDR", new Option(SOL_SOCKET, 2, Kind.FLAG)),
          Map.entry("SO_REUSEPORT", new Option(SOL_SOCKET, 15, Kind.FLAG)),
          Map.entry("SO_KEEPALIVE", new Option(SOL_SOCKET, 9, Kind.FLAG)),
          Map.entry("SO_OOBINLINE", new Option(SOL_SOCKET, 10, Kind.FLAG)),
          Map.entry("SO_SNDBUF", new Option(SOL_SOCKET, 7, Kind.BUFFER_BYTES)),
          Map.entry("SO_RCVBUF", new Option(SOL_SOCKET, 8, Kind.BUFFER_BYTES)),
          Map.entry("SO_LINGER", new Option(SOL_SOCKET, 13, Kind.LINGER)),
          Map.entry("SO_PEERCRED", new Option(SOL_SOCKET, 17, Kind.PEER)),
          Map.entry("SO_INCOMING_NAPI_ID", new Option(SOL_SOCKET, 56, Kind.NUMBER)),
          Map.entry("IP_TOS", new Option(IPPROTO_IPV6, IPV6_TCLASS, Kind.TRAFFIC_CLASS)),
          Map.entry("TCP_NODELAY", new Option(IPPROTO_TCP, 1, Kind.FLAG)),
          Map.entry("TCP_KEEPIDLE", new Option(IPPROTO_TCP, 4, Kind.NUMBER)),
          Map.entry("TCP_KEEPINTERVAL", new Option(IPPROTO_TCP, 5, Kind.NUMBER)),
          Map.entry("TCP_KEEPCOUNT", new Option(IPPROTO_TCP, 6, Kind.NUMBER)),
          Map.entry("TCP_DEFER_ACCEPT", new Option(IPPROTO_TCP, 9, Kind.SECONDS)),
          Map.entry("TCP_QUICKACK", new Option(IPPROTO_TCP, 12, Kind.FLAG)),
          Map.entry("TCP_USER_TIMEOUT", new Option(IPPROTO_TCP, 18, Kind.MILLIS)));

  /** As NIO has them. */
  static final Set<SocketOption<?>> OF_UNIX_STREAMS = ofUnixStreams();

  static final Set<SocketOption<?>> OF_UNIX_LISTENERS = Set.of(StandardSocketOptions.SO_RCVBUF);

  private EpollOptions() {}

  /** A program on the class path may have been linked without the module of the last one. */
  private static Set<SocketOption<?>> ofUnixStreams() {
    Set<SocketOption<?>> options =
        new HashSet<>(
            Set.of(
                StandardSocketOptions.SO_SNDBUF,
                StandardSocketOptions.SO_RCVBUF,
                StandardSocketOptions.SO_LINGER));
    if (ModuleLayer.boot().findModule("jdk.net").isPresent()) {
      options.add(UnixPeer.OPTION);
    }
    return Set.copyOf(options);
  }

  static Set<SocketOption<?>> ofStreams() throws IOException {
    try (SocketChannel channel = SocketChannel.open()) {
      return known(channel.supportedOptions(), TcpOptions.USER_TIMEOUT);
    }
  }

  static Set<SocketOption<?>> ofListeners() throws IOException {
    try (ServerSocketChannel channel = ServerSocketChannel.open()) {
      return known(channel.supportedOptions(), TcpOptions.USER_TIMEOUT, TcpOptions.DEFER_ACCEPT);
    }
  }

  private static Set<SocketOption<?>> known(Set<SocketOption<?>> ofNio, SocketOption<?>... more) {
    Set<SocketOption<?>> known = new LinkedHashSet<>(ofNio);
    known.removeIf(option -> !OPTIONS.containsKey(option.name()));
    known.addAll(List.of(more));
    return Set.copyOf(known);
  }

  private static Option find(SocketOption<?> option) {
    return requireNonNull(OPTIONS.get(option.name()), option.name());
  }

  // ---- Setting

  /**
   * @param option a known one
   */
  static <T> void set(int fd, int family, SocketOption<T> option, @Nullable T value)
      throws IOException {
    Option found = find(option);
    if (!option.type().isInstance(value)) {
      throw new IllegalArgumentException("Invalid value '" + value + "'");
    }
    int number = number(option, found.kind, value);
    switch (found.kind) {
      case FLAG, NUMBER, SECONDS, MILLIS -> set(fd, found.level, found.name, number);
      case BUFFER_BYTES -> setBuffer(fd, found, number);
      case LINGER ->
          set(fd, found.level, found.name, number < 0 ? 0 : 1, Math.clamp(number, 0, 65535));
      case TRAFFIC_CLASS -> setTrafficClass(fd, family, number);
      case PEER -> throw new SocketException(option + " can only be asked for");
    }
  }

  private static int number(SocketOption<?> option, Kind kind, Object value) {
    return switch (kind) {
      case FLAG -> (Boolean) value ? 1 : 0;
      case SECONDS -> count(option, (Duration) value, Duration.ofSeconds(1));
      case MILLIS -> count(option, (Duration) value, Duration.ofMillis(1));
      case NUMBER, BUFFER_BYTES, LINGER, TRAFFIC_CLASS -> (Integer) value;
      case PEER -> 0; // It is refused.
    };
  }

  /** Rounded up, for 0 is no time but turns the option off. */
  private static int count(SocketOption<?> option, Duration time, Duration unit) {
    Duration most = unit.multipliedBy(Integer.MAX_VALUE);
    if (time.isNegative() || time.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          "Invalid " + option + " value: " + time + " is not from 0 to " + most);
    }
    return (int) time.plus(unit).minusNanos(1).dividedBy(unit);
  }

  private static void setBuffer(int fd, Option option, int bytes) throws IOException {
    if (bytes < 0) {
      throw new IllegalArgumentException("Invalid send/receive buffer size");
    }
    set(fd, option.level, option.name, bytes);
  }

  private static void setTrafficClass(int fd, int family, int number) throws IOException {
    if (number < 0 || number > 255) {
      throw new IllegalArgumentException("Invalid IP_TOS value");
    }
    set(fd, IPPROTO_IP, IP_TOS, number);
    if (family == Libc.AF_INET6) {
      set(fd, IPPROTO_IPV6, IPV6_TCLASS, number);
    }
  }

  static void set(int fd, int level, int name, int... numbers) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Libc.ERRNO_LAYOUT);
      MemorySegment value = arena.allocateFrom(JAVA_INT, numbers);
      if (Libc.setsockopt(error, fd, level, name, value) < 0) {
        throw Errors.exception(Libc.errno(error));
      }
    }
  }

  static void speakBothFamilies(int fd) throws IOException {
    set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  }

  // ---- Getting

  /**
   * @param option a known one
   */
  static <T> T get(int fd, int family, SocketOption<T> option) throws IOException {
    Option found = find(option);
    int[] numbers =
        found.kind == Kind.TRAFFIC_CLASS && family == Libc.AF_INET
            ? get(fd, IPPROTO_IP, IP_TOS)
            : get(fd, found.level, found.name);
    Object value =
        switch (found.kind) {
          case FLAG -> numbers[0] != 0;
          case NUMBER, TRAFFIC_CLASS -> numbers[0];
          case SECONDS -> Duration.ofSeconds(numbers[0]);
          case MILLIS -> Duration.ofMillis(numbers[0]);
          case BUFFER_BYTES -> numbers[0] / 2;
          case LINGER -> numbers[0] == 0 ? -1 : numbers[1];
          case PEER -> UnixPeer.principal(numbers[1], numbers[2]);
        };
    return option.type().cast(value);
  }

  private static int[] get(int fd, int level, int name) throws SocketException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment error = arena.allocate(Libc.ERRNO_LAYOUT);
      MemorySegment value = arena.allocate(JAVA_INT, 3);
      MemorySegment length = arena.allocateFrom(JAVA_INT, (int) value.byteSize());
      if (Libc.getsockopt(error, fd, level, name, value, length) < 0) {
        throw Errors.exception(Libc.errno(error));
      }
      return value.toArray(JAVA_INT);
    }
  }

  /** The error that a connection attempt or the peer has left, or 0. */
  static int pendingError(int fd) throws SocketException {
    return get(fd, SOL_SOCKET, SO_ERROR)[0];
  }
}
