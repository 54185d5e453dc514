package dev.copas.cli.demo;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A service that the chat depends on, say a database: it gives an answer each millisecond, but
 * hangs now and then. Plain blocking java.net on both sides; nothing in here knows of Copas or
 * Netty.
 */
final class Backend implements AutoCloseable {

  private static final byte[] QUESTION = "what time is it?".getBytes(UTF_8);
  private static final byte[] ANSWER = "time for tea".getBytes(UTF_8);

  private static final int BACKLOG = 4096;

  private static final long ONE_ANSWER = TimeUnit.MILLISECONDS.toNanos(1);

  private final ServerSocket server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final AtomicInteger callers = new AtomicInteger();

  /** When the last of those who have asked by now gets its answer. */
  private final AtomicLong lastAnswer = new AtomicLong(System.nanoTime());

  Backend() throws IOException {
    server = new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress());
    threads.execute(this::accept);
  }

  /** Asks the backend, and blocks until it answers. */
  String ask() throws IOException {
    callers.incrementAndGet();
    try (var socket = new Socket(server.getInetAddress(), server.getLocalPort())) {
      socket.getOutputStream().write(QUESTION);
      return new String(socket.getInputStream().readAllBytes(), UTF_8);
    } finally {
      callers.decrementAndGet();
    }
  }

  /** How many threads are in {@link #ask}. */
  int callers() {
    return callers.get();
  }

  /** From now on, and for so long, nobody gets an answer. */
  void hang(Duration time) {
    lastAnswer.set(System.nanoTime() + time.toNanos());
  }

  private void accept() {
    try {
      while (true) {
        serve(server.accept());
      }
    } catch (IOException e) {
      // The demo is over.
    }
  }

  private void serve(Socket caller) throws IOException {
    try {
      threads.execute(() -> answer(caller));
    } catch (RejectedExecutionException e) {
      caller.close(); // It came when the demo was over.
    }
  }

  private void answer(Socket caller) {
    try (caller) {
      caller.getInputStream().readNBytes(QUESTION.length);
      awaitTurn();
      caller.getOutputStream().write(ANSWER);
    } catch (IOException | InterruptedException e) {
      // The demo is over.
    }
  }

  private void awaitTurn() throws InterruptedException {
    long now = System.nanoTime();
    long turn = lastAnswer.updateAndGet(last -> Math.max(last, now) + ONE_ANSWER);
    TimeUnit.NANOSECONDS.sleep(turn - now);
  }

  /** Whoever waits for an answer now gets none. */
  @Override
  public void close() throws IOException {
    server.close();
    threads.shutdownNow();
  }
}
