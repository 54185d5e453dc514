package dev.copas.transport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.MembershipKey;
import java.nio.channels.SelectionKey;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A UDP socket on NIO. */
final class NioDatagram extends NioChannel implements PacketChannel {

  private record Membership(InetAddress group, NetworkInterface on) {}

  private final DatagramChannel channel;
  private final Map<Membership, MembershipKey> memberships = new HashMap<>();

  NioDatagram(NioTransport transport, DatagramChannel channel) throws IOException {
    super(transport, channel);
    this.channel = channel;
  }

  @Override
  int readBit() {
    return SelectionKey.OP_READ;
  }

  @Override
  int writeBit() {
    return SelectionKey.OP_WRITE;
  }

  @Override
  public void bind(InetSocketAddress local) throws IOException {
    channel.bind(local);
  }

  @Override
  public void connect(InetSocketAddress remote) throws IOException {
    try {
      channel.connect(remote);
    } catch (IOException e) {
      throw asSocketException(e);
    }
  }

  @Override
  public void disconnect() throws IOException {
    channel.disconnect();
  }

  @Override
  public @Nullable InetSocketAddress receive(ByteBuffer target) throws IOException {
    try {
      return (InetSocketAddress) channel.receive(target);
    } catch (IOException e) {
      throw asSocketException(e);
    }
  }

  /** Answers with the number of bytes, which is 0 also for an empty datagram that was sent. */
  @Override
  public boolean send(ByteBuffer source, @Nullable InetSocketAddress target) throws IOException {
    boolean empty = !source.hasRemaining();
    if (empty && target == null) {
      throw new SocketException(
          "java.nio sends no empty datagram from a socket that is connected; disconnect it, or let"
              + " the loop run on epoll (see Options)");
    }
    try {
      int sent = target == null ? channel.write(source) : channel.send(source, target);
      return sent > 0 || empty;
    } catch (IOException e) {
      throw asSocketException(e);
    }
  }

  @Override
  public void join(InetAddress group, NetworkInterface on) throws IOException {
    memberships.put(new Membership(group, on), channel.join(group, on));
  }

  @Override
  public void leave(InetAddress group, NetworkInterface on) {
    MembershipKey key = memberships.remove(new Membership(group, on));
    if (key != null) {
      key.drop();
    }
  }
}
