package dev.copas.testkit;

import dev.copas.transport.PacketChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.PortUnreachableException;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.AlreadyBoundException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A datagram socket, with the manners of UDP on Linux.
 *
 * <p>Datagrams that are under way fill the sender's buffer, and those that were not received the
 * receiver's: what finds that one full is lost. A peer that this is connected to, and where nobody
 * is, refuses: the next call is told, once.
 */
final class MemoryDatagram extends MemoryChannel implements PacketChannel {

  private static final int MOST_BYTES = 65_507;

  /** What the system keeps about each, so that empty ones fill a buffer, too. */
  private static final int OVERHEAD = 256;

  private static final class Arrived {

    final byte[] bytes;
    final InetSocketAddress sender;

    Arrived(byte[] bytes, InetSocketAddress sender) {
      this.bytes = bytes;
      this.sender = sender;
    }

    int size() {
      return bytes.length + OVERHEAD;
    }
  }

  private record Membership(InetAddress group, NetworkInterface on) {}

  private final Deque<Arrived> arrived = new ArrayDeque<>();
  private final Set<Membership> memberships = new HashSet<>();
  private @Nullable InetSocketAddress bound;
  private @Nullable InetSocketAddress remote;
  private int unread;
  private int underWay;
  private boolean refused;
  private long lastArrival;

  MemoryDatagram(MemoryTransport transport) {
    super(transport, StoredOptions.forDatagrams());
    this.lastArrival = transport.clock.nanoTime();
  }

  private void note(String what, int amount) {
    transport.note("udp " + local, what, amount);
  }

  // ---- Addresses

  @Override
  public void bind(InetSocketAddress wanted) throws IOException {
    checkUsable();
    if (bound != null) {
      throw new AlreadyBoundException();
    }
    bound = transport.packetPorts.take(this, wanted);
    local = bound;
  }

  @Override
  public void connect(InetSocketAddress target) throws IOException {
    checkUsable();
    InetSocketAddress peer = transport.concrete(target);
    remote = peer;
    local = sourceFor(peer);
    arrived.clear();
    unread = 0;
    refused = false;
  }

  @Override
  public void disconnect() throws IOException {
    checkUsable();
    remote = null;
    local = bound;
  }

  private @Nullable InetSocketAddress sourceFor(InetSocketAddress target) {
    return bound != null && bound.getAddress().isAnyLocalAddress()
        ? new InetSocketAddress(transport.sourceFor(target.getAddress()), bound.getPort())
        : bound;
  }

  @Override
  public void join(InetAddress group, NetworkInterface on) throws IOException {
    checkUsable();
    memberships.add(new Membership(group, on));
  }

  @Override
  public void leave(InetAddress group, NetworkInterface on) throws IOException {
    checkUsable();
    memberships.remove(new Membership(group, on));
  }

  /** Whether it listens there: at this address of its port, or in this group. */
  boolean hears(InetAddress target) {
    return target.isMulticastAddress()
        ? memberships.stream().anyMatch(member -> member.group.equals(target))
        : isOnAllAddresses() || (bound != null && bound.getAddress().equals(target));
  }

  private boolean isOnAllAddresses() {
    return bound != null && bound.getAddress().isAnyLocalAddress();
  }

  private void checkUsable() throws SocketException {
    if (!isOpen()) {
      throw new SocketException("Socket closed");
    }
  }

  // ---- Sending

  @Override
  public boolean send(ByteBuffer source, @Nullable InetSocketAddress target) throws IOException {
    checkUsable();
    checkRefused();
    InetSocketAddress to = target != null ? transport.concrete(target) : remote;
    if (to == null) {
      throw new SocketException("Destination address required");
    }
    checkSendable(source.remaining(), to);
    if (!isWritable()) {
      return false;
    }
    byte[] bytes = new byte[source.remaining()];
    source.get(bytes);
    leave(new Arrived(bytes, sender(to)), to);
    return true;
  }

  private InetSocketAddress sender(InetSocketAddress to) throws SocketException {
    InetSocketAddress from = sourceFor(to);
    if (from == null) {
      throw new SocketException("Socket is not bound");
    }
    return from;
  }

  private void checkSendable(int length, InetSocketAddress to) throws SocketException {
    if (length > MOST_BYTES) {
      throw new SocketException("Message too long");
    }
    if (MemoryTransport.isBroadcast(to.getAddress())
        && !options.isOn(StandardSocketOptions.SO_BROADCAST)) {
      throw new SocketException("Permission denied");
    }
  }

  /** The network may lose it, double it, or let others overtake it. */
  private void leave(Arrived datagram, InetSocketAddress to) {
    note("sends to " + to, datagram.bytes.length);
    int copies = transport.drawCopies();
    if (copies == 0) {
      note("loses", datagram.bytes.length);
    }
    for (int i = 0; i < copies; i++) {
      underWay += datagram.size();
      arrive(() -> {
        underWay -= datagram.size();
        changed();
        deliver(datagram, to);
      });
    }
  }

  private void arrive(Runnable arrival) {
    long now = transport.clock.nanoTime();
    long overtaken = transport.drawOvertaken();
    long when = now + transport.drawLatency() + overtaken;
    if (overtaken == 0) {
      if (when - lastArrival < 0) { // The clock may run over.
        when = lastArrival;
      }
      lastArrival = when;
    }
    if (when == now) {
      arrival.run();
    } else {
      transport.clock.at(when, arrival);
    }
  }

  private void deliver(Arrived datagram, InetSocketAddress to) {
    InetAddress address = to.getAddress();
    boolean toMany = address.isMulticastAddress() || MemoryTransport.isBroadcast(address);
    if (address.isMulticastAddress() && !options.isOn(StandardSocketOptions.IP_MULTICAST_LOOP)) {
      return; // All there are, are on this machine.
    }
    boolean heard = false;
    for (MemoryDatagram receiver : transport.receiversAt(to)) {
      if (receiver.isOpenTo(datagram.sender) && (toMany || !heard)) {
        heard = true;
        receiver.take(datagram);
      }
    }
    if (!heard && !toMany && to.equals(remote)) {
      refused = true;
      note("is refused", datagram.bytes.length);
      changed();
    }
  }

  // ---- Receiving

  private boolean isOpenTo(InetSocketAddress sender) {
    return remote == null || remote.equals(sender);
  }

  private void take(Arrived datagram) {
    if (unread + datagram.size() > options.number(StandardSocketOptions.SO_RCVBUF)) {
      note("has no room for", datagram.bytes.length);
      return;
    }
    unread += datagram.size();
    arrived.add(datagram);
    note("gets", datagram.bytes.length);
    changed();
  }

  @Override
  public @Nullable InetSocketAddress receive(ByteBuffer target) throws IOException {
    checkUsable();
    checkRefused();
    Arrived next = arrived.poll();
    if (next == null) {
      return null;
    }
    unread -= next.size();
    target.put(next.bytes, 0, Math.min(next.bytes.length, target.remaining()));
    note("receives", next.bytes.length);
    return next.sender;
  }

  private void checkRefused() throws PortUnreachableException {
    if (refused) {
      refused = false;
      throw new PortUnreachableException();
    }
  }

  // ---- Readiness

  @Override
  boolean isReadable() {
    return refused || !arrived.isEmpty();
  }

  @Override
  boolean isWritable() {
    return underWay < options.number(StandardSocketOptions.SO_SNDBUF);
  }

  @Override
  void beforeClose() {}

  @Override
  public String toString() {
    return "udp " + local;
  }
}
