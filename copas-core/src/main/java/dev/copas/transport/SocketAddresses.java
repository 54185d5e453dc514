package dev.copas.transport;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteOrder;
import java.nio.channels.UnsupportedAddressTypeException;
import java.nio.charset.Charset;
import java.nio.file.InvalidPathException;
import org.jspecify.annotations.Nullable;

/**
 * {@code struct sockaddr_in}, {@code sockaddr_in6} and {@code sockaddr_un}. A socket of the second
 * kind speaks IPv4 too, with addresses that are written {@code ::ffff:a.b.c.d}.
 *
 * <p>A Unix socket has a path, which ends with a zero, or an abstract name, which begins with one:
 * that is a {@code @} here, as the tools of Linux write it.
 */
final class SocketAddresses {

  static final int MOST_BYTES = 110;

  private static final int IPV4_BYTES = 16;
  private static final int IPV6_BYTES = 28;
  private static final ValueLayout.OfShort PORT =
      JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final int NAME = 2;
  private static final int MOST_BYTES_OF_NAME = MOST_BYTES - NAME - 1;
  private static final UnixDomainSocketAddress UNNAMED = UnixDomainSocketAddress.of("");

  /** That of the names of files. */
  private static final Charset CHARSET = Charset.forName(System.getProperty("sun.jnu.encoding"));

  private static final byte[] MAPPED = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1};

  private SocketAddresses() {}

  /** A local address; "any" is any of both kinds where the socket speaks both. */
  static MemorySegment encodeLocal(SegmentAllocator place, int family, SocketAddress address)
      throws IOException {
    return family != Libc.AF_UNIX
            && address instanceof InetSocketAddress inet
            && inet.getAddress() != null
            && inet.getAddress().isAnyLocalAddress()
        ? header(place, family, inet.getPort())
        : encode(place, family, address);
  }

  static MemorySegment encode(SegmentAllocator place, int family, SocketAddress address)
      throws IOException {
    // Not a switch: for its patterns the JVM makes code, here while each program starts.
    boolean isUnix = family == Libc.AF_UNIX;
    if (!isUnix && address instanceof InetSocketAddress inet) {
      return encode(place, family, inet);
    }
    if (isUnix && address instanceof UnixDomainSocketAddress unix) {
      return encode(place, unix);
    }
    throw new UnsupportedAddressTypeException();
  }

  private static MemorySegment encode(SegmentAllocator place, int family, InetSocketAddress address)
      throws IOException {
    InetAddress host = address.getAddress();
    if (host == null) {
      throw new UnknownHostException(address.getHostString());
    }
    MemorySegment segment = header(place, family, address.getPort());
    byte[] bytes = host.getAddress();
    if (family == Libc.AF_INET) {
      if (bytes.length != 4) {
        throw new SocketException("this system has no IPv6: " + host.getHostAddress());
      }
      MemorySegment.copy(bytes, 0, segment, JAVA_BYTE, 4, 4);
    } else if (bytes.length == 4) {
      MemorySegment.copy(MAPPED, 0, segment, JAVA_BYTE, 8, MAPPED.length);
      MemorySegment.copy(bytes, 0, segment, JAVA_BYTE, 20, 4);
    } else {
      MemorySegment.copy(bytes, 0, segment, JAVA_BYTE, 8, 16);
      segment.set(JAVA_INT_UNALIGNED, 24, ((Inet6Address) host).getScopeId());
    }
    return segment;
  }

  /** The address of no family: to connect a datagram socket there is to disconnect it. */
  static MemorySegment none(SegmentAllocator place) {
    return header(place, Libc.AF_UNSPEC, 0);
  }

  static MemorySegment encode(SegmentAllocator place, UnixDomainSocketAddress address)
      throws SocketException {
    byte[] name = address.getPath().toString().getBytes(CHARSET);
    if (name.length > MOST_BYTES_OF_NAME) {
      throw new SocketException("Unix domain path too long"); // As NIO has it.
    }
    boolean isAbstract = SocketFile.isAbstract(address);
    MemorySegment segment = place.allocate(NAME + name.length + (isAbstract ? 0 : 1), 8);
    segment.set(JAVA_SHORT_UNALIGNED, 0, (short) Libc.AF_UNIX);
    MemorySegment.copy(name, 0, segment, JAVA_BYTE, NAME, name.length);
    if (isAbstract) {
      segment.set(JAVA_BYTE, NAME, (byte) 0);
    }
    return segment;
  }

  private static MemorySegment header(SegmentAllocator place, int family, int port) {
    MemorySegment segment = place.allocate(family == Libc.AF_INET6 ? IPV6_BYTES : IPV4_BYTES, 8);
    segment.fill((byte) 0); // The place may have been used before.
    segment.set(JAVA_SHORT_UNALIGNED, 0, (short) family);
    segment.set(PORT, 2, (short) port);
    return segment;
  }

  /**
   * Null for a socket that has no address yet; a Unix socket has one without a name.
   *
   * @param length in bytes, as the system told it
   */
  static @Nullable SocketAddress decode(MemorySegment segment, int length)
      throws UnknownHostException {
    return segment.get(JAVA_SHORT_UNALIGNED, 0) == Libc.AF_UNIX
        ? decodeUnix(segment, length)
        : decodeInet(segment);
  }

  /** Any peer can give itself any name; one that is no path in Java does without. */
  private static UnixDomainSocketAddress decodeUnix(MemorySegment segment, int length) {
    byte[] bytes = bytes(segment, NAME, Math.min(length, MOST_BYTES) - NAME);
    if (bytes.length == 0) {
      return UNNAMED;
    }
    String name = new String(bytes, CHARSET);
    String path = bytes[0] == 0 ? SocketFile.ABSTRACT + name.substring(1) : upToZero(name);
    try {
      return UnixDomainSocketAddress.of(path);
    } catch (InvalidPathException e) {
      return UNNAMED;
    }
  }

  private static String upToZero(String name) {
    int end = name.indexOf('\0');
    return end < 0 ? name : name.substring(0, end);
  }

  private static @Nullable InetSocketAddress decodeInet(MemorySegment segment)
      throws UnknownHostException {
    return port(segment) == 0 ? null : decodeSender(segment);
  }

  /** Where a datagram comes from; port 0 is allowed there. */
  static InetSocketAddress decodeSender(MemorySegment segment) throws UnknownHostException {
    return new InetSocketAddress(host(segment), port(segment));
  }

  private static int port(MemorySegment segment) {
    return segment.get(PORT, 2) & 0xffff;
  }

  private static InetAddress host(MemorySegment segment) throws UnknownHostException {
    if (segment.get(JAVA_SHORT_UNALIGNED, 0) == Libc.AF_INET) {
      return InetAddress.getByAddress(bytes(segment, 4, 4));
    }
    byte[] bytes = bytes(segment, 8, 16);
    int scope = segment.get(JAVA_INT_UNALIGNED, 24);
    return scope == 0
        ? InetAddress.getByAddress(bytes) // An Inet4Address for a mapped one.
        : Inet6Address.getByAddress(null, bytes, scope);
  }

  private static byte[] bytes(MemorySegment segment, long offset, int count) {
    return segment.asSlice(offset, count).toArray(JAVA_BYTE);
  }
}
