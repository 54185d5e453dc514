package dev.copas.transport;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.PortUnreachableException;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A UDP socket on epoll.
 *
 * <p>A datagram that is shorter than the buffer says nothing about the next one: only a call that
 * finds none shows that there is none.
 */
final class EpollDatagram extends EpollChannel implements PacketChannel {

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  /** With its port: the system forgets one that it chose itself when the socket is disconnected. */
  private @Nullable InetSocketAddress bound;

  private volatile @Nullable NetworkInterface multicastInterface;

  EpollDatagram(EpollTransport transport, int fd, int family) {
    super(transport, fd, family);
  }

  @Override
  Set<SocketOption<?>> options() {
    return transport.datagramOptions;
  }

  /** The system would not say which it is, but for its address. */
  @Override
  public <T> void setOption(SocketOption<T> option, @Nullable T value) throws IOException {
    if (option == StandardSocketOptions.IP_MULTICAST_IF) {
      if (!(value instanceof NetworkInterface chosen)) {
        throw new IllegalArgumentException("Invalid value '" + value + "'");
      }
      this.<@Nullable Void>use(number -> {
        EpollOptions.sendMulticastOn(number, family, chosen);
        return null;
      });
      multicastInterface = chosen;
    } else {
      super.setOption(option, value);
    }
  }

  @Override
  public <T> @Nullable T getOption(SocketOption<T> option) throws IOException {
    if (option == StandardSocketOptions.IP_MULTICAST_IF) {
      checkOpen();
      return option.type().cast(multicastInterface);
    }
    return super.getOption(option);
  }

  // ---- Addresses

  @Override
  public void bind(InetSocketAddress local) throws IOException {
    bindTo(local);
    if (localAddress() instanceof InetSocketAddress got) {
      bound = new InetSocketAddress(local.getAddress(), got.getPort());
    }
    writable = true;
    transport.register(this);
  }

  @Override
  public void connect(InetSocketAddress remote) throws IOException {
    checkOpen();
    try (Arena arena = Arena.ofConfined()) {
      checkedConnect(arena, SocketAddresses.encode(arena, family, remote));
    }
    dropAll();
  }

  @Override
  public void disconnect() throws IOException {
    checkOpen();
    try (Arena arena = Arena.ofConfined()) {
      checkedConnect(arena, SocketAddresses.none(arena));
    }
    if (localAddress() == null && bound != null) {
      bindTo(bound);
    }
  }

  private void checkedConnect(Arena arena, MemorySegment address) throws SocketException {
    MemorySegment error = arena.allocate(Libc.ERRNO_LAYOUT);
    if (Libc.connect(error, fd, address) < 0) {
      throw Errors.packetException(Libc.errno(error));
    }
  }

  /** What came before the peer was chosen may be from anybody. */
  private void dropAll() throws IOException {
    boolean more = true;
    while (more) {
      try {
        more = receive(NOTHING) != null;
      } catch (PortUnreachableException e) {
        // Of the peer before.
      }
    }
  }

  @Override
  public void join(InetAddress group, NetworkInterface on) throws IOException {
    checkOpen();
    EpollOptions.join(fd, family, group, on);
  }

  @Override
  public void leave(InetAddress group, NetworkInterface on) throws IOException {
    checkOpen();
    EpollOptions.leave(fd, family, group, on);
  }

  // ---- Datagrams

  @Override
  public @Nullable InetSocketAddress receive(ByteBuffer target) throws IOException {
    int room = Math.min(target.remaining(), Libc.MOST_BYTES);
    MemorySegment bytes = segment(target, room);
    while (true) {
      checkUsable();
      transport.peerLength.set(JAVA_INT, 0, SocketAddresses.MOST_BYTES);
      long count =
          Libc.receiveFrom(transport.error, fd, bytes, room, transport.peer, transport.peerLength);
      if (count >= 0) {
        target.position(target.position() + (int) count);
        return SocketAddresses.decodeSender(transport.peer);
      }
      int errno = Libc.errno(transport.error);
      if (errno == Errors.EAGAIN) {
        readable = false;
        return null;
      }
      if (errno != Errors.EINTR) {
        throw Errors.packetException(errno);
      }
    }
  }

  @Override
  public boolean send(ByteBuffer source, @Nullable InetSocketAddress target) throws IOException {
    checkUsable(); // Once all is closed, there is no place for the address either.
    int length = source.remaining();
    if (length > Libc.MOST_BYTES) {
      throw Errors.packetException(Errors.EMSGSIZE);
    }
    MemorySegment bytes = segment(source, length);
    MemorySegment address =
        target == null
            ? MemorySegment.NULL
            : SocketAddresses.encode(transport.targets, family, target);
    while (true) {
      checkUsable();
      if (Libc.sendTo(transport.error, fd, bytes, length, address) >= 0) {
        source.position(source.limit());
        return true;
      }
      int errno = Libc.errno(transport.error);
      if (errno == Errors.EAGAIN) {
        writable = false;
        return false;
      }
      if (errno != Errors.EINTR) {
        throw Errors.packetException(errno);
      }
    }
  }
}
