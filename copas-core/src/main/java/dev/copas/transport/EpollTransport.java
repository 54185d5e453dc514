package dev.copas.transport;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.net.InetAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.spi.AbstractInterruptibleChannel;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The fast transport of Linux: sockets and epoll, called directly.
 *
 * <p>Every descriptor has one owner: the channel that was made with it, from the first moment until
 * its close. A number that the system gives out again comes with another generation, so that an
 * event for the old socket, which may be under way, does not reach the new one.
 */
public final class EpollTransport implements Transport {

  private static final int EVENTS_PER_POLL = DueChannels.GROUP;
  private static final long WAKEUP = -1;
  private static final MemorySegment ONE = Arena.global().allocateFrom(Libc.UNALIGNED_LONG, 1);

  final Set<SocketOption<?>> streamOptions = EpollOptions.ofStreams();
  final Set<SocketOption<?>> listenerOptions = EpollOptions.ofListeners();
  final Set<SocketOption<?>> datagramOptions = EpollOptions.ofDatagrams();

  private final Arena arena = Arena.ofShared();

  /** Where the owner's calls leave their error number. */
  final MemorySegment error = arena.allocate(Libc.ERRNO_LAYOUT);

  private final MemorySegment events = arena.allocate(EVENTS_PER_POLL * Libc.EVENT_SIZE, 8);
  private final MemorySegment event = arena.allocate(Libc.EVENT_SIZE, 8);

  /** Where the owner's calls leave the address of a peer. */
  final MemorySegment peer = arena.allocate(SocketAddresses.MOST_BYTES, 8);

  final MemorySegment peerLength = arena.allocate(JAVA_INT);

  /** Where the owner puts the address that a datagram goes to: one at a time. */
  final SegmentAllocator targets =
      SegmentAllocator.prefixAllocator(arena.allocate(SocketAddresses.MOST_BYTES, 8));

  private final int epoll;
  private final int wakeup;
  private final int family;

  /** By descriptor. */
  private @Nullable EpollChannel[] channels = new EpollChannel[64];

  /** Those that are not registered yet: the threads that make them are not the owner. */
  private final Set<EpollChannel> fresh = ConcurrentHashMap.newKeySet();

  /** In the next poll, also those that wait for what they know to be there. */
  final DueChannels due = new DueChannels();

  private int generations;
  private int spare = EpollChannel.CLOSED;
  private Interruption interruption = new Interruption();

  private final AtomicInteger wakers = new AtomicInteger();
  private volatile boolean closed;

  public EpollTransport() throws IOException {
    epoll = checked(Libc.epollCreate(error));
    try {
      wakeup = wakeupInEpoll();
    } catch (IOException e) { // Out of descriptors, maybe: so none may be lost.
      EpollChannel.close(epoll);
      arena.close();
      throw e;
    }
    family = speaksIpv6() ? Libc.AF_INET6 : Libc.AF_INET;
    takeSpare();
  }

  private int wakeupInEpoll() throws IOException {
    int fd = checked(Libc.eventfd(error));
    try {
      add(fd, Libc.EPOLLIN | Libc.EPOLLET, WAKEUP);
      return fd;
    } catch (IOException e) {
      EpollChannel.close(fd);
      throw e;
    }
  }

  private int checked(int result) throws SocketException {
    if (result < 0) {
      throw Errors.exception(Libc.errno(error));
    }
    return result;
  }

  private boolean speaksIpv6() throws SocketException {
    if (Boolean.getBoolean("java.net.preferIPv4Stack")) {
      return false;
    }
    int fd = Libc.socket(error, Libc.AF_INET6, Libc.SOCK_STREAM);
    if (fd < 0) {
      return false;
    }
    EpollChannel.close(fd);
    return true;
  }

  // ---- Channels

  @Override
  public StreamChannel openStream() throws IOException {
    int fd = openSocket(family, Libc.SOCK_STREAM);
    EpollStream stream = opened(new EpollStream(this, fd, family));
    speakBothFamilies(stream);
    return stream;
  }

  @Override
  public ListenChannel openListener() throws IOException {
    int fd = openSocket(family, Libc.SOCK_STREAM);
    EpollListener listener = opened(new EpollListener(this, fd, family));
    speakBothFamilies(listener);
    listener.setOption(StandardSocketOptions.SO_REUSEADDR, true); // As a listening socket of NIO.
    return listener;
  }

