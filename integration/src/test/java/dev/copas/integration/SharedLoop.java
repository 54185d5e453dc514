package dev.copas.integration;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.CopasServerSocket;
import dev.copas.Options;
import dev.copas.Task;
import dev.copas.TaskBody;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A loop that serves echo clients while tasks of the test wait for something else on it: whether
 * they hold it shows in what the clients get.
 */
final class SharedLoop implements AutoCloseable {

  private static final Duration BETWEEN_ECHOES = Duration.ofMillis(5);

  final Copas copas;
  private final int port;

  SharedLoop() throws Exception {
    this(Options.defaults());
  }

  SharedLoop(Options options) throws Exception {
    copas = Modes.create(options);
    CopasServerSocket server = copas.bind("127.0.0.1", 0);
    port = server.getLocalPort();
    copas.addServer(
        server,
        socket -> {
          for (String line; (line = socket.receive()) != null; ) {
            socket.send(line + "\n");
          }
        });
    copas.start();
  }

  /**
   * What happened while some tasks ran.
   *
   * @param took how long the last of them took
   * @param echoes how many lines a client that asked all the time got back meanwhile
   */
  record Outcome(Duration took, int echoes) {

    /** All waited at the same time, and others were served. */
    void assertWaitedTogether(int tasks, Duration each) {
      Duration oneByOne = each.multipliedBy(tasks);
      assertTrue(took.compareTo(oneByOne.dividedBy(3)) < 0, () -> "one by one: " + this);
      assertTrue(took.compareTo(each) >= 0, () -> "nobody waited: " + this);
      long possible = each.dividedBy(BETWEEN_ECHOES);
      assertTrue(echoes >= possible / 10, () -> "others were not served: " + this);
    }
  }

  /** Runs the body in so many tasks at once, until all have ended; fails when one does. */
  Outcome run(int tasks, TaskBody body) throws Exception {
    try (var client = new EchoClient()) {
      long start = System.nanoTime();
      runAll(tasks, body);
      return new Outcome(Duration.ofNanos(System.nanoTime() - start), client.echoes());
    }
  }

  private void runAll(int count, TaskBody body) throws Exception {
    var failures = new ConcurrentLinkedQueue<Throwable>();
    List<Task> tasks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      tasks.add(
          copas.addThread(() -> {
            try {
              body.run();
            } catch (Throwable e) { // Assertions of the test are errors.
              failures.add(e);
            }
          }));
    }
    for (Task task : tasks) {
      assertTrue(task.join(Duration.ofSeconds(60)), () -> "does not end: " + task);
    }
    if (!failures.isEmpty()) {
      var failure = new AssertionError(failures.size() + " of " + count + " tasks failed");
      failures.forEach(failure::addSuppressed);
      throw failure;
    }
  }

  /**
   * Cancels a task while it waits in a call of this name, and returns what the body throws then,
   * null if nothing; fails when it does not end.
   */
  @Nullable Exception cancelIn(String method, TaskBody body) throws Exception {
    var outcome = new CompletableFuture<@Nullable Exception>();
    var thread = new CompletableFuture<Thread>();
    Task task =
        copas.addThread(() -> {
          thread.complete(Thread.currentThread());
          try {
            body.run();
            outcome.complete(null);
          } catch (Exception e) {
            outcome.complete(e);
          } catch (Throwable e) {
            outcome.completeExceptionally(e);
          }
        });
    while (!outcome.isDone() && !isWaitingIn(method, thread.get())) {
      Thread.sleep(20);
    }
    task.cancel();
    return outcome.get(20, TimeUnit.SECONDS);
  }

  private static boolean isWaitingIn(String method, Thread thread) {
    return EnumSet.of(Thread.State.WAITING, Thread.State.TIMED_WAITING).contains(thread.getState())
        && Stream.of(thread.getStackTrace()).anyMatch(f -> f.getMethodName().equals(method));
  }

  /** Asks and gets its answer, again and again, on a thread of its own. */
  private final class EchoClient implements AutoCloseable {

    private final Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    private final AtomicInteger echoes = new AtomicInteger();
    private final Thread thread = Thread.ofPlatform().name("echo-client").start(this::run);

    EchoClient() throws IOException {}

    private void run() {
      try {
        var answers = new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
        while (true) {
          socket.getOutputStream().write("hello\n".getBytes(UTF_8));
          if (!"hello".equals(answers.readLine())) {
            return;
          }
          echoes.incrementAndGet();
          Thread.sleep(BETWEEN_ECHOES);
        }
      } catch (Exception e) {
        // Closed: the test has seen enough.
      }
    }

    int echoes() {
      return echoes.get();
    }

    @Override
    public void close() throws IOException {
      socket.close();
      thread.interrupt();
    }
  }

  @Override
  public void close() {
    copas.close();
  }
}
