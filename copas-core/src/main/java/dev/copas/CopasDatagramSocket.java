package dev.copas;

import dev.copas.loop.Reports;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A UDP socket whose every call that waits lets other tasks run. Made by {@link Copas#bindDatagram}
 * and {@link Copas#datagramSocket}.
 *
 * <p>It is a {@link DatagramSocket}: packets, options, connections, groups and time-outs work as
 * they do there. Copas' own are {@link #receive()} and the forms of {@code send} without a packet.
 *
 * <p><strong>Receiving</strong> waits for a datagram. It ends early with a {@link
 * java.net.SocketTimeoutException} after the receive time-out (none by default), a {@link
 * SocketException} when the socket is closed, a {@link java.net.PortUnreachableException} when the
 * peer that the socket is connected to has refused what was sent, an {@link
 * java.io.InterruptedIOException} when the task is cancelled or the time of {@link Copas#within} is
 * over. Then no datagram was taken: it is there for the next call. One task at a time can receive;
 * another gets an {@link IllegalStateException}. One that sends beside it is fine.
 *
 * <p><strong>Sending</strong> hands the datagram to the operating system at once, and waits only
 * when that has no room. Several tasks may send: first come, first served.
 *
 * <p>Broadcast is on from the beginning, as java.net has it; reuse-address is off.
 *
 * <p>{@link #close()} may be called from any thread, and so may everything else: on a thread that
 * is no task of the loop, a call that may wait is made on the loop and the thread waits for it.
 * That needs somebody to run the loop. The socket is the user's to close, unless a server has it;
 * when it was forgotten, that is when nobody can reach it any more, the garbage collector may find
 * it; then the loop closes it with a warning.
 */
public final class CopasDatagramSocket extends DatagramSocket {

  /** What the length field of a datagram can say. */
  private static final int MOST_BYTES = 65_535;

  final DatagramEndpoint endpoint;

  /** The server that has this socket, while there is one. */
  final AtomicReference<@Nullable Service> server = new AtomicReference<>();

  private final Copas copas;

  /** Not yet bound. */
  CopasDatagramSocket(Copas copas) throws SocketException {
    super(new UnusedDatagramSocketImpl());
    this.copas = copas;
    this.endpoint = new DatagramEndpoint(copas);
    endpoint.closeWhenForgotten(this);
  }

  Copas copas() {
    return copas;
  }

  /*
   * Compiled code does not hold what it does not need any more, so a socket could be unreachable
   * while a task waits in its last call on it. The fences keep it.
   */

  private void perform(Outside.Step step) throws IOException {
    try {
      Outside.perform(copas, step);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /** What never waits. */
  private void run(Outside.Action action) throws SocketException {
    try {
      Outside.run(copas.machine, action);
    } catch (SocketException e) {
      throw e;
    } catch (IOException e) {
      throw SocketOptionIds.asSocketException(e);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  // ---- Receiving

  /**
   * Receives a datagram. As Copas' {@code receivefrom}.
   *
   * @return its bytes and who sent it. A datagram without bytes comes as one; of one that is longer
   *     than {@link #setDatagramSize the datagram size}, the rest is lost, and nothing tells of it.
   */
  public Datagram receive() throws IOException {
    try {
      return Outside.call(copas, endpoint.input::next);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Receives a datagram into a packet; as {@link DatagramSocket#receive} has it. A packet that is
   * used again takes as much as at first. So a {@link DatagramPacket#setLength} with just the
   * length of the last datagram is not seen: nothing tells it from a packet that was left as it is.
   */
  @Override
  public void receive(DatagramPacket packet) throws IOException {
    Objects.requireNonNull(packet, "packet");
    perform(self -> endpoint.input.next(self, packet));
  }

  /**
   * How many bytes of a datagram {@link #receive()} takes at most: 8192 unless it is set. The rest
   * of a longer one is lost.
   *
   * @param bytes from 1 to 65535
   */
  public void setDatagramSize(int bytes) {
    if (bytes < 1 || bytes > MOST_BYTES) {
      throw new IllegalArgumentException(
          "a datagram has up to " + MOST_BYTES + " bytes; the size cannot be " + bytes);
    }
    endpoint.input.setDatagramSize(bytes);
  }

  public int getDatagramSize() {
    return endpoint.input.datagramSize();
  }

  // ---- Sending

  /**
   * Sends bytes as one datagram. As Copas' {@code sendto}.
   *
   * @param target with an address that is looked up already
   * @throws SocketException also when the datagram is too long (65507 bytes over IPv4, 65527 over
   *     IPv6); the socket can still be used then
   * @throws java.net.SocketTimeoutException after the send time-out; nothing was sent then
   * @throws IllegalArgumentException when the socket is connected to somebody else
   */
  public void send(byte[] bytes, SocketAddress target) throws IOException {
    send(ByteBuffer.wrap(bytes), checkTarget(target));
  }

  /**
   * Sends bytes to the peer that the socket is connected to; see {@link #send(byte[],
   * SocketAddress)}.
   *
   * @throws java.net.PortUnreachableException when the peer has refused an earlier datagram; this
   *     one was not sent then
   */
  public void send(byte[] bytes) throws IOException {
    send(ByteBuffer.wrap(bytes), null);
  }

  /** Sends a packet; as {@link DatagramSocket#send} has it. */
  @Override
  public void send(DatagramPacket packet) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(packet.getData(), packet.getOffset(), packet.getLength());
    send(bytes, targetOf(packet));
  }

  private InetSocketAddress targetOf(DatagramPacket packet) throws SocketException {
    if (packet.getAddress() == null) {
      InetSocketAddress peer = endpoint.remote();
      if (peer == null) {
        throw new IllegalArgumentException("Address not set");
      }
      packet.setSocketAddress(peer);
    }
    return checkTarget(packet.getSocketAddress());
  }

  private void send(ByteBuffer bytes, @Nullable InetSocketAddress target) throws IOException {
    perform(self -> endpoint.output.send(self, bytes, target));
  }

  /**
   * Sends bytes as one datagram if that needs no waiting. It never lets other tasks run, so that a
   * list of peers can be gone through with it; and it can be called between two steps.
   *
   * @return false when the operating system has no room, or another task waits to send
   * @throws SocketException as {@link #send(byte[], SocketAddress)}
   */
  public boolean trySend(byte[] bytes, SocketAddress target) throws IOException {
    InetSocketAddress checked = checkTarget(target);
    ByteBuffer source = ByteBuffer.wrap(bytes);
    var sent = new boolean[1];
    run(() -> sent[0] = endpoint.output.trySend(source, checked));
    return sent[0];
  }

  private static InetSocketAddress checkTarget(SocketAddress target) throws SocketException {
    InetSocketAddress address = checkInternet(target);
    if (address.isUnresolved()) {
      throw new IllegalArgumentException(
          "unresolved address: " + target + "; look it up once, with InetAddress.getByName");
    }
    if (address.getPort() == 0) {
      throw new SocketException("Can't send to port 0");
    }
    return address;
  }

  private static InetSocketAddress checkInternet(@Nullable SocketAddress address) {
    if (address instanceof InetSocketAddress internet) {
      return internet;
    }
    throw new IllegalArgumentException("not an internet address: " + address);
  }

  // ---- Addresses

  /**
   * Binds a socket that is not bound; to any free port when the address is null.
   *
   * @throws java.net.BindException when the address is in use or not this machine's
   */
  @Override
  public void bind(@Nullable SocketAddress address) throws SocketException {
    InetSocketAddress wanted = address == null ? new InetSocketAddress(0) : checkInternet(address);
    if (wanted.isUnresolved()) {
      throw new SocketException("Unresolved address: " + wanted);
    }
    copas.machine.awaitCloses(Timeouts.nanos(copas.options.closeTimeout()));
    run(() -> endpoint.bind(wanted));
  }

  /**
   * Connects the socket: it sends to this peer, and gets datagrams from it alone. Datagrams that
   * came before are dropped. Never waits, and sends nothing. Connected again, it leaves the peer
   * before. Connected to the wildcard address, which the system takes for this machine, it shows
   * that address as its peer.
   */
  @Override
  public void connect(SocketAddress peer) throws SocketException {
    InetSocketAddress target = checkInternet(peer);
    if (target.isUnresolved()) {
      throw new SocketException("Unresolved address: " + target);
    }
    if (target.getPort() == 0) {
      throw new SocketException("Can't connect to port 0");
    }
    run(() -> endpoint.connect(target));
  }

  /**
   * Connects the socket; see {@link #connect(SocketAddress)}.
   *
   * @throws UncheckedIOException where that would throw a SocketException
   */
  @Override
  public void connect(InetAddress address, int port) {
    if (address == null) {
      throw new IllegalArgumentException("Address can't be null");
    }
    try {
      connect(new InetSocketAddress(address, port));
    } catch (SocketException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Takes a {@link #connect} back; the local port stays the same. */
  @Override
  public void disconnect() {
    try {
      run(endpoint::disconnect);
    } catch (SocketException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public boolean isBound() {
    return endpoint.local() != null;
  }

  @Override
  public boolean isConnected() {
    return endpoint.remote() != null;
  }

  @Override
  public @Nullable InetAddress getInetAddress() {
    InetSocketAddress peer = endpoint.remote();
    return peer == null ? null : peer.getAddress();
  }

  @Override
  public int getPort() {
    InetSocketAddress peer = endpoint.remote();
    return peer == null ? -1 : peer.getPort();
  }

  @Override
  public @Nullable SocketAddress getRemoteSocketAddress() {
    return endpoint.remote();
  }

  @Override
  public @Nullable SocketAddress getLocalSocketAddress() {
    return isClosed() ? null : endpoint.local();
  }

  @Override
  public @Nullable InetAddress getLocalAddress() {
    if (isClosed()) {
      return null;
    }
    InetSocketAddress bound = endpoint.local();
    return bound == null ? new InetSocketAddress(0).getAddress() : bound.getAddress();
  }

  @Override
  public int getLocalPort() {
    if (isClosed()) {
      return -1;
    }
    InetSocketAddress bound = endpoint.local();
    return bound == null ? 0 : bound.getPort();
  }

  // ---- Groups

  /**
   * Joins a group: what is sent to it, and to the port of this socket, comes here too.
   *
   * @param group its address; the port does not matter
   * @param on the network interface to listen on; null is that of {@code IP_MULTICAST_IF}, or else
   *     the first one that is up and speaks multicast
   * @throws SocketException also when it is no group, or the socket is a member already
   */
  @Override
  public void joinGroup(SocketAddress group, @Nullable NetworkInterface on) throws IOException {
    InetAddress address = checkGroup(group);
    NetworkInterface chosen = on == null ? multicastInterface() : on;
    run(() -> endpoint.join(address, chosen));
  }

  /**
   * Leaves a group.
   *
   * @param on as it was joined
   * @throws SocketException also when the socket is not a member
   */
  @Override
  public void leaveGroup(SocketAddress group, @Nullable NetworkInterface on) throws IOException {
    InetAddress address = checkGroup(group);
    NetworkInterface chosen = on == null ? multicastInterface() : on;
    run(() -> endpoint.leave(address, chosen));
  }

  private static InetAddress checkGroup(SocketAddress group) throws SocketException {
    InetAddress address = checkInternet(group).getAddress();
    if (address == null || !address.isMulticastAddress()) {
      throw new SocketException("Not a multicast address: " + group);
    }
    return address;
  }

  private NetworkInterface multicastInterface() throws IOException {
    NetworkInterface set = getOption(StandardSocketOptions.IP_MULTICAST_IF);
    if (set != null) {
      return set;
    }
    for (var any : NetworkInterface.networkInterfaces().toList()) {
      if (any.isUp() && any.supportsMulticast()) {
        return any;
      }
    }
    throw new SocketException("no network interface that is up speaks multicast; name one");
  }

  // ---- Settings

  /**
   * Sets how long each call may take; null is for ever, the default, and zero only looks.
   *
   * @throws IllegalArgumentException when one is negative
   */
  public void setTimeouts(@Nullable Duration send, @Nullable Duration receive) {
    long sendNanos = Timeouts.nanos(send, "send");
    long receiveNanos = Timeouts.nanos(receive, "receive");
    endpoint.output.setTimeout(sendNanos);
    endpoint.input.setTimeout(receiveNanos);
  }

  @Override
  public void setSoTimeout(int millis) throws SocketException {
    if (millis < 0) {
      throw new IllegalArgumentException("timeout can't be negative: " + millis);
    }
    endpoint.checkOpen();
    endpoint.input.setTimeout(Timeouts.fromJavaNet(millis));
  }

  @Override
  public int getSoTimeout() throws SocketException {
    endpoint.checkOpen();
    return Timeouts.toJavaNet(endpoint.input.timeout());
  }

  @Override
  public void setSendBufferSize(int bytes) throws SocketException {
    set(StandardSocketOptions.SO_SNDBUF, checkBufferSize(bytes));
  }

  @Override
  public int getSendBufferSize() throws SocketException {
    return get(StandardSocketOptions.SO_SNDBUF);
  }

  @Override
  public void setReceiveBufferSize(int bytes) throws SocketException {
    set(StandardSocketOptions.SO_RCVBUF, checkBufferSize(bytes));
  }

  private static int checkBufferSize(int bytes) {
    if (bytes <= 0) {
      throw new IllegalArgumentException("a buffer cannot have " + bytes + " bytes");
    }
    return bytes;
  }

  @Override
  public int getReceiveBufferSize() throws SocketException {
    return get(StandardSocketOptions.SO_RCVBUF);
  }

  @Override
  public void setReuseAddress(boolean on) throws SocketException {
    set(StandardSocketOptions.SO_REUSEADDR, on);
  }

  @Override
  public boolean getReuseAddress() throws SocketException {
    return get(StandardSocketOptions.SO_REUSEADDR);
  }

  @Override
  public void setBroadcast(boolean on) throws SocketException {
    set(StandardSocketOptions.SO_BROADCAST, on);
  }

  @Override
  public boolean getBroadcast() throws SocketException {
    return get(StandardSocketOptions.SO_BROADCAST);
  }

  @Override
  public void setTrafficClass(int trafficClass) throws SocketException {
    if (trafficClass < 0 || trafficClass > 255) {
      throw new IllegalArgumentException("a traffic class is from 0 to 255, not " + trafficClass);
    }
    set(StandardSocketOptions.IP_TOS, trafficClass);
  }

  @Override
  public int getTrafficClass() throws SocketException {
    return get(StandardSocketOptions.IP_TOS);
  }

  private <T> void set(SocketOption<T> option, T value) throws SocketException {
    endpoint.checkOpen();
    try {
      endpoint.channel.setOption(option, value);
    } catch (SocketException e) {
      throw e;
    } catch (IOException e) {
      throw SocketOptionIds.asSocketException(e);
    }
  }

  private <T> T get(SocketOption<T> option) throws SocketException {
    T value = getOrNull(option);
    if (value == null) {
      throw new SocketException("socket option " + option.name() + " has no value");
    }
    return value;
  }

  private <T> @Nullable T getOrNull(SocketOption<T> option) throws SocketException {
    endpoint.checkOpen();
    try {
      return endpoint.channel.getOption(option);
    } catch (SocketException e) {
      throw e;
    } catch (IOException e) {
      throw SocketOptionIds.asSocketException(e);
    }
  }

  /**
   * Sets an option; those of {@link #supportedOptions}. An address is reused, or a port, only when
   * that is set before {@link #bind}.
   */
  @Override
  public <T> CopasDatagramSocket setOption(SocketOption<T> option, T value) throws IOException {
    set(option, value);
    return this;
  }

  @Override
  public <T> @Nullable T getOption(SocketOption<T> option) throws IOException {
    return getOrNull(option);
  }

  @Override
  public Set<SocketOption<?>> supportedOptions() {
    return endpoint.channel.supportedOptions();
  }

  /** None: as with every socket that did not come from a channel. */
  @Override
  public @Nullable DatagramChannel getChannel() {
    return null;
  }

  // ---- The end

  /**
   * Closes it and gives its port back: on return the port is free, unless a task holds the loop for
   * longer than {@link Options#closeTimeout}. In a task, a turn passes. Who waits on the socket
   * gets a {@link SocketException}. From any thread.
   */
  @Override
  public void close() {
    try {
      closeWithoutWaiting();
    } catch (IOException e) {
      Reports.warning("the datagram socket " + this + " could not be closed", e);
    }
    copas.machine.awaitCloses(Timeouts.nanos(copas.options.closeTimeout()));
  }

  void closeWithoutWaiting() throws IOException {
    endpoint.close();
  }

  @Override
  public boolean isClosed() {
    return endpoint.isClosed();
  }

  /** The address and port it is bound to, like {@code 127.0.0.1:7777}. */
  @Override
  public String toString() {
    InetSocketAddress bound = endpoint.local();
    return bound == null ? "unbound" : Addresses.format(bound);
  }
}