  @Override
  public StreamChannel openUnixStream() throws IOException {
    return opened(new EpollStream(this, openSocket(Libc.AF_UNIX, Libc.SOCK_STREAM), Libc.AF_UNIX));
  }

  @Override
  public ListenChannel openUnixListener() throws IOException {
    return opened(
        new EpollListener(this, openSocket(Libc.AF_UNIX, Libc.SOCK_STREAM), Libc.AF_UNIX));
  }

  @Override
  public PacketChannel openPackets() throws IOException {
    int fd = openSocket(family, Libc.SOCK_DGRAM);
    EpollDatagram datagram = opened(new EpollDatagram(this, fd, family));
    speakBothFamilies(datagram);
    datagram.<@Nullable Void>use(number -> {
      EpollOptions.hearOwnGroupsOnly(number, family);
      return null;
    });
    return datagram;
  }

  private void speakBothFamilies(EpollChannel channel) throws IOException {
    if (family == Libc.AF_INET6) {
      channel.<@Nullable Void>use(fd -> {
        EpollOptions.speakBothFamilies(fd);
        return null;
      });
    }
  }

  /** From any thread. */
  private int openSocket(int family, int type) throws IOException {
    try (Arena mine = Arena.ofConfined()) {
      MemorySegment error = mine.allocate(Libc.ERRNO_LAYOUT);
      int fd = Libc.socket(error, family, type);
      if (fd < 0) {
        throw Errors.exception(Libc.errno(error));
      }
      return fd;
    }
  }

  private <T extends EpollChannel> T opened(T channel) throws IOException {
    fresh.add(channel);
    if (closed && fresh.remove(channel)) { // The close has come before that.
      channel.close();
      throw new IOException("the loop of this socket is closed");
    }
    return channel;
  }

  /** From now on it is told of everything that happens. */
  void register(EpollChannel channel) throws IOException {
    fresh.remove(channel);
    int fd = channel.fd;
    if (fd >= channels.length) {
      channels = Arrays.copyOf(channels, Math.max(fd + 1, 2 * channels.length));
    }
    channels[fd] = channel;
    int generation = nextGeneration();
    add(
        fd,
        Libc.EPOLLIN | Libc.EPOLLOUT | Libc.EPOLLRDHUP | Libc.EPOLLPRI | Libc.EPOLLET,
        (long) generation << 32 | fd);
    channel.generation = generation;
  }

  /** Never 0, which is no generation. */
  private int nextGeneration() {
    generations = generations == Integer.MAX_VALUE ? 1 : generations + 1;
    return generations;
  }

  private void add(int fd, int interest, long data) throws SocketException {
    event.set(JAVA_INT_UNALIGNED, 0, interest);
    event.set(Libc.UNALIGNED_LONG, Libc.EVENT_DATA, data);
    checked(Libc.epollCtl(error, epoll, Libc.EPOLL_CTL_ADD, fd, event));
  }

  /** The close of a descriptor does this, too. */
  void deregister(EpollChannel channel) throws SocketException {
    if (channel.generation != 0) {
      checked(Libc.epollCtl(error, epoll, Libc.EPOLL_CTL_DEL, channel.fd, event));
    }
  }

  void forget(EpollChannel channel) {
    int fd = channel.fd;
    if (fd != EpollChannel.CLOSED && fd < channels.length && channels[fd] == channel) {
      channels[fd] = null;
    }
    fresh.remove(channel);
  }

  /** The descriptor of the next connection, negative when there is none. */
  int accept(EpollListener listener) throws IOException {
    while (true) {
      peerLength.set(JAVA_INT, 0, SocketAddresses.MOST_BYTES);
      int fd = Libc.accept(error, listener.fd, peer, peerLength);
      if (fd >= 0) {
        return fd;
      }
      int errno = Libc.errno(error);
      if (errno == Errors.EAGAIN) {
        return fd;
      }
      if (errno != Errors.EINTR && errno != Errors.ECONNABORTED) {
        throw Errors.exception(errno);
      }
    }
  }

