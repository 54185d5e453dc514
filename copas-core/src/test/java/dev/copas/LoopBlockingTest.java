package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever a task waits for, be it Copas' or the JDK's, the loop goes on. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LoopBlockingTest {

  private static final int EACH = 100;

  /** How long each of the waits takes; the locks are handed on, each after its part of it. */
  private static final Duration WAIT = Duration.ofSeconds(1);

  private enum Kind {
    SLEEP,
    SOCKET,
    HTTP,
    LOCK,
    MONITOR,
    QUEUE
  }

  @Test
  void sixHundredBlockingCallsShareOneThreadAndAnEchoServerGoesOn() throws Exception {
    var done = new EnumMap<Kind, Integer>(Kind.class);
    var lock = new ReentrantLock();
    var monitor = new Object();
    var queue = new LinkedBlockingQueue<String>();
    var rounds = new AtomicInteger();
    try (var slow = new SlowServers(queue);
        var http = HttpClient.newHttpClient();
        var fixture = new LoopFixture()) {
      CopasServerSocket echo = fixture.echo();
      List<Task> tasks = new ArrayList<>();
      String[] carrier = new String[1];
      for (Kind kind : Kind.values()) {
        for (int i = 0; i < EACH; i++) {
          tasks.add(
              fixture.add(() -> {
                carrier[0] = LoopFixture.carrier();
                switch (kind) {
                  case SLEEP -> Thread.sleep(WAIT);
                  case SOCKET -> slow.readByte();
                  case HTTP -> assertEquals("hello", slow.get(http));
                  case LOCK -> {
                    lock.lock();
                    try {
                      Thread.sleep(WAIT.dividedBy(EACH));
                    } finally {
                      lock.unlock();
                    }
                  }
                  case MONITOR -> {
                    synchronized (monitor) {
                      Thread.sleep(WAIT.dividedBy(EACH));
                    }
                  }
                  case QUEUE -> assertEquals("item", queue.take());
                }
                assertEquals(carrier[0], LoopFixture.carrier());
                done.merge(kind, 1, Integer::sum); // A plain map: nobody comes in between.
              }));
        }
      }
      Thread client =
          Thread.ofPlatform()
              .start(() -> {
                try (var connection = LoopFixture.Client.of(echo.getLocalPort())) {
                  while (tasks.stream().anyMatch(task -> task.state() != Task.State.ENDED)) {
                    assertEquals("ping", connection.ask("ping"));
                    rounds.incrementAndGet();
                  }
                } catch (Exception e) {
                  throw new AssertionError(e);
                } finally {
                  fixture.copas.removeServer(echo);
                }
              });
      long begin = System.nanoTime();
      fixture.loop();
      Duration took = Duration.ofNanos(System.nanoTime() - begin);
      client.join();
      for (Kind kind : Kind.values()) {
        assertEquals(EACH, done.get(kind), kind.name());
      }
      assertTrue(took.compareTo(Duration.ofSeconds(15)) < 0, "took " + took);
      assertTrue(rounds.get() > 50, "echoes meanwhile: " + rounds);
    }
  }

  /** Servers on platform threads that let everybody wait. */
  private static final class SlowServers implements AutoCloseable {

    private final ServerSocket listener =
        new ServerSocket(0, 1000, InetAddress.getLoopbackAddress());
    private final HttpServer http =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1000);
    private final ExecutorService threads = Executors.newCachedThreadPool();

    SlowServers(LinkedBlockingQueue<String> queue) throws java.io.IOException {
      var allThere = new CountDownLatch(EACH);
      threads.execute(() -> serveBytes(allThere));
      http.setExecutor(threads);
      http.createContext(
          "/",
          exchange -> {
            sleep();
            exchange.sendResponseHeaders(200, 5);
            exchange
                .getResponseBody()
                .write("hello".getBytes(java.nio.charset.StandardCharsets.UTF_8));
            exchange.close();
          });
      http.start();
      threads.execute(() -> {
        sleep();
        queue.addAll(Collections.nCopies(EACH, "item"));
      });
    }

    private void serveBytes(CountDownLatch allThere) {
      try {
        List<Socket> sockets = new ArrayList<>();
        while (allThere.getCount() > 0) {
          sockets.add(listener.accept());
          allThere.countDown();
        }
        sleep();
        for (Socket socket : sockets) {
          socket.getOutputStream().write('!');
          socket.close();
        }
      } catch (java.io.IOException e) {
        throw new AssertionError(e);
      }
    }

    private static void sleep() {
      try {
        Thread.sleep(WAIT);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    void readByte() throws Exception {
      try (var socket = new Socket(listener.getInetAddress(), listener.getLocalPort())) {
        assertEquals('!', socket.getInputStream().read());
      }
    }

    String get(HttpClient client) throws Exception {
      var uri = URI.create("http://127.0.0.1:" + http.getAddress().getPort() + "/");
      return client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString()).body();
    }

    @Override
    public void close() throws java.io.IOException {
      http.stop(0);
      listener.close();
      threads.shutdownNow();
    }
  }

  // ---- finally, try-with-resources, catch

  /** A wait, and how somebody ends it in the ordinary way. */
  private record Wait(TaskBody body, Runnable end) {}

  private static Map<String, Wait> everyKindOfWait(LoopFixture fixture) throws Exception {
    var lock = new ReentrantLock();
    var monitor = new Object();
    boolean[] notified = {false};
    var semaphore = new Semaphore(0);
    var queue = new LinkedBlockingQueue<String>();
    var full = new ArrayBlockingQueue<String>(1);
    full.add("x");
    var latch = new CountDownLatch(1);
    CopasServerSocket server = fixture.copas.bind("127.0.0.1", 0);
    CopasSocket near = fixture.copas.connect("127.0.0.1", server.getLocalPort());
    CopasSocket far = server.accept();
    Task[] pausing = new Task[2];
    Task endless = fixture.add(Copas::pauseForever);
    lock.lock();
    Map<String, Wait> waits = new LinkedHashMap<>();
    waits.put(
        "pause",
        new Wait(
            () -> {
              pausing[0] = Copas.current();
              Copas.pause(Duration.ofDays(1));
            },
            () -> pausing[0].wakeup()));
    waits.put(
        "pauseForever",
        new Wait(
            () -> {
              pausing[1] = Copas.current();
              Copas.pauseForever();
            },
            () -> pausing[1].wakeup()));
    waits.put(
        "lock",
        new Wait(
            () -> {
              lock.lockInterruptibly();
              lock.unlock();
            },
            lock::unlock));
    waits.put(
        "monitor",
        new Wait(
            () -> {
              synchronized (monitor) {
                while (!notified[0]) {
                  monitor.wait();
                }
              }
            },
            () -> {
              synchronized (monitor) {
                notified[0] = true;
                monitor.notifyAll();
              }
            }));
    waits.put("semaphore", new Wait(semaphore::acquire, semaphore::release));
    waits.put("take", new Wait(queue::take, () -> queue.add("y")));
    waits.put("put", new Wait(() -> full.put("y"), full::poll));
    waits.put("latch", new Wait(latch::await, latch::countDown));
    waits.put("join", new Wait(endless::join, endless::wakeup));
    waits.put("receive", new Wait(near::receive, () -> uncheck(() -> far.send("z\n"))));
    waits.put(
        "accept",
        new Wait(
            () -> server.accept().close(),
            () ->
                uncheck(() -> fixture.copas.connect("127.0.0.1", server.getLocalPort()).close())));
    waits.put(
        "offload",
        new Wait(
            () ->
                fixture.copas.offload(() -> {
                  latch.await();
                  semaphore.acquire();
                }),
            semaphore::release));
    return waits;
  }

  private static void uncheck(TaskBody body) {
    try {
      body.run();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** What one task went through, in order. */
  private static void through(Wait wait, List<String> trace) throws Exception {
    try (AutoCloseable outer = () -> trace.add("closed outer");
        AutoCloseable inner = () -> trace.add("closed inner")) {
      assertTrue(outer != inner);
      try {
        wait.body().run();
        trace.add("went on");
      } catch (InterruptedException | java.io.InterruptedIOException e) {
        trace.add("caught");
        throw e;
      } finally {
        trace.add("finally");
        Copas.pause(); // A finally block may wait again.
      }
    }
  }

  @Test
  void finallyAndResourcesWorkAcrossEveryWaitThatEnds() {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        Map<String, Wait> waits = everyKindOfWait(fixture);
        Map<String, List<String>> traces = new LinkedHashMap<>();
        List<Task> tasks = start(fixture, waits, traces);
        LoopFixture.awaitWaiting(tasks);
        traces.forEach((name, trace) -> assertEquals(List.of(), trace, name));
        for (Wait wait : waits.values()) {
          wait.end().run();
        }
        for (Task task : tasks) {
          task.join();
        }
        traces.forEach((name, trace) ->
            assertEquals(
                List.of("went on", "finally", "closed inner", "closed outer"), trace, name));
        fixture.copas.exit();
      });
    }
  }

  @Test
  void finallyAndResourcesWorkAcrossEveryWaitThatIsCancelled() {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        Map<String, Wait> waits = everyKindOfWait(fixture);
        Map<String, List<String>> traces = new LinkedHashMap<>();
        List<Task> tasks = start(fixture, waits, traces);
        LoopFixture.awaitWaiting(tasks);
        tasks.forEach(Task::cancel);
        for (Task task : tasks) {
          task.join();
        }
        traces.forEach((name, trace) ->
            assertEquals(
                List.of("caught", "finally", "closed inner", "closed outer"), trace, name));
        fixture.copas.exit();
      });
    }
  }

  private static List<Task> start(
      LoopFixture fixture, Map<String, Wait> waits, Map<String, List<String>> traces) {
    List<Task> tasks = new ArrayList<>();
    waits.forEach((name, wait) -> {
      List<String> trace = new ArrayList<>();
      traces.put(name, trace);
      tasks.add(fixture.copas.addThread(name, () -> through(wait, trace)));
    });
    return tasks;
  }

  @Test
  void anExceptionKeepsTheWholeStackOfItsHandlerAcrossWaits() throws Exception {
    var thrown = new Throwable[1];
    try (var fixture = new LoopFixture()) {
      fixture.copas.setErrorHandler((error, task, socket) -> thrown[0] = error);
      fixture.add(LoopBlockingTest::outermost);
      fixture.loop();
    }
    @Nullable Throwable error = thrown[0];
    assertSame(IllegalArgumentException.class, error.getClass());
    List<String> methods = new ArrayList<>();
    for (StackTraceElement element : error.getStackTrace()) {
      methods.add(element.getMethodName());
    }
    assertTrue(methods.containsAll(List.of("innermost", "middle", "outermost")), methods::toString);
  }

  private static void outermost() throws Exception {
    Copas.pause();
    middle();
  }

  private static void middle() throws Exception {
    Copas.pause(Duration.ofMillis(1));
    innermost();
  }

  private static void innermost() throws Exception {
    Thread.sleep(1);
    throw new IllegalArgumentException("here");
  }
}
