package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Reports;
import dev.copas.transport.PacketChannel;
import dev.copas.transport.TransportChannel;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A datagram socket as its loop has it: its addresses, its groups, how it ends. Its datagrams are
 * the business of {@link DatagramInput} and {@link DatagramOutput}.
 *
 * <p>Nothing of the loop holds the {@link CopasDatagramSocket}, only this: so one that its user has
 * forgotten can be found; see {@link Forgotten}.
 */
final class DatagramEndpoint implements TransportChannel.Listener {

  private static final String NOT_CLOSED = "a datagram socket could not be closed";

  private record Membership(InetAddress group, NetworkInterface on) {

    @Override
    public String toString() {
      return group.getHostAddress() + " on " + on.getName();
    }
  }

  final Copas copas;
  final PacketChannel channel;
  final DatagramInput input;
  final DatagramOutput output;
  private final Forgotten watch;
  private final Set<Membership> memberships = new HashSet<>();
  private volatile boolean closed;

  /** What it is bound to, connected or not. */
  private @Nullable InetSocketAddress bound;

  private volatile @Nullable InetSocketAddress local;
  private volatile @Nullable InetSocketAddress remote;
  private long since;

  DatagramEndpoint(Copas copas) throws SocketException {
    this.copas = copas;
    this.input = new DatagramInput(copas, this);
    this.output = new DatagramOutput(this);
    this.watch = new Forgotten(copas.machine, this::closeForgotten);
    try {
      this.channel = open(copas);
    } catch (IOException e) {
      throw SocketOptionIds.asSocketException(e);
    }
    channel.setListener(this);
  }

  private static PacketChannel open(Copas copas) throws IOException {
    PacketChannel channel = copas.machine.transport().openPackets();
    try {
      channel.setOption(StandardSocketOptions.SO_BROADCAST, true); // As java.net has it.
      return channel;
    } catch (Throwable e) {
      channel.close();
      throw e;
    }
  }

  // ---- Readiness

  @Override
  public boolean readable() {
    return input.open();
  }

  @Override
  public void writable() {
    output.open();
  }

  // ---- Addresses: known also after the end, as java.net has it

  @Nullable InetSocketAddress local() {
    return local;
  }

  @Nullable InetSocketAddress remote() {
    return remote;
  }

  /** What is not bound when it is used, gets any port that is free. */
  void prepare() throws IOException {
    checkOpen();
    if (local == null) {
      bind(new InetSocketAddress(0));
    }
  }

  void bind(InetSocketAddress wanted) throws IOException {
    checkOpen();
    InetSocketAddress present = local;
    if (present != null) {
      throw new SocketException("already bound to " + Addresses.format(present));
    }
    try {
      channel.bind(wanted);
    } catch (BindException e) {
      throw Addresses.cannotBind(wanted, e);
    }
    bound = Addresses.withName(wanted, channel.localAddress());
    local = bound;
    since = copas.machine.moment();
    copas.sockets.add(this);
  }

  void connect(InetSocketAddress target) throws IOException {
    prepare();
    disconnect();
    channel.connect(target);
    remote = target;
    if (channel.localAddress() instanceof InetSocketAddress seenByPeer) {
      local = seenByPeer;
    }
  }

  void disconnect() throws IOException {
    if (remote != null && !isClosed()) {
      remote = null;
      local = bound;
      channel.disconnect();
    }
  }

  /**
   * Where a datagram goes, as the channel wants it: null is the peer that it is connected to.
   *
   * @param target where the user sends it; null leaves that to the connection
   */
  @Nullable InetSocketAddress route(@Nullable InetSocketAddress target) throws SocketException {
    InetSocketAddress peer = remote;
    if (peer == null) {
      if (target == null) {
        throw new SocketException("Socket is not connected: say where the datagram goes");
      }
      return target;
    }
    if (target != null && !target.equals(peer)) {
      throw new IllegalArgumentException(
          "the socket is connected to "
              + Addresses.format(peer)
              + " and sends nothing to "
              + Addresses.format(target)
              + "; disconnect() first");
    }
    return null;
  }

  // ---- What it is doing, for Copas.status

  Status.DatagramStatus status() {
    InetSocketAddress peer = remote;
    return new Status.DatagramStatus(
        where(),
        peer == null ? null : Addresses.format(peer),
        Duration.ofNanos(copas.machine.nanoTime() - since),
        input.received(),
        output.sent());
  }

  private String where() {
    InetSocketAddress present = local;
    return present == null ? "" : Addresses.format(present);
  }

  /** Tells of each task that waits here, and what for. */
  void tellWaits(BiConsumer<Coroutine, String> told) {
    tell(input.waiting(), "a datagram on ", told);
    tell(output.waiting(), "room to send from ", told);
    output.queue().forEach(waiting -> tell(waiting, "its turn to send from ", told));
  }

  private void tell(@Nullable Coroutine waiting, String what, BiConsumer<Coroutine, String> told) {
    if (waiting != null) {
      told.accept(waiting, what + where());
    }
  }

  // ---- Groups

  void join(InetAddress group, NetworkInterface on) throws IOException {
    prepare();
    var membership = new Membership(group, on);
    if (memberships.contains(membership)) {
      throw new SocketException("already a member of " + membership);
    }
    channel.join(group, on);
    memberships.add(membership);
  }

  void leave(InetAddress group, NetworkInterface on) throws IOException {
    checkOpen();
    var membership = new Membership(group, on);
    if (!memberships.contains(membership)) {
      throw new SocketException("not a member of " + membership);
    }
    channel.leave(group, on);
    memberships.remove(membership);
  }

  // ---- How it ends

  /** Also with its Copas, which closes all there are. */
  boolean isClosed() {
    return closed || copas.machine.isClosed();
  }

  void checkOpen() throws SocketException {
    if (isClosed()) {
      throw new SocketException("Socket closed");
    }
  }

  /** Never waits. From any thread. */
  void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true; // At once, whatever the loop comes to first.
    watch.end();
    Outside.close(copas.machine, this::closeOnLoop, NOT_CLOSED);
    copas.machine.drainUnlessTurning();
  }

  private void closeOnLoop() throws IOException {
    input.shut();
    output.shut();
    output.shutTurns();
    copas.sockets.remove(this);
    channel.close();
  }

  /** Has it closed when nobody can reach the socket any more. */
  void closeWhenForgotten(CopasDatagramSocket socket) {
    watch.watch(socket);
  }

  private void closeForgotten() {
    closed = true;
    InetSocketAddress present = local;
    Reports.warning(
        "the datagram socket "
            + (present == null ? "" : "on " + Addresses.format(present) + " ")
            + "was never closed, and nobody can use it any more; it is closed now. Close sockets,"
            + " best with try-with-resources.",
        null);
    try {
      closeOnLoop();
    } catch (IOException e) {
      Reports.warning(NOT_CLOSED, e);
    }
  }
}