  /** Where the last connection that was accepted comes from. */
  @Nullable SocketAddress acceptedFrom() throws UnknownHostException {
    return SocketAddresses.decode(peer, peerLength.get(JAVA_INT, 0));
  }

  void giveUpSpare() throws IOException {
    if (spare != EpollChannel.CLOSED) {
      EpollChannel.close(spare);
      spare = EpollChannel.CLOSED;
    }
  }

  /** Without success when another thread was faster; then the next one that is closed may do. */
  void takeSpare() {
    spare = Math.max(Libc.eventfd(error), EpollChannel.CLOSED);
  }

  @Override
  public InetAddress @Nullable [] resolve(String host) {
    return null;
  }

  // ---- Readiness

  @Override
  public void poll(long nanos) throws IOException {
    int count =
        nanos <= 0 || !due.isEmpty()
            ? Libc.epollWait(error, epoll, events, EVENTS_PER_POLL, 0)
            : waitFor(millisRoundedUp(nanos));
    if (count < 0) {
      int errno = Libc.errno(error);
      if (errno != Errors.EINTR) {
        throw Errors.exception(errno);
      }
    }
    for (int i = 0; i < count; i++) {
      note(i * Libc.EVENT_SIZE);
    }
    due.tellGroup();
  }

  private int waitFor(int millis) {
    if (!interruption.begins()) {
      interruption = new Interruption();
      return 0;
    }
    int count = Libc.epollWait(error, epoll, events, EVENTS_PER_POLL, millis);
    if (!interruption.ends()) {
      interruption = new Interruption();
    }
    return count;
  }

  /** Rounded up, so that no timer is early and a last fraction of a millisecond does not spin. */
  private static int millisRoundedUp(long nanos) {
    return nanos == Long.MAX_VALUE
        ? -1
        : (int) Math.min(1 + TimeUnit.NANOSECONDS.toMillis(nanos - 1), Integer.MAX_VALUE);
  }

  /** First all are noted, then told: a listener that throws must not cost the others an edge. */
  private void note(long offset) {
    long data = events.get(Libc.UNALIGNED_LONG, offset + Libc.EVENT_DATA);
    if (data == WAKEUP) {
      return; // Edge-triggered: told again only after another write, so nobody need read it.
    }
    EpollChannel channel = channels[(int) data];
    if (channel != null && channel.generation == (int) (data >>> 32)) {
      channel.note(events.get(JAVA_INT_UNALIGNED, offset));
      due.add(channel);
    }
  }

  @Override
  public void finishCloses() {}

  // ---- Wake-ups

  @Override
  public void wakeup() {
    wakers.incrementAndGet();
    try {
      if (!closed) {
        try (Arena mine = Arena.ofConfined()) {
          Libc.write(mine.allocate(Libc.ERRNO_LAYOUT), wakeup, ONE);
        }
      }
    } finally {
      wakers.decrementAndGet();
    }
  }

  /** Has an interrupt of the thread end its wait, as NIO does; the status stays. */
  private final class Interruption extends AbstractInterruptibleChannel {

    boolean begins() {
      begin();
      return isOpen() || ends();
    }

    /** False when there was an interrupt, after which this is of no use any more. */
    boolean ends() {
      try {
        end(true);
        return isOpen();
      } catch (ClosedByInterruptException e) {
        return false;
      } catch (AsynchronousCloseException e) {
        throw new AssertionError(e);
      }
    }

    @Override
    protected void implCloseChannel() {
      wakeup();
    }
  }

  // ---- The end

  @Override
  public void close() throws IOException {
    closed = true;
    for (EpollChannel channel : channels) {
      if (channel != null) {
        closeOneOfMany(channel);
      }
    }
    for (EpollChannel channel : List.copyOf(fresh)) {
      if (fresh.remove(channel)) { // Who takes it out is who closes it.
        closeOneOfMany(channel);
      }
    }
    giveUpSpare();
    while (wakers.get() > 0) {
      Thread.onSpinWait();
    }
    EpollChannel.close(wakeup);
    EpollChannel.close(epoll);
    arena.close();
  }

  private static void closeOneOfMany(EpollChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      System.getLogger("dev.copas").log(System.Logger.Level.WARNING, "a socket is lost", e);
    }
  }
}
