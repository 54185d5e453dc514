package dev.copas;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.loop.Clock;
import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.function.Executable;

/** A Copas for a test of the loop: what its tasks throw, fails the test. */
final class LoopFixture implements AutoCloseable {

  final Copas copas;
  private final Queue<Throwable> errors = new ConcurrentLinkedQueue<>();

  LoopFixture() {
    this(Options.defaults());
  }

  LoopFixture(Options options) {
    this(Modes.create(options));
  }

  LoopFixture(Options options, Clock clock) throws IOException {
    this(Modes.create(options, clock));
  }

  private LoopFixture(Copas copas) {
    this.copas = copas;
    copas.setErrorHandler((error, task, socket) -> failed(error));
  }

  /** A test that has failed shall not wait for its other tasks. */
  private void failed(Throwable error) {
    errors.add(error);
    copas.stop(Duration.ZERO);
  }

  /** Runs one task and everything that it starts. */
  static void run(TaskBody body) {
    try (var fixture = new LoopFixture()) {
      fixture.loop(body);
    }
  }

  Task add(TaskBody body) {
    return copas.addThread(body);
  }

  void loop() {
    copas.loop();
    check();
  }

  void loop(TaskBody init) {
    copas.loop(init);
    check();
  }

  /** Starts the loop and waits until its thread is in it. */
  void start() throws InterruptedException {
    copas.start();
    eventually(copas.machine::isTurning);
  }

  /** An echo server of lines; `quit` ends a connection. */
  CopasServerSocket echo() throws IOException {
    CopasServerSocket server = copas.bind("127.0.0.1", 0);
    copas.addServer(server, LoopFixture::echo);
    return server;
  }

  static void echo(CopasSocket socket) throws IOException {
    for (String line; (line = socket.receive()) != null && !line.equals("quit"); ) {
      socket.send(line + "\n");
    }
  }

  void check() {
    Throwable first = errors.poll();
    if (first != null) {
      errors.forEach(first::addSuppressed);
      errors.clear();
      throw new AssertionError("a task failed", first);
    }
  }

  @Override
  public void close() {
    copas.close();
    check();
  }

  /** An exception whose message tells its reader this. */
  static void assertSays(String part, Class<? extends Throwable> type, Executable call) {
    Throwable thrown = assertThrows(type, call);
    assertTrue(String.valueOf(thrown.getMessage()).contains(part), () -> "says: " + thrown);
  }

  /** The name of the platform thread that carries the caller, which is a virtual one. */
  static String carrier() {
    String text = Thread.currentThread().toString();
    return text.substring(text.lastIndexOf('@') + 1);
  }

  /** Waits for it, whatever happens to the task. */
  static void awaitStubbornly(CountDownLatch latch) {
    boolean over = false;
    while (!over) {
      try {
        latch.await();
        over = true;
      } catch (InterruptedException e) {
        // A task that does this is let go.
      }
    }
  }

  /** In a task: lets others run until all of these wait for something, or have ended. */
  static void awaitWaiting(List<Task> tasks) throws InterruptedException {
    while (tasks.stream().anyMatch(task -> task.state() == Task.State.ACTIVE)) {
      Copas.pause();
    }
  }

  /** Waits for what another thread brings about, and does not tell. */
  static void eventually(BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, "it did not happen within 20 s");
      Thread.sleep(1);
    }
  }

  /** A blocking client on a platform thread. */
  record Client(Socket socket, BufferedReader in) implements AutoCloseable {

    static Client of(int port) throws IOException {
      var socket = new Socket(InetAddress.getLoopbackAddress(), port);
      socket.setSoTimeout(20_000);
      socket.setTcpNoDelay(true);
      var in = new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8);
      return new Client(socket, new BufferedReader(in));
    }

    String ask(String line) throws IOException {
      socket.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
      String answer = in.readLine();
      if (answer == null) {
        throw new EOFException("the server closed the connection");
      }
      return answer;
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  /** What the library logs while this is open; it goes nowhere else. */
  static class Log extends Handler implements AutoCloseable {

    private static final Logger LOGGER = Logger.getLogger("dev.copas");

    private final BlockingQueue<LogRecord> records = new LinkedBlockingQueue<>();

    Log() {
      LOGGER.setUseParentHandlers(false);
      LOGGER.addHandler(this);
    }

    /** The next report with this text. */
    LogRecord await(String text) throws InterruptedException {
      while (true) {
        LogRecord next = records.poll(20, TimeUnit.SECONDS);
        assertNotNull(next, "nothing with \"" + text + "\" was logged");
        if (next.getMessage().contains(text)) {
          return next;
        }
      }
    }

    List<LogRecord> soFar() {
      return List.copyOf(records);
    }

    @Override
    public void publish(LogRecord record) {
      records.add(record);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
      LOGGER.removeHandler(this);
      LOGGER.setUseParentHandlers(true);
    }
  }
}
