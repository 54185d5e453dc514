package dev.copas.transport;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.DatagramChannel;
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
    /** From 0 to 255, on both levels of a socket that speaks IPv6 and IPv4. */
    IP_BYTE,
    /** On both levels. */
    IP_FLAG,
    /** On both levels: on is 2. */
    DONT_FRAGMENT,
    /** Three numbers: process, user, group. Can only be asked for. */
    PEER
  }

  /**
   * @param ipv6Name what it is called on the other level of a socket that speaks IPv6 and IPv4; 0
   *     where there is none
   */
  private record Option(int level, int name, int ipv6Name, Kind kind) {

    static Option ofSocket(int name, Kind kind) {
      return new Option(SOL_SOCKET, name, 0, kind);
    }

    static Option ofTcp(int name, Kind kind) {
      return new Option(IPPROTO_TCP, name, 0, kind);
    }

    static Option ofIp(int name, int ipv6Name, Kind kind) {
      return new Option(IPPROTO_IP, name, ipv6Name, kind);
    }
  }

  private static final int SOL_SOCKET = 1;
  private static final int IPPROTO_IP = 0;
  private static final int IPPROTO_TCP = 6;
  private static final int IPPROTO_IPV6 = 41;
  private static final int IPV6_V6ONLY = 26;
  private static final int IP_MULTICAST_IF = 32;
  private static final int IPV6_MULTICAST_IF = 17;
  private static final int IP_ADD_MEMBERSHIP = 35;
  private static final int IPV6_ADD_MEMBERSHIP = 20;
  private static final int IP_DROP_MEMBERSHIP = 36;
  private static final int IPV6_DROP_MEMBERSHIP = 21;
  private static final int IP_MULTICAST_ALL = 49;
  private static final int IPV6_MULTICAST_ALL = 29;
  private static final int SO_ERROR = 4;
  private static final int DO_NOT_FRAGMENT = 2;

  private static final Map<String, Option> OPTIONS =
      Map.ofEntries(
          Map.entry("SO_REUSEADDR", Option.ofSocket(2, Kind.FLAG)),
          Map.entry("SO_REUSEPORT", Option.ofSocket(15, Kind.FLAG)),
          Map.entry("SO_KEEPALIVE", Option.ofSocket(9, Kind.FLAG)),
          Map.entry("SO_OOBINLINE", Option.ofSocket(10, Kind.FLAG)),
          Map.entry("SO_SNDBUF", Option.ofSocket(7, Kind.BUFFER_BYTES)),
          Map.entry("SO_RCVBUF", Option.ofSocket(8, Kind.BUFFER_BYTES)),
          Map.entry("SO_LINGER", Option.ofSocket(13, Kind.LINGER)),
          Map.entry("SO_PEERCRED", Option.ofSocket(17, Kind.PEER)),
          Map.entry("SO_INCOMING_NAPI_ID", Option.ofSocket(56, Kind.NUMBER)),
          Map.entry("IP_TOS", Option.ofIp(1, 67, Kind.IP_BYTE)),
          Map.entry("SO_BROADCAST", Option.ofSocket(6, Kind.FLAG)),
          Map.entry("IP_MULTICAST_TTL", Option.ofIp(33, 18, Kind.IP_BYTE)),
          Map.entry("IP_MULTICAST_LOOP", Option.ofIp(34, 19, Kind.IP_FLAG)),
          Map.entry("IP_DONTFRAGMENT", Option.ofIp(10, 23, Kind.DONT_FRAGMENT)),
          Map.entry("TCP_NODELAY", Option.ofTcp(1, Kind.FLAG)),
          Map.entry("TCP_KEEPIDLE", Option.ofTcp(4, Kind.NUMBER)),
          Map.entry("TCP_KEEPINTERVAL", Option.ofTcp(5, Kind.NUMBER)),
          Map.entry("TCP_KEEPCOUNT", Option.ofTcp(6, Kind.NUMBER)),
          Map.entry("TCP_DEFER_ACCEPT", Option.ofTcp(9, Kind.SECONDS)),
          Map.entry("TCP_QUICKACK", Option.ofTcp(12, Kind.FLAG)),
          Map.entry("TCP_USER_TIMEOUT", Option.ofTcp(18, Kind.MILLIS)));

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

  /** The interface for multicast is there, too; {@link EpollDatagram} keeps it itself. */
  static Set<SocketOption<?>> ofDatagrams() throws IOException {
    try (DatagramChannel channel = DatagramChannel.open()) {
      return known(channel.supportedOptions(), StandardSocketOptions.IP_MULTICAST_IF);
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
      case IP_BYTE -> setIpByte(fd, family, option, number);
      case IP_FLAG -> setIp(fd, family, found, number);
      case DONT_FRAGMENT -> setIp(fd, family, found, number == 0 ? 0 : DO_NOT_FRAGMENT);
      case PEER -> throw new SocketException(option + " can only be asked for");
    }
  }

  private static int number(SocketOption<?> option, Kind kind, Object value) {
    return switch (kind) {
      case FLAG, IP_FLAG, DONT_FRAGMENT -> (Boolean) value ? 1 : 0;
      case SECONDS -> count(option, (Duration) value, Duration.ofSeconds(1));
      case MILLIS -> count(option, (Duration) value, Duration.ofMillis(1));
      case NUMBER, BUFFER_BYTES, LINGER, IP_BYTE -> (Integer) value;
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

  private static void setIpByte(int fd, int family, SocketOption<?> option, int number)
      throws IOException {
    if (number < 0 || number > 255) {
      throw new IllegalArgumentException("Invalid " + option.name() + " value");
    }
    setIp(fd, family, find(option), number);
  }

  private static void setIp(int fd, int family, Option option, int number) throws IOException {
    set(fd, IPPROTO_IP, option.name, number);
    if (family == Libc.AF_INET6) {
      set(fd, IPPROTO_IPV6, option.ipv6Name, number);
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

  // ---- Multicast

  static void sendMulticastOn(int fd, int family, NetworkInterface on) throws IOException {
    set(fd, IPPROTO_IP, IP_MULTICAST_IF, 0, 0, on.getIndex());
    if (family == Libc.AF_INET6) {
      set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, on.getIndex());
    }
  }

  /** By default the system delivers what comes for the groups of everybody on this machine. */
  static void hearOwnGroupsOnly(int fd, int family) {
    setIfKnown(fd, IPPROTO_IP, IP_MULTICAST_ALL);
    if (family == Libc.AF_INET6) {
      setIfKnown(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL);
    }
  }

  private static void setIfKnown(int fd, int level, int name) {
    try {
      set(fd, level, name, 0);
    } catch (IOException e) {
      // An older system, which delivers more than was asked for.
    }
  }

  static void join(int fd, int family, InetAddress group, NetworkInterface on) throws IOException {
    setMembership(fd, family, group, on, IP_ADD_MEMBERSHIP, IPV6_ADD_MEMBERSHIP);
  }

  static void leave(int fd, int family, InetAddress group, NetworkInterface on) throws IOException {
    setMembership(fd, family, group, on, IP_DROP_MEMBERSHIP, IPV6_DROP_MEMBERSHIP);
  }

  /** {@code struct ip_mreqn} or {@code ipv6_mreq}. */
  private static void setMembership(
      int fd, int family, InetAddress group, NetworkInterface on, int name, int ipv6Name)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(group.getAddress()).order(ByteOrder.nativeOrder());
    if (group instanceof Inet4Address) {
      set(fd, IPPROTO_IP, name, bytes.getInt(), 0, on.getIndex());
    } else if (family == Libc.AF_INET6) {
      int[] numbers = new int[5];
      bytes.asIntBuffer().get(numbers, 0, 4);
      numbers[4] = on.getIndex();
      set(fd, IPPROTO_IPV6, ipv6Name, numbers);
    } else {
      throw new SocketException("this system has no IPv6: " + group.getHostAddress());
    }
  }

  // ---- Getting

  /**
   * @param option a known one
   */
  static <T> T get(int fd, int family, SocketOption<T> option) throws IOException {
    Option found = find(option);
    int[] numbers =
        found.level == IPPROTO_IP && family == Libc.AF_INET6
            ? get(fd, IPPROTO_IPV6, found.ipv6Name)
            : get(fd, found.level, found.name);
    Object value =
        switch (found.kind) {
          case FLAG, IP_FLAG -> numbers[0] != 0;
          case NUMBER, IP_BYTE -> numbers[0];
          case DONT_FRAGMENT -> numbers[0] == DO_NOT_FRAGMENT;
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
