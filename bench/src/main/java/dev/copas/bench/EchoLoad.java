package dev.copas.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.HdrHistogram.Histogram;

/**
 * Connections that send messages and wait for their echo, each with so many on the way at a time.
 * One thread, which checks every byte that comes.
 */
final class EchoLoad implements AutoCloseable {

  /** Fewer than any backlog. */
  private static final int AT_ONCE = 100;

  static final long PATIENCE_NANOS = 10_000_000_000L;

  private final int size;
  private final int inFlight;
  private final int[] sockets;
  private final long[] sent;
  private final long[] received;

  private final boolean[] waitsForRoom;

  /** When each message that is on the way was sent; those of one connection side by side. */
  private final long[] sentAt;

  private final Posix.Epoll epoll = new Posix.Epoll();
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment buffer = arena.allocate(64 * 1024, 64);
  private Histogram latency = new Histogram(3);
  private long answers;
  private boolean begun;

  EchoLoad(int port, int connections, int size, int inFlight) throws IOException {
    this.size = size;
    this.inFlight = inFlight;
    sockets = new int[connections];
    sent = new long[connections];
    received = new long[connections];
    waitsForRoom = new boolean[connections];
    Arrays.fill(waitsForRoom, true);
    sentAt = new long[connections * inFlight];
    Arrays.fill(sockets, -1);
    for (int i = 0; i < connections; i++) {
      sockets[i] = Posix.connect(port, i);
      epoll.add(sockets[i], Posix.EPOLLOUT, i);
      if (i % AT_ONCE == AT_ONCE - 1 || i == connections - 1) {
        letThemHaveAnAnswer(i + 1);
      }
    }
  }

  /** A backlog is only so long; who does not fit into it would try again after a second. */
  private void letThemHaveAnAnswer(int opened) throws IOException {
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (answers < opened) {
      runOnce();
      if (System.nanoTime() > end) {
        throw new IOException(answers + " of " + opened + " connections had an answer in 10 s");
      }
    }
  }

  /** From now on all of them have as many messages on the way as they may. */
  void begin() throws IOException {
    begun = true;
    Arrays.fill(sentAt, System.nanoTime());
    for (int i = 0; i < sockets.length; i++) {
      goOnSending(i);
    }
  }

  /** Goes on for so long. */
  void run(long nanos) throws IOException {
    long now = System.nanoTime();
    long end = now + nanos;
    long last = now;
    while (now < end) {
      boolean some = runOnce();
      now = System.nanoTime();
      if (some) {
        last = now;
      } else if (now - last > PATIENCE_NANOS) {
        throw new IOException("no answer for ten seconds");
      }
    }
  }

  /** Goes on until every connection has had this many answers. */
  void runUntilEachHad(int wanted) throws IOException {
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (Arrays.stream(received).anyMatch(bytes -> bytes < (long) wanted * size)) {
      run(1_000_000);
      if (System.nanoTime() > end) {
        throw new IOException("not every connection has had an answer for ten seconds");
      }
    }
  }

  private boolean runOnce() throws IOException {
    int count = epoll.await(1);
    for (int i = 0; i < count; i++) {
      serve(epoll.number(i), epoll.what(i));
    }
    return count > 0;
  }

  private void serve(int number, int what) throws IOException {
    if ((what & Posix.EPOLLOUT) != 0) {
      goOnSending(number);
    }
    if ((what & ~Posix.EPOLLOUT) != 0) {
      receive(number);
    }
  }

  private void receive(int number) throws IOException {
    int count = Posix.receive(sockets[number], buffer);
    if (count == 0) {
      throw new IOException("the server has closed connection " + number);
    }
    if (count < 0) {
      return;
    }
    Stream.check(buffer, count, number, received[number]);
    long before = received[number] / size;
    received[number] += count;
    long done = received[number] / size;
    if (done > before) {
      long now = System.nanoTime();
      for (long message = before; message < done; message++) {
        int slot = number * inFlight + (int) (message % inFlight);
        latency.recordValue(now - sentAt[slot]);
        sentAt[slot] = now;
      }
      answers += done - before;
      goOnSending(number);
    }
  }

  private void goOnSending(int number) throws IOException {
    long allowed = begun ? received[number] / size + inFlight : 1;
    long wanted = allowed * size - sent[number];
    if (wanted > 0) {
      long from = Stream.at(number, sent[number]);
      int count = Posix.send(sockets[number], Stream.BYTES, from, wanted);
      sent[number] += count;
      waitForRoom(number, count < wanted);
    }
  }

  private void waitForRoom(int number, boolean waits) throws IOException {
    if (waitsForRoom[number] != waits) {
      waitsForRoom[number] = waits;
      int interest = waits ? Posix.EPOLLIN | Posix.EPOLLOUT : Posix.EPOLLIN;
      epoll.change(sockets[number], interest, number);
    }
  }

  /** How many messages have come back since the last time this was asked. */
  long takeAnswers() {
    long taken = answers;
    answers = 0;
    return taken;
  }

  /** Nanoseconds from send to echo since the last time this was asked. */
  Histogram takeLatency() {
    Histogram taken = latency;
    latency = new Histogram(3);
    return taken;
  }

  @Override
  public void close() throws IOException {
    for (int socket : sockets) {
      if (socket >= 0) {
        Posix.reset(socket);
      }
    }
    epoll.close();
    arena.close();
  }
}
