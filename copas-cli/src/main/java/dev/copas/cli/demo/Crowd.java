package dev.copas.cli.demo;

import dev.copas.Copas;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.SingleWriterRecorder;
import org.jspecify.annotations.Nullable;

/**
 * The clients of a server, on a loop of their own.
 *
 * <p>They speak one after the other at a steady rate, however long the server takes: a server that
 * is late finds more to do, as it would with people.
 */
final class Crowd implements AutoCloseable {

  /** How many clients are in a room, and hear what one of them says. */
  private static final int ROOM = 10;

  /** One of so many clients asks, when they are told to. */
  private static final int ASKS = 4;

  /** How often each client says something. */
  private static final Duration SILENCE = Duration.ofSeconds(2);

  private static final Duration BETWEEN_QUESTIONS = Duration.ofMillis(1);

  private final Copas copas = Copas.create();
  private final SingleWriterRecorder delays = new SingleWriterRecorder(3);
  private final List<Client> clients;
  private volatile @Nullable Throwable failure;

  /** Connects, and begins to speak. */
  Crowd(int port, int size) throws IOException {
    copas.setErrorHandler((error, task, socket) -> failed(error));
    copas.start();
    clients = connect(port, size);
    for (Client client : clients) {
      copas.addThread(client::listen);
    }
    copas.addThread(this::speak);
  }

  /** The first failure tells what has happened; others may only follow from it. */
  private void failed(Throwable error) {
    if (failure == null) {
      failure = error;
    }
  }

  private List<Client> connect(int port, int size) throws IOException {
    var connected = new ArrayList<Client>(size);
    for (int i = 0; i < size; i++) {
      var socket = copas.connect("127.0.0.1", port);
      connected.add(new Client(socket, "room-" + i / ROOM, delays));
    }
    return connected;
  }

  private void speak() throws IOException, InterruptedException {
    long interval = SILENCE.dividedBy(clients.size()).toNanos();
    long due = copas.nanoTime();
    while (true) {
      for (Client client : clients) {
        Copas.pause(Duration.ofNanos(due - copas.nanoTime()));
        if (!client.waits()) { // Then the next one speaks instead, so the rate stays as it is.
          client.speak();
          due += interval;
        }
      }
    }
  }

  /** How many messages a second arrive at so many clients. */
  static double rate(int size) {
    return (double) size * ROOM / SILENCE.toSeconds();
  }

  /** How many clients ask when {@link #ask} is called. */
  static int asking(int size) {
    return size / ASKS;
  }

  /** Lets one of four clients ask something, and then be silent until it has its answer. */
  void ask() {
    copas.addThread(() -> {
      for (int i = 0; i < asking(clients.size()); i++) {
        clients.get(i * ASKS).ask();
        Copas.pause(BETWEEN_QUESTIONS);
      }
    });
  }

  /** How many clients have asked and have no answer yet. */
  int waiting() {
    return (int) clients.stream().filter(Client::waits).count();
  }

  /**
   * What each message that has arrived since the last call took on its way, in microseconds.
   *
   * @throws IOException when a client has lost its connection
   */
  Histogram delays() throws IOException {
    if (failure != null) {
      throw new IOException("a client has failed: " + failure.getMessage(), failure);
    }
    return delays.getIntervalHistogram();
  }

  /** Watches a server's loop from this one. */
  void watch(LagProbe probe) {
    copas.addThread(probe::watch);
  }

  @Override
  public void close() {
    copas.close();
  }
}
