package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.example.waits.Program;
import dev.copas.Status.SocketState;
import dev.copas.Status.SocketStatus;
import dev.copas.Status.TaskStatus;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What {@link Copas#status} and {@link Copas#dump} tell, to whom, and when. */
@Timeout(60)
class StatusTest {

  private static TaskStatus task(Status status, String name) {
    return status.tasks().stream()
        .filter(task -> task.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no task " + name + " in " + status.tasks()));
  }

  private static void assertWaitsFor(String what, Status status, String name) {
    String waitsFor = task(status, name).waitsFor();
    assertNotNull(waitsFor, () -> name + " does not wait: " + status);
    String text = withoutModules(waitsFor);
    assertTrue(text.contains(what), () -> name + " waits for " + text);
  }

  /** The tests are in the library's module; its name and version stand before each frame. */
  private static String withoutModules(String text) {
    return text.replaceAll(" at [^ ]*/", " at ");
  }

  private static void awaitWaiting(Copas copas, String... names) throws InterruptedException {
    LoopFixture.eventually(() -> {
      List<TaskStatus> waiting = copas.status().tasks(Task.State.WAITING);
      return Arrays.stream(names)
          .allMatch(name -> waiting.stream().anyMatch(task -> task.name().equals(name)));
    });
  }

  // ---- What tasks wait for

  @Test
  void aTaskInAWaitOfCopasSaysWhatItWaitsFor() throws Exception {
    try (var fixture = new LoopFixture()) {
      Copas copas = fixture.copas;
      CopasServerSocket server = fixture.echo();
      Task forever = copas.addThread("forever", Copas::pauseForever);
      copas.addThread("pausing", () -> Copas.pause(Duration.ofHours(1)));
      copas.addThread("joining", () -> forever.join());
      copas.addThread("exiting", copas::waitForExit);
      copas.addThread(
          "receiving",
          () -> {
            try (CopasSocket socket = copas.connect("127.0.0.1", server.getLocalPort())) {
              socket.receive();
            }
          });
      fixture.start();
      awaitWaiting(copas, "forever", "pausing", "joining", "exiting", "receiving");
      Status status = copas.status();
      String address = "127.0.0.1:" + server.getLocalPort();
      assertWaitsFor("a wakeup()", status, "forever");
      assertWaitsFor("a pause to end in 59 min 5", status, "pausing");
      assertWaitsFor("the end of task \"forever\"", status, "joining");
      assertWaitsFor("exit()", status, "exiting");
      assertWaitsFor("bytes from " + address, status, "receiving");
      assertWaitsFor("a connection on " + address, status, server + ":server");
    }
  }

  @Test
  void whoeverWaitsToSendSaysForWhat() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Copas copas = fixture.copas;
      var pair = fixture.pair(4096);
      var full =
          fixture.startRun(() -> {
            byte[] message = new byte[64 * 1024 * 1024];
            SocketFixture.fill(pair.ours(), message);
            Copas.current().setErrorHandler((error, task, socket) -> {});
            pair.ours().send(message);
          });
      fixture.awaitWaiting(full);
      String peer = "127.0.0.1:" + pair.plain().getLocalPort();
      LoopFixture.eventually(() ->
          ("room to send to " + peer).equals(task(copas.status(), full.task.name()).waitsFor()));
      var next = fixture.startRun(() -> pair.ours().send("x"));
      fixture.awaitWaiting(next);
      assertWaitsFor("its turn to send to " + peer, copas.status(), next.task.name());
      assertTrue(pair.ours().stats().unsent() > 0);
      full.task.cancel();
      next.task.cancel();
    }
  }

  @Test
  void aDatagramSocketTellsOfItsBytesAndWhoeverWaitsForOneSaysWhere() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var here = fixture.copas.bindDatagram("127.0.0.1", 0);
      var there = fixture.copas.bindDatagram("127.0.0.1", 0);
      var target = new InetSocketAddress(here.getLocalAddress(), here.getLocalPort());
      there.connect(target);
      fixture.runInTask(() -> there.send(new byte[5], target));
      fixture.runInTask(() -> assertEquals(5, here.receive().bytes().length));
      var receiving = fixture.startRun(() -> fail(here.receive().toString()));
      fixture.awaitWaiting(receiving);
      Status status = fixture.copas.status();
      assertWaitsFor("a datagram on " + here, status, receiving.task.name());
      assertEquals(2, status.datagramSockets().size());
      var first = status.datagramSockets().getFirst();
      assertEquals("127.0.0.1:" + here.getLocalPort(), first.address());
      assertNull(first.peer());
      assertEquals(5, first.received());
      var second = status.datagramSockets().getLast();
      assertEquals(first.address(), second.peer());
      assertEquals(5, second.sent());
      String dump = fixture.copas.dump();
      assertTrue(dump.contains("2 datagram sockets\n  " + first.address() + ", open for "), dump);
      receiving.task.cancel();
      fixture.await(receiving::isDone);
      here.close();
      assertEquals(List.of(second.address()), addresses(fixture.copas.status()));
    }
  }

  private static List<String> addresses(Status status) {
    return status.datagramSockets().stream().map(Status.DatagramStatus::address).toList();
  }

  @Test
  void aTaskThatConnectsSaysWhereTo() throws Exception {
    try (var fixture = SocketFixture.started();
        var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      for (int i = 0; i < 2; i++) { // The backlog is full then, and Linux lets others wait.
        fixture.opened(new Socket(silent.getInetAddress(), silent.getLocalPort()));
      }
      var connecting =
          fixture.startRun(() -> fixture.copas.connect("127.0.0.1", silent.getLocalPort()).close());
      fixture.awaitWaiting(connecting);
      if (!connecting.isDone()) { // Other systems refuse.
        String target = "127.0.0.1:" + silent.getLocalPort();
        Status status = fixture.copas.status();
        assertWaitsFor("a connection to " + target, status, connecting.task.name());
        assertEquals(SocketState.CONNECTING, status.sockets().getFirst().state());
        connecting.task.cancel();
        fixture.await(connecting::isDone);
        assertEquals(List.of(), fixture.copas.status().sockets());
      }
    }
  }

  @Test
  void aTaskInACallThatIsNotOfCopasSaysInWhichAndWhere() throws Exception {
    var lock = new ReentrantLock();
    var monitor = new Object();
    var over = new CountDownLatch(1);
    try (var fixture = new LoopFixture()) {
      Copas copas = fixture.copas;
      fixture.start();
      lock.lock();
      try {
        synchronized (monitor) {
          copas.addThread("locking", () -> Program.takeLock(lock));
          copas.addThread("entering", () -> Program.takeMonitor(monitor, over));
          copas.addThread("sleeping", Program::sleep);
          copas.addThread(
              "offloading",
              () ->
                  Program.offload(
                      copas,
                      () -> {
                        over.await();
                        return 1;
                      }));
          awaitWaiting(copas, "locking", "entering", "sleeping", "offloading");
          Status status = copas.status();
          String lockText =
              "ReentrantLock.lockInterruptibly, at com.example.waits.Program.takeLock";
          assertWaitsFor(lockText, status, "locking");
          String monitorText = "a monitor, at com.example.waits.Program.takeMonitor";
          assertWaitsFor(monitorText, status, "entering");
          assertWaitsFor("Thread.sleep, at com.example.waits.Program.sleep", status, "sleeping");
          String offload = "dev.copas.Copas.offload, at com.example.waits.Program.offload";
          assertWaitsFor(offload, status, "offloading");
        }
      } finally {
        lock.unlock();
      }
    }
  }

  @Test
  void aTaskThatCanGoOnIsActiveAndSoIsTheOneThatAsks() {
    LoopFixture.run(() -> {
      Copas copas = Copas.current().copas();
      Task woken = copas.addThread("woken", Copas::pauseForever);
      Copas.pause();
      assertWaitsFor("a wakeup()", copas.status(), "woken");
      woken.wakeup();
      copas.addThread("new", () -> {});
      Status status = copas.status();
      assertEquals(
          List.of("init", "woken", "new"),
          status.tasks(Task.State.ACTIVE).stream().map(TaskStatus::name).toList());
      assertNull(task(status, "init").waitsFor());
    });
  }

  // ---- Who asks

  @Test
  void nobodyRunningTheLoopAnybodyMakesIt() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.add(() -> {});
      Status mine = fixture.copas.status();
      assertFalse(mine.running());
      assertEquals(1, mine.tasks(Task.State.ACTIVE).size());
      Status virtualThreads =
          SocketFixture.get(SocketFixture.onThread(Thread.ofVirtual(), fixture.copas::status));
      assertEquals(1, virtualThreads.tasks().size());
      fixture.loop();
      assertEquals(List.of(), fixture.copas.status().tasks());
    }
  }

  @Test
  @Tag("native")
  void betweenStepsItIsMadeAtOnce() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.copas.addThread("forever", Copas::pauseForever);
      fixture.copas.step();
      Status status = fixture.copas.status();
      assertEquals(1, status.turns().count());
      assertWaitsFor("a wakeup()", status, "forever");
      Status others =
          SocketFixture.get(SocketFixture.onThread(Thread.ofPlatform(), fixture.copas::status));
      assertEquals(status.tasks().size(), others.tasks().size());
    }
  }

  @Test
  void aLoopThatSleepsAnswersOtherThreads() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.start();
      fixture.copas.addThread("forever", Copas::pauseForever);
      Status status = fixture.copas.status();
      assertTrue(status.running());
      assertEquals(1, status.tasks().size());
      long turns = status.turns().count();
      LoopFixture.eventually(() -> fixture.copas.status().turns().count() > turns);
    }
  }

  @Test
  void aTaskThatHoldsTheLoopForTooLongIsNamedInstead() throws Exception {
    var options = Options.defaults().statusTimeout(Duration.ofMillis(50));
    var over = new CountDownLatch(1);
    try (var fixture = new LoopFixture(options.watchdogLimit(Duration.ofMillis(100)));
        var log = new LoopFixture.Log()) {
      fixture.start();
      fixture.copas.addThread("holder", () -> Program.compute(over));
      try {
        log.await("\"holder\" has held the loop");
        var e = assertThrows(IllegalStateException.class, fixture.copas::status);
        assertTrue(String.valueOf(e).contains("within 50 ms: task \"holder\" holds"), e::toString);
        Throwable stack = e.getCause();
        assertNotNull(stack);
        assertTrue(Arrays.toString(stack.getStackTrace()).contains("Program.compute"));
        String dump = withoutModules(fixture.copas.dump());
        assertTrue(dump.contains("task \"holder\" holds the loop"), dump);
        assertTrue(dump.contains("\n  at com.example.waits.Program.compute("), dump);
      } finally {
        over.countDown();
      }
      LoopFixture.eventually(() -> fixture.copas.dump().startsWith("loop: running"));
    }
  }

  @Test
  void whoIsInterruptedWhileItWaitsIsTold() throws Exception {
    var over = new CountDownLatch(1);
    try (var fixture = new LoopFixture()) {
      fixture.start();
      var begun = new CountDownLatch(1);
      fixture.copas.addThread(() -> {
        begun.countDown();
        Program.compute(over);
      });
      begun.await();
      try {
        Thread.currentThread().interrupt();
        var e = assertThrows(IllegalStateException.class, fixture.copas::status);
        assertTrue(String.valueOf(e.getMessage()).contains("interrupted"));
        assertTrue(Thread.interrupted());
      } finally {
        over.countDown();
      }
    }
  }

  @Test
  void theTimeToWaitHasToBePositive() {
    assertEquals(Duration.ofSeconds(1), Options.defaults().statusTimeout());
    assertThrows(
        IllegalArgumentException.class, () -> Options.defaults().statusTimeout(Duration.ZERO));
  }

  @Test
  void theTimeToWaitMayBeMoreThanThereIs() throws Exception {
    var options = Options.defaults().statusTimeout(Duration.ofSeconds(Long.MAX_VALUE));
    try (var fixture = new LoopFixture(options)) {
      fixture.start();
      assertEquals(List.of(), fixture.copas.status().servers());
    }
  }

  @Test
  void aClosedLoopHasNothing() throws Exception {
    var fixture = new LoopFixture();
    fixture.echo();
    fixture.start();
    fixture.close();
    Status status = fixture.copas.status();
    assertEquals(List.of(), status.tasks());
    assertEquals(List.of(), status.servers());
    assertEquals(List.of(), status.sockets());
  }

  // ---- Sockets

  @Test
  void aConnectionCountsItsBytesAndTellsItsAge() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var pair = fixture.pair();
      pair.plainSends("hello\nyou");
      fixture.inTask(pair.ours()::receive);
      fixture.runInTask(() -> {
        pair.ours().send("answer");
        pair.ours().flush();
      });
      SocketStatus stats = fixture.inTask(pair.ours()::stats);
      assertEquals(9, stats.received());
      assertEquals(3, stats.unread());
      assertEquals(6, stats.sent());
      assertEquals(0, stats.unsent());
      assertEquals(SocketState.OPEN, stats.state());
      assertEquals("127.0.0.1:" + pair.plain().getLocalPort(), stats.peer());
      SocketStatus later = pair.ours().stats();
      assertTrue(later.age().compareTo(stats.age()) >= 0);
      assertEquals(List.of(stats.peer()), peers(fixture.copas.status()));

      pair.ours().close();
      assertEquals(SocketState.CLOSED, pair.ours().stats().state());
      assertEquals(9, pair.ours().stats().received());
      assertEquals(List.of(), peers(fixture.copas.status()));
    }
  }

  private static List<String> peers(Status status) {
    return status.sockets().stream().map(SocketStatus::peer).toList();
  }

  @Test
  void everyWayToReceiveAndToSendIsCounted() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var pair = fixture.pair();
      byte[] large = SocketFixture.pattern(200_000, 1);
      var sending =
          fixture.startRun(() -> {
            pair.ours().send(large);
            pair.ours().getOutputStream().write(large);
            pair.ours().flush();
          });
      assertEquals(400_000, pair.plain().getInputStream().readNBytes(400_000).length);
      fixture.finish(sending);
      assertEquals(400_000, pair.ours().stats().sent());
      var receiving = fixture.start(() -> pair.ours().getInputStream().readNBytes(400_000).length);
      pair.plainSends(large);
      pair.plainSends(large);
      assertEquals(400_000, fixture.result(receiving));
      assertEquals(400_000, pair.ours().stats().received());
    }
  }

  @Test
  void connectionsThatAreClosedInAnyOrderLeaveTheListAtOnce() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var pairs = List.of(fixture.pair(), fixture.pair(), fixture.pair(), fixture.pair());
      fixture.runInTask(() -> {
        Copas copas = fixture.copas;
        assertEquals(4, copas.status().sockets().size());
        for (int i : new int[] {1, 3, 0, 2}) {
          int before = copas.status().sockets().size();
          pairs.get(i).ours().close();
          pairs.get(i).ours().close();
          assertEquals(before - 1, copas.status().sockets().size());
        }
      });
    }
  }

  @Test
  void aConnectionThatStillDeliversIsClosing() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var pair = fixture.pair(4096);
      fixture.runInTask(() -> {
        SocketFixture.fill(pair.ours(), new byte[64 * 1024 * 1024]);
        pair.ours().close();
      });
      SocketStatus closing = fixture.copas.status().sockets().getFirst();
      assertEquals(SocketState.CLOSING, closing.state());
      assertTrue(closing.unsent() > 0);
      pair.plain().getInputStream().readAllBytes();
      fixture.await(() -> fixture.copas.status().sockets().isEmpty());
    }
  }

  @Test
  void aServerTellsItsNameAndHowManyItHasAccepted() throws Exception {
    try (var fixture = SocketFixture.started()) {
      CopasServerSocket server =
          fixture.serve(ServerOptions.defaults().name("echo"), Program::echo);
      var client = fixture.client(server);
      client.getOutputStream().write("x\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
      assertEquals('x', client.getInputStream().read());
      var status = fixture.copas.status();
      assertEquals(1, status.servers().size());
      assertEquals("echo", status.servers().getFirst().name());
      assertEquals(server.toString(), status.servers().getFirst().address());
      assertEquals(1, status.servers().getFirst().accepted());
      assertEquals(
          "CopasSocket[127.0.0.1:" + client.getLocalPort() + "]",
          task(status, "echo:handler_1").serves());

      assertTrue(fixture.copas.removeServer(server, true));
      fixture.await(() -> fixture.copas.status().servers().getFirst().name() == null);
      server.close();
      assertEquals(List.of(), fixture.copas.status().servers());
    }
  }

  // ---- Snapshots

  @Test
  void aSnapshotStaysWhatItWas() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        Task pausing = fixture.copas.addThread("pausing", Copas::pauseForever);
        Copas.pause();
        Status before = fixture.copas.status();
        pausing.cancel();
        pausing.join();
        assertEquals(2, before.tasks().size());
        assertEquals(1, fixture.copas.status().tasks().size());
        assertThrows(UnsupportedOperationException.class, () -> before.tasks().clear());
        assertThrows(UnsupportedOperationException.class, () -> before.sockets().clear());
        assertThrows(UnsupportedOperationException.class, () -> before.servers().clear());
      });
    }
  }

  @Test
  void turnsAreCountedAndMeasured() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        var turns = fixture.copas.status().turns();
        for (int i = 0; i < 10; i++) {
          Copas.pause();
        }
        var later = fixture.copas.status().turns();
        assertTrue(later.count() >= turns.count() + 10, later::toString);
        assertTrue(later.total().compareTo(turns.total()) > 0);
        assertTrue(later.longest().compareTo(later.average()) >= 0);
        assertTrue(later.longest().compareTo(later.last()) >= 0);
      });
      assertEquals(
          Duration.ZERO,
          new Status.Turns(0, Duration.ZERO, Duration.ZERO, Duration.ZERO).average());
    }
  }

  @Test
  void timersAreCounted() {
    LoopFixture.run(() -> {
      Copas copas = Copas.current().copas();
      int before = copas.status().timers();
      Task pausing = copas.addThread(() -> Copas.pause(Duration.ofHours(1)));
      Copas.pause();
      assertEquals(before + 1, copas.status().timers());
      pausing.cancel();
      pausing.join();
      assertEquals(before, copas.status().timers());
    });
  }

  // ---- The dump

  @Test
  void aDumpShowsStacksOfTheProgramOnlyAndThoseInCommonOnce() throws Exception {
    try (var fixture = SocketFixture.started()) {
      CopasServerSocket server =
          fixture.serve(ServerOptions.defaults().name("echo"), Program::echo);
      var first = fixture.client(server);
      var second = fixture.client(server);
      var lock = new ReentrantLock();
      lock.lock();
      try {
        fixture.copas.addThread("locking", () -> Program.takeLock(lock));
        awaitWaiting(fixture.copas, "echo:server", "echo:handler_1", "echo:handler_2", "locking");
        var dump = withoutModules(fixture.copas.dump());
        assertTrue(dump.startsWith("loop: running, "), dump);
        assertTrue(dump.contains("\n1 server\n  " + server + ", server \"echo\", open for "), dump);
        assertTrue(dump.contains("\n2 connections\n  127.0.0.1:" + first.getLocalPort()), dump);
        assertTrue(dump.contains("\n  127.0.0.1:" + second.getLocalPort() + ", open, "), dump);
        assertTrue(dump.contains("\n4 waiting tasks\n"), dump);
        assertTrue(dump.contains(", waits for bytes from 127.0.0.1:" + first.getLocalPort()), dump);
        String receive = "    at dev.copas.CopasSocket.receive(";
        assertEquals(1, dump.split(java.util.regex.Pattern.quote(receive), -1).length - 1, dump);
        assertTrue(dump.contains(".takeLock("), dump);
        assertFalse(dump.contains("VirtualThread"), dump);
        assertFalse(dump.contains("Coroutine"), dump);
      } finally {
        lock.unlock();
      }
    }
  }

  @Test
  void durationsAreWrittenForPeople() {
    assertEquals("0.3 ms", Durations.format(Duration.ofNanos(300_000)));
    assertEquals("12 ms", Durations.format(Duration.ofMillis(12)));
    assertEquals("3.2 s", Durations.format(Duration.ofMillis(3_200)));
    assertEquals("12 min 5 s", Durations.format(Duration.ofSeconds(725)));
    assertEquals("26 h 0 min", Durations.format(Duration.ofHours(26)));
  }

  @Test
  void askingKeepsNothingOfWhatEnds() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var held = new CompletableFuture<java.lang.ref.WeakReference<Object>>();
      fixture.runInTask(() -> {
        var marker = new Object();
        held.complete(new java.lang.ref.WeakReference<>(marker));
        fixture.copas.status();
        fixture.copas.dump();
        assertNotNull(marker.toString());
      });
      var reference = held.get();
      LoopFixture.eventually(() -> {
        System.gc();
        return reference.get() == null;
      });
    }
  }
}
