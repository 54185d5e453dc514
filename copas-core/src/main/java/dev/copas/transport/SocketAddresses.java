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
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * {@code struct sockaddr_in} and {@code sockaddr_in6}. A socket of the latter kind speaks IPv4 too,
 * with addresses that are written {@code ::ffff:a.b.c.d}.
 */
final class SocketAddresses {

  static final int MOST_BYTES = 28;

  private static final int IPV4_BYTES = 16;
  private static final int IPV6_BYTES = 28;
  private static final ValueLayout.OfShort PORT =
      JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final byte[] MAPPED = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1};

  private SocketAddresses() {}

  /** A local address; "any" is any of both kinds where the socket speaks both. */
  static MemorySegment encodeLocal(SegmentAllocator place, int family, InetSocketAddress address)
      throws IOException {
    InetAddress host = address.getAddress();
    return host != null && host.isAnyLocalAddress()
        ? header(place, family, address.getPort())
        : encode(place, family, address);
  }

  static MemorySegment encode(SegmentAllocator place, int family, InetSocketAddress address)
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

  private static MemorySegment header(SegmentAllocator place, int family, int port) {
    MemorySegment segment = place.allocate(family == Libc.AF_INET6 ? IPV6_BYTES : IPV4_BYTES, 8);
    segment.fill((byte) 0); // The place may have been used before.
    segment.set(JAVA_SHORT_UNALIGNED, 0, (short) family);
    segment.set(PORT, 2, (short) port);
    return segment;
  }

  /** Null for a socket that has no address yet. */
  static @Nullable InetSocketAddress decode(MemorySegment segment) throws UnknownHostException {
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
