package dev.copas.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Connects, has one echo, closes, waits for the other side's end, and again. */
final class ChurnLoad implements AutoCloseable {

  private static final int SIZE = 64;

  private final int port;
  private final int[] sockets;
  private final int[] received;
  private final boolean[] begun;
  private final Posix.Epoll epoll = new Posix.Epoll();
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment buffer = arena.allocate(4096);
  private int connected;
  private long rounds;

  ChurnLoad(int port, int atOnce) throws IOException {
    this.port = port;
    sockets = new int[atOnce];
    received = new int[atOnce];
    begun = new boolean[atOnce];
    for (int i = 0; i < atOnce; i++) {
      connect(i);
    }
  }

  private void connect(int number) throws IOException {
    sockets[number] = Posix.connect(port, connected++);
    received[number] = 0;
    begun[number] = false;
    epoll.add(sockets[number], Posix.EPOLLOUT, number);
  }

  void run(long nanos) throws IOException {
    long now = System.nanoTime();
    long end = now + nanos;
    long last = now;
    while (now < end) {
      int count = epoll.await(1);
      now = System.nanoTime();
      if (count > 0) {
        last = now;
      } else if (now - last > EchoLoad.PATIENCE_NANOS) {
        throw new IOException("no answer for ten seconds");
      }
      for (int i = 0; i < count; i++) {
        serve(epoll.number(i));
      }
    }
  }

  private void serve(int number) throws IOException {
    int socket = sockets[number];
    if (!begun[number]) {
      begun[number] = true;
      epoll.change(socket, Posix.EPOLLIN, number);
      if (Posix.send(socket, Stream.BYTES, Stream.at(number, 0), SIZE) != SIZE) {
        throw new IOException("a fresh connection has no room for " + SIZE + " bytes");
      }
      return;
    }
    int count = Posix.receive(socket, buffer);
    if (count > 0) {
      Stream.check(buffer, count, number, received[number]);
      received[number] += count;
      if (received[number] == SIZE) {
        Posix.shutdownOutput(socket);
      }
    } else if (count == 0) {
      if (received[number] != SIZE) {
        throw new IOException("the server closed a connection that had no answer yet");
      }
      Posix.close(socket);
      rounds++;
      connect(number);
    }
  }

  /** How many connections have come and gone since the last time this was asked. */
  long takeRounds() {
    long taken = rounds;
    rounds = 0;
    return taken;
  }

  @Override
  public void close() throws IOException {
    for (int socket : sockets) {
      Posix.reset(socket);
    }
    epoll.close();
    arena.close();
  }
}
