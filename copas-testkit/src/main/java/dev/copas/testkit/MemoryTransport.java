package dev.copas.testkit;

import dev.copas.transport.ListenChannel;
import dev.copas.transport.PacketChannel;
import dev.copas.transport.StreamChannel;
import dev.copas.transport.Transport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/** A network in memory, on one machine of its own. */
final class MemoryTransport implements Transport {

  private static final InetAddress EVERYBODY = InetAddress.ofLiteral("255.255.255.255");

  final VirtualClock clock;
  final Hosts hosts = new Hosts();
  final Ports ports = new Ports(hosts);
  final Ports packetPorts = new Ports(hosts);
  final Paths paths = new Paths();
  private final RandomGenerator random;
  private final Trace trace;
  private final Budget budget;
  private final Set<MemoryChannel> open = Collections.synchronizedSet(new LinkedHashSet<>());
  private final Semaphore wakeups = new Semaphore(0);

  /**
   * All that are ready, and others that may be. Options, which may matter, come from any thread.
   */
  private final Set<MemoryChannel> candidates = Collections.synchronizedSet(new LinkedHashSet<>());

  private List<String> leaks = List.of();
  private Faults faults = Faults.none();

  MemoryTransport(VirtualClock clock, RandomGenerator random, Trace trace, Budget budget) {
    this.clock = clock;
    this.random = random;
    this.trace = trace;
    this.budget = budget;
  }

  void setFaults(Faults faults) {
    this.faults = faults;
  }

  @Override
  public StreamChannel openStream() {
    return new MemoryStream(this, StoredOptions.forStream());
  }

  @Override
  public ListenChannel openListener() {
    return new MemoryListener(this, StoredOptions.forListener());
  }

  @Override
  public StreamChannel openUnixStream() {
    return new MemoryStream(this, StoredOptions.forUnixStream());
  }

  @Override
  public ListenChannel openUnixListener() {
    return new MemoryListener(this, StoredOptions.forUnixListener());
  }

  @Override
  public PacketChannel openPackets() {
    return new MemoryDatagram(this);
  }

  @Override
  public InetAddress[] resolve(String host) {
    return hosts.resolve(host);
  }

  // ---- For the channels

  void opened(MemoryChannel channel) {
    open.add(channel);
  }

  void closed(MemoryChannel channel) {
    open.remove(channel);
    ports.giveBack(channel);
    packetPorts.giveBack(channel);
    paths.giveBack(channel);
  }

  /** Has the next poll look whether the channel is ready. */
  void mayBeReady(MemoryChannel channel) {
    candidates.add(channel);
  }

  /** Has something happen after a time on the way; without latency, at once or in the next poll. */
  void soon(Runnable arrival) {
    long latency = drawLatency();
    if (latency == 0 && random.nextBoolean()) {
      arrival.run();
    } else {
      clock.at(clock.nanoTime() + latency, arrival);
    }
  }

  long drawLatency() {
    return faults.drawLatency(random);
  }

  int drawPiece(int count) {
    return faults.drawPiece(count, random);
  }

  Faults.Fate[] drawFates() {
    return faults.drawFates(random);
  }

  int drawCopies() {
    return faults.drawCopies(random);
  }

  long drawOvertaken() {
    return faults.drawOvertaken(random);
  }

  static boolean isBroadcast(InetAddress address) {
    return address.equals(EVERYBODY);
  }

  /** Who is there for a datagram; only one of them gets it, unless it is for many. */
  List<MemoryDatagram> receiversAt(InetSocketAddress target) {
    InetAddress address = target.getAddress();
    var receivers = new ArrayList<MemoryDatagram>();
    for (MemoryChannel holder : packetPorts.holders(target.getPort())) {
      if (holder instanceof MemoryDatagram datagram && datagram.hears(address)) {
        receivers.add(datagram);
      }
    }
    return receivers;
  }

  /** Where a connection to this address goes. */
  InetSocketAddress concrete(InetSocketAddress target) {
    return target.getAddress().isAnyLocalAddress()
        ? new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), target.getPort())
        : target;
  }

  /** Where a connection to this address comes from, unless its maker says so. */
  InetAddress sourceFor(InetAddress target) {
    return hosts.has(target) ? target : InetAddress.ofLiteral("127.0.0.1");
  }

  void note(String who, String what, long amount) {
    trace.add(clock.elapsed(), who, what, amount);
  }

  // ---- Readiness

  @Override
  public void poll(long nanos) {
    budget.use();
    clock.runDue();
    if (report() || nanos == 0) {
      wakeups.drainPermits();
    } else {
      awaitWakeup(nanos);
    }
  }

  /** Whether a poll would not wait. */
  boolean hasSomething() {
    return wakeups.availablePermits() > 0 || !findReady().isEmpty();
  }

  /**
   * Lets real time pass, until another thread has something.
   *
   * @return false when none had in so long a time
   */
  boolean awaitWakeup(long nanos) {
    try {
      boolean woken = wakeups.tryAcquire(nanos, TimeUnit.NANOSECONDS);
      wakeups.drainPermits();
      return woken;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  /** Reports what is ready, in an order that the seed decides; false when nothing is. */
  private boolean report() {
    List<MemoryChannel> ready = findReady();
    for (int left = ready.size(); left > 0; left--) {
      int index = random.nextInt(left);
      MemoryChannel channel = ready.get(index);
      ready.set(index, ready.get(left - 1));
      channel.report();
    }
    return !ready.isEmpty();
  }

  private List<MemoryChannel> findReady() {
    candidates.removeIf(channel -> !channel.isReady());
    return new ArrayList<>(candidates);
  }

  @Override
  public void wakeup() {
    wakeups.release();
  }

  // ---- The end

  /** Closing is complete at once. */
  @Override
  public void finishCloses() {}

  @Override
  public void close() throws IOException {
    var left = List.copyOf(open);
    leaks = left.stream().map(MemoryChannel::toString).toList();
    for (MemoryChannel channel : left) {
      channel.close();
    }
  }

  /** What was open when the transport was closed. */
  List<String> leaks() {
    return leaks;
  }
}
