package dev.copas;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What broke once. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RobustnessTest {

  private static final InetAddress LOCAL = InetAddress.getLoopbackAddress();

  /** The JDK resubmits a virtual thread whose stack was taken, also when it is queued already. */
  @Test
  void takingStacksOfTasksLosesAndDoublesNone() throws Exception {
    int count = 30;
    int rounds = 300;
    try (var copas = Modes.create()) {
      var queue = new LinkedBlockingQueue<Integer>();
      var ended = new int[1];
      List<Task> tasks = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int kind = i % 3;
        tasks.add(
            copas.addThread(() -> {
              for (int round = 0; round < rounds; round++) {
                switch (kind) {
                  case 0 -> Copas.pause();
                  case 1 -> {
                    queue.add(round);
                    queue.take();
                  }
                  default -> Copas.pause(Duration.ofNanos(1000));
                }
              }
              ended[0]++;
            }));
      }
      var sampling = new AtomicBoolean(true);
      Thread sampler =
          Thread.ofPlatform()
              .start(() -> {
                while (sampling.get()) {
                  tasks.forEach(task -> task.coroutine().thread().getStackTrace());
                }
              });
      copas.loop();
      sampling.set(false);
      sampler.join();
      assertEquals(count, ended[0]);
    }
  }

  @Test
  void theWatchdogDoesNotBreakAWaitThatComesAfterALongComputation() {
    var limit = Duration.ofMillis(4);
    var errors = new ArrayList<Throwable>();
    try (var copas = Modes.create(Options.defaults().watchdogLimit(limit))) {
      copas.setErrorHandler((e, task, socket) -> errors.add(e));
      copas.loop(() -> {
        for (int i = 0; i < 60; i++) {
          long end = System.nanoTime() + limit.toNanos() + i * 50_000L;
          while (System.nanoTime() < end) {
            Thread.onSpinWait();
          }
          Copas.pause(Duration.ofMillis(1));
        }
      });
    }
    assertEquals(List.of(), errors);
  }

  @RepeatedTest(20)
  void aCallOfAnotherThreadIsNotStrandedWhenTheLoopReturns(RepetitionInfo repetition)
      throws Exception {
    try (var copas = Modes.create();
        var peer = new ServerSocket(0, 50, LOCAL)) {
      copas.start();
      var calls =
          new FutureTask<@Nullable Void>(() -> {
            while (true) {
              try {
                copas.connect("127.0.0.1", peer.getLocalPort()).close();
              } catch (IOException | IllegalStateException e) {
                return null;
              }
            }
          });
      Thread.ofPlatform().start(calls);
      for (int i = 0; i < repetition.getCurrentRepetition(); i++) {
        peer.accept().close();
      }
      copas.stop(Duration.ZERO);
      calls.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void tasksThatACloseHasToGiveUpDoNotWaitForEver() throws Exception {
    List<Task> tasks = new ArrayList<>();
    try (var copas = Modes.create(Options.defaults().closeTimeout(Duration.ofMillis(50)));
        var peer = new ServerSocket(0, 50, LOCAL)) {
      copas.start();
      CopasSocket socket = copas.connect("127.0.0.1", peer.getLocalPort());
      tasks.add(copas.addThread(() -> stubborn(() -> Copas.pause(Duration.ofDays(1)))));
      tasks.add(copas.addThread(() -> stubborn(Copas::pauseForever)));
      tasks.add(copas.addThread(() -> stubborn(socket::receive)));
      for (Task task : tasks) {
        LoopFixture.eventually(() -> task.state() == Task.State.WAITING);
      }
    }
    for (Task task : tasks) {
      assertTrue(task.join(Duration.ofSeconds(20)), task.toString());
    }
  }

  /** Goes on whatever its waits say, for a while. */
  private static void stubborn(CheckedRunnable<Exception> wait) {
    for (int i = 0; i < 1000; i++) {
      try {
        wait.run();
      } catch (IllegalStateException e) {
        return; // No task of a loop any more.
      } catch (Exception e) {
        // Cancelled: never mind.
      }
    }
  }

  @Test
  void aClosedCopasGivesBackPortsThatNobodyEverServed() throws Exception {
    int port;
    try (var copas = Modes.create()) {
      port = copas.bind("127.0.0.1", 0).getLocalPort();
    }
    new ServerSocket(port, 1, LOCAL).close();
  }

  @Test
  void aPortIsFreeWhenRemoveServerReturnsOnAnyThread() throws Exception {
    try (var copas = Modes.create()) {
      copas.start();
      for (int i = 0; i < 20; i++) {
        var server = copas.bind("127.0.0.1", 0);
        copas.addServer(server, CopasSocket::receive);
        int port = server.getLocalPort();
        copas.removeServer(server);
        new ServerSocket(port, 1, LOCAL).close();
      }
    }
  }

  @Test
  void anErrorHandlerMayThrowWhatItGot() {
    var seen = new ArrayList<Throwable>();
    var error = new IllegalStateException("from the task");
    try (var copas = Modes.create()) {
      copas.setErrorHandler((e, task, socket) -> {
        seen.add(e);
        throw (RuntimeException) e;
      });
      copas.loop(() -> {
        throw error;
      });
    }
    assertEquals(1, seen.size());
    assertSame(error, seen.getFirst());
  }

  @Test
  void aLargeSendTakesNoNativeMemoryOfItsSize() throws Exception {
    int size = 32 * 1024 * 1024;
    try (var copas = Modes.create();
        var peer = new ServerSocket(0, 50, LOCAL)) {
      Thread reader =
          Thread.ofPlatform()
              .start(() -> {
                try (Socket plain = peer.accept();
                    InputStream in = plain.getInputStream()) {
                  in.skipNBytes(size);
                } catch (IOException e) {
                  throw new IllegalStateException(e);
                }
              });
      long before = directMemory();
      copas.loop(() -> {
        try (var socket = copas.connect("127.0.0.1", peer.getLocalPort())) {
          socket.send(new byte[size]);
          assertTrue(directMemory() - before < size / 4);
        }
      });
      reader.join();
    }
  }

  private static long directMemory() {
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .mapToLong(BufferPoolMXBean::getMemoryUsed)
        .sum();
  }

  @Tag("native")
  @Test
  void aTaskMayCloseALoopThatIsStepped() {
    var log = new ArrayList<String>();
    var copas = Modes.create();
    copas.addThread(() -> {
      try {
        Copas.pauseForever();
      } finally {
        log.add("finally");
      }
    });
    copas.addThread(copas::close);
    int steps = 0;
    while (steps < 100) {
      try {
        copas.step(Duration.ofMillis(10));
        steps++;
      } catch (IllegalStateException e) {
        break; // It is closed.
      }
    }
    assertEquals(List.of("finally"), log);
    assertTrue(steps < 100, "the loop is not closed");
  }

  @Test
  void aLoopStartedByAVirtualThreadIsNoDaemon() throws Exception {
    try (var copas = Modes.create()) {
      Thread.ofVirtual().start(copas::start).join();
      boolean isDaemon =
          Thread.getAllStackTraces().keySet().stream()
              .filter(thread -> thread.getName().equals("copas-loop"))
              .allMatch(Thread::isDaemon);
      assertFalse(isDaemon);
    }
  }

  /** The only thread for look-ups is taken, so this one takes longer than the connect may. */
  @Test
  void theTimeOfAConnectIncludesTheLookUp() throws Exception {
    try (var fixture = new LoopFixture(Options.defaults().offloadThreads(1));
        var peer = new ServerSocket(0, 50, LOCAL)) {
      var release = new CountDownLatch(1);
      var taken = new CountDownLatch(1);
      fixture.add(() ->
          fixture.copas.offload(() -> {
            taken.countDown();
            release.await();
          }));
      fixture.loop(() -> {
        taken.await();
        try {
          LoopFixture.assertSays(
              "Looking up localhost timed out",
              SocketTimeoutException.class,
              () -> fixture.copas.connect("localhost", peer.getLocalPort(), Duration.ofMillis(20)));
        } finally {
          release.countDown();
        }
      });
    }
  }

  // ---- Threads that meet

  /** What a foreign trySend collects must not wait for a task to run. */
  @Test
  void whatAForeignThreadTriesToSendLeavesAnIdleLoop() throws Exception {
    try (var copas = Modes.create();
        var peer = new ServerSocket(0, 50, LOCAL)) {
      copas.start();
      CopasSocket socket = copas.connect("127.0.0.1", peer.getLocalPort());
      try (Socket accepted = peer.accept()) {
        accepted.setSoTimeout(20_000);
        assertTrue(socket.trySend("x"));
        assertEquals('x', accepted.getInputStream().read());
      }
    }
  }

  /** A task that selects, and meets a lock of the JDK there, would keep the selector for ever. */
  @Test
  void serverSocketsMayBeAskedWhileTasksCloseThem() throws Exception {
    try (var copas = Modes.create()) {
      var present = new AtomicReference<@Nullable CopasServerSocket>();
      var asking = new AtomicBoolean(true);
      Runnable ask =
          () -> {
            while (asking.get()) {
              CopasServerSocket server = present.get();
              if (server != null) {
                server.getLocalPort();
              }
            }
          };
      Thread asker = Thread.ofPlatform().start(ask);
      copas.loop(() -> {
        for (int i = 0; i < 200; i++) {
          var server = copas.bind("127.0.0.1", 0);
          copas.addServer(server, CopasSocket::receive);
          present.set(server);
          Copas.pause();
          server.close();
        }
      });
      asking.set(false);
      asker.join();
    }
  }

  /** One holds the socket's lock and wants the loop, the other the other way round. */
  @Tag("native")
  @RepeatedTest(50)
  void aCloseOfTheLoopAndOneOfItsServersMayMeet() throws Exception {
    var copas = Modes.create();
    var server = copas.bind("127.0.0.1", 0);
    copas.addServer(server, CopasSocket::receive);
    copas.step();
    var closing =
        new FutureTask<@Nullable Void>(() -> {
          server.close();
          return null;
        });
    Thread.ofPlatform().start(closing);
    copas.close();
    closing.get(20, TimeUnit.SECONDS);
  }

  @Test
  void anInterruptOfTheLoopsThreadReleasesThoseWhoWaitForItsExit() throws Exception {
    var log = new ArrayList<String>();
    try (var copas = Modes.create()) {
      copas.addServer(copas.bind("127.0.0.1", 0), CopasSocket::receive);
      copas.addThread(() -> {
        copas.waitForExit();
        log.add("released");
      });
      Thread.currentThread().interrupt();
      copas.loop();
      assertTrue(Thread.interrupted());
    }
    assertEquals(List.of("released"), log);
  }

  @Test
  void cancelAllClosesAServerThatHasNotBegun() throws Exception {
    try (var copas = Modes.create()) {
      var server = copas.bind("127.0.0.1", 0);
      copas.addServer(server, CopasSocket::receive);
      copas.cancelAll();
      copas.loop();
      assertTrue(server.isClosed());
    }
  }

  @Test
  void closingAServerDoesNotWaitForATaskThatHoldsTheLoop() throws Exception {
    var holding = new AtomicBoolean(true);
    var options = Options.defaults().closeTimeout(Duration.ofMillis(20));
    try (var copas = Modes.create(options)) {
      var server = copas.bind("127.0.0.1", 0);
      copas.start();
      var held = new CompletableFuture<@Nullable Void>();
      copas.addThread(() -> {
        held.complete(null);
        while (holding.get()) {
          Thread.onSpinWait();
        }
      });
      held.get();
      server.close();
      holding.set(false);
    }
  }

  // ---- Who takes steps

  @Tag("native")
  @Test
  void trySendWorksBetweenSteps() throws Exception {
    try (var copas = Modes.create();
        var listener = copas.bind("127.0.0.1", 0);
        var client = new Socket(LOCAL, listener.getLocalPort())) {
      var player = new CompletableFuture<CopasSocket>();
      copas.addThread(() -> player.complete(listener.accept()));
      while (!player.isDone()) {
        copas.step(Duration.ofMillis(10));
      }
      assertTrue(player.join().trySend("tick\n"));
      assertEquals('t', client.getInputStream().read());
      player.join().close();
    }
  }

  @Test
  void joiningATaskThatNobodyRunsIsAnError() throws Exception {
    try (var copas = Modes.create()) {
      Task task = copas.addThread(() -> {});
      assertThrows(IllegalStateException.class, task::join);
      copas.loop();
      assertDoesNotThrow(() -> task.join());
    }
  }

  @Test
  void aClosedExecutorRejects() {
    var copas = Modes.create();
    copas.close();
    assertThrows(RejectedExecutionException.class, () -> copas.execute(() -> {}));
  }

  @Test
  void aForeignReceiverLearnsThatTheLoopWasClosed() throws Exception {
    var copas = Modes.create();
    try (var peer = new ServerSocket(0, 50, LOCAL)) {
      copas.start();
      CopasSocket socket = copas.connect("127.0.0.1", peer.getLocalPort());
      var receiving = new FutureTask<>(socket::receive);
      Thread receiver = Thread.ofPlatform().start(receiving);
      LoopFixture.eventually(() -> receiver.getState() == Thread.State.TIMED_WAITING);
      copas.addThread(() -> {}).join(); // The receiver's task was added before: it waits now.
      copas.close();
      var e = assertThrows(Exception.class, () -> receiving.get(20, TimeUnit.SECONDS));
      assertTrue(e.getCause() instanceof SocketException, String.valueOf(e.getCause()));
      assertNull(e.getCause().getCause());
    }
  }
}
