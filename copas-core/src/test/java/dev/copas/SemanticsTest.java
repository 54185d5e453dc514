package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What Copas promises call by call, as far as no other test is about it. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SemanticsTest {

  private final List<String> log = new ArrayList<>();

  // ---- Core loop

  /** Each begins something in a task and says whether a loop may end meanwhile. */
  @Test
  @Tag("native")
  void finishedKnowsWhatIsLeftToDo() throws Exception {
    try (var fixture = new LoopFixture();
        var silent = fixture.copas.bind("127.0.0.1", 0)) {
      var lock = new ReentrantLock();
      lock.lock();
      checkFinished(fixture, true, () -> {});
      checkFinished(fixture, true, Copas::pauseForever);
      checkFinished(fixture, true, () -> fixture.copas.waitForExit());
      checkFinished(fixture, false, () -> Copas.pause(Duration.ofDays(1)));
      checkFinished(fixture, false, () -> Thread.sleep(Duration.ofDays(1)));
      checkFinished(fixture, false, lock::lockInterruptibly);
      checkFinished(fixture, false, silent::accept);
      checkFinished(
          fixture,
          false,
          () -> {
            while (true) {
              Copas.pause();
            }
          });
    }
  }

  private static void checkFinished(LoopFixture fixture, boolean expected, TaskBody wait)
      throws Exception {
    Copas copas = fixture.copas;
    assertTrue(copas.finished());
    Task task = copas.addThread(wait);
    assertFalse(copas.finished(), "it has not begun");
    copas.step();
    copas.step();
    assertEquals(expected, copas.finished());
    task.cancel();
    while (task.state() != Task.State.ENDED) {
      copas.step(Duration.ofSeconds(1));
    }
    fixture.check();
  }

  @Test
  @Tag("native")
  void anIdleServerCountsAsSomethingToDoUntilExit() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.echo();
      fixture.copas.step();
      assertFalse(fixture.copas.finished());
      fixture.copas.exit();
      fixture.copas.step();
      assertTrue(fixture.copas.finished());
    }
  }

  @Test
  void aServerThatOutlivedALoopServesInTheNext() throws Exception {
    try (var fixture = new LoopFixture()) {
      CopasServerSocket server = fixture.echo();
      for (int i = 0; i < 3; i++) {
        String line = "loop " + i;
        fixture.loop(() -> {
          log.add(ask(fixture.copas, server, line));
          fixture.copas.exit();
        });
      }
      assertEquals(List.of("loop 0", "loop 1", "loop 2"), log);
      assertFalse(server.isClosed());
    }
  }

  @Test
  void aServerRemovedInOneLoopIsAddedAgainForAnother() throws Exception {
    try (var fixture = new LoopFixture()) {
      CopasServerSocket server = fixture.echo();
      fixture.loop(() -> {
        log.add(ask(fixture.copas, server, "one"));
        fixture.copas.removeServer(server, true);
      });
      assertFalse(fixture.copas.removeServer(server, true));
      fixture.copas.addServer(server, socket -> socket.send("another\n"));
      fixture.loop(() -> {
        log.add(ask(fixture.copas, server, "two"));
        fixture.copas.removeServer(server);
      });
      assertEquals(List.of("one", "another"), log);
    }
  }

  private static String ask(Copas copas, CopasServerSocket server, String line) throws IOException {
    try (var client = copas.connect("127.0.0.1", server.getLocalPort())) {
      client.send(line + "\n");
      return String.valueOf(client.receive());
    }
  }

  @Test
  void afterExitTasksMayStillBeAddedAndRunToTheirEnd() {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        fixture.copas.exit();
        assertTrue(fixture.copas.exiting());
        fixture.add(() -> {
          Copas.pause();
          fixture.add(() -> log.add("last"));
        });
      });
      assertEquals(List.of("last"), log);
      assertFalse(fixture.copas.exiting());
    }
  }

  @Test
  void aConnectionLivesOnWhileItsServerIsRemovedAndTheLoopExits() throws Exception {
    try (var fixture = new LoopFixture()) {
      CopasServerSocket server = fixture.echo();
      fixture.loop(() -> {
        try (var client = fixture.copas.connect("127.0.0.1", server.getLocalPort())) {
          client.send("before\n");
          log.add(String.valueOf(client.receive()));
          fixture.copas.removeServer(server);
          fixture.copas.exit();
          client.send("after\n");
          log.add(String.valueOf(client.receive()));
        }
      });
      assertEquals(List.of("before", "after"), log);
    }
  }

  @Test
  void aRemovedThreadThatWaitsOnASocketEndsWithoutWaitingForThePeer() throws Exception {
    try (var fixture = SocketFixture.started()) {
      CopasSocket silent = fixture.pair().ours();
      var job =
          fixture.startRun(() -> {
            try {
              silent.receive();
            } finally {
              log.add("finally");
            }
          });
      fixture.awaitWaiting(job);
      fixture.copas.removeThread(job.task);
      fixture.await(() -> job.task.state() == Task.State.ENDED);
      assertEquals(List.of("finally"), log);
      assertFalse(silent.isClosed(), "the socket is its owner's business");
    }
  }

  @Test
  void anOutgoingConnectionOutlivesTheTaskThatMadeIt() throws Exception {
    try (var fixture = new LoopFixture()) {
      CopasServerSocket server = fixture.echo();
      fixture.loop(() -> {
        var made = new AtomicReference<@Nullable CopasSocket>();
        fixture
            .add(() -> made.set(fixture.copas.connect("127.0.0.1", server.getLocalPort())))
            .join();
        try (CopasSocket socket = madeBy(made)) {
          socket.send("still\n");
          log.add(String.valueOf(socket.receive()));
        }
        fixture.copas.removeServer(server);
      });
      assertEquals(List.of("still"), log);
    }
  }

  private static CopasSocket madeBy(AtomicReference<@Nullable CopasSocket> reference) {
    CopasSocket value = reference.get();
    if (value == null) {
      throw new AssertionError("it is null");
    }
    return value;
  }

  /** Copas: readable sockets, then expired sleepers. What was ready before either comes first. */
  @Test
  @Tag("native")
  void inATurnComesWhatWasReadyThenSocketsThenSleepers() throws Exception {
    try (var fixture = SocketFixture.stepped()) {
      SocketFixture.Pair pair = fixture.pair();
      var asleep = Duration.ofMillis(2);
      fixture.copas.addThread(() -> {
        Copas.pause(asleep);
        log.add("sleeper");
      });
      fixture.copas.addThread(() -> {
        pair.ours().receive();
        log.add("socket");
      });
      fixture.copas.step();
      fixture.copas.step();
      pair.plainSends("x\n");
      fixture.copas.addThread(() -> log.add("added"));
      // The byte is here, and the time is up. Really: in a simulation the seed decides the order.
      Thread.sleep(asleep.multipliedBy(5));
      fixture.copas.step();
      assertEquals(
          List.of("socket", "sleeper"), log.stream().filter(x -> !x.equals("added")).toList());
      assertTrue(log.contains("added"));
    }
  }

  @Test
  void afterCancelAllServersAndTasksCanBeAddedForTheNextLoop() throws Exception {
    try (var fixture = new LoopFixture()) {
      for (int i = 0; i < 3; i++) {
        CopasServerSocket server = fixture.echo();
        String line = "loop " + i;
        fixture.loop(() -> {
          fixture.add(() -> {
            try {
              Copas.pauseForever();
            } finally {
              log.add("finally");
            }
          });
          log.add(ask(fixture.copas, server, line));
          fixture.copas.cancelAll();
        });
        assertTrue(server.isClosed());
        assertFalse(fixture.copas.exiting());
      }
      assertEquals(List.of("loop 0", "finally", "loop 1", "finally", "loop 2", "finally"), log);
    }
  }

  // ---- Sleeping

  @Test
  void wakeupIsFalseForATaskThatWaitsForAnythingButAPause() throws Exception {
    try (var fixture = SocketFixture.started()) {
      CopasSocket silent = fixture.pair().ours();
      var lock = new ReentrantLock();
      lock.lock();
      for (CheckedRunnable<Exception> wait :
          List.<CheckedRunnable<Exception>>of(
              silent::receive,
              lock::lockInterruptibly,
              () -> fixture.copas.waitForExit(),
              () -> new CountDownLatch(1).await())) {
        var job = fixture.startRun(wait);
        fixture.awaitWaiting(job);
        assertFalse(job.isDone());
        assertFalse(job.task.wakeup());
        boolean inTask = fixture.inTask(job.task::wakeup);
        assertFalse(inTask);
        assertSame(Task.State.WAITING, job.task.state());
        job.task.cancel();
        fixture.await(job::isDone);
      }
    }
  }

  // ---- Sockets

  @Test
  void sendingNothingIsNoSystemCallAndNoMessage() throws Exception {
    try (var fixture = SocketFixture.started()) {
      SocketFixture.Pair pair = fixture.pair();
      fixture.runInTask(() -> {
        pair.ours().send("");
        pair.ours().send(new byte[0]);
        assertTrue(pair.ours().trySend(""));
        pair.ours().flush();
        pair.ours().send("x");
        pair.ours().close();
      });
      assertEquals("x", pair.plainReceivesAll());
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX) // Which has all of 127.*.
  void aHostWithSeveralAddressesIsTriedOneByOne() throws Exception {
    var result = LoopChildJvm.inMode().run("severalAddresses", SemanticsPrograms.class);
    assertEquals(0, result.exitCode(), result.output());
    assertTrue(result.output().contains("connected to 127.0.0.1"), result.output());
    assertTrue(
        Pattern.compile("refused by all: .*refused: 127.0.0.2:\\d+ and 2 others")
            .matcher(result.output())
            .find(),
        result.output());
  }

  // ---- Errors, names

  @Test
  void tasksOfAServerAreNamedAfterIt() throws Exception {
    try (var fixture = new LoopFixture()) {
      CopasServerSocket named = fixture.copas.bind("127.0.0.1", 0);
      CopasServerSocket plain = fixture.copas.bind("127.0.0.1", 0);
      Handler handler = socket -> socket.send(Copas.current().name() + "\n");
      fixture.copas.addServer(named, ServerOptions.defaults().name("chat"), handler);
      fixture.copas.addServer(plain, handler);
      fixture.loop(() -> {
        for (CopasServerSocket server : List.of(named, named, plain)) {
          log.add(ask(fixture.copas, server, ""));
        }
        fixture.copas.removeServer(named);
        fixture.copas.removeServer(plain);
      });
      assertEquals(
          List.of(
              "chat:handler_1",
              "chat:handler_2",
              "127.0.0.1:" + plain.getLocalPort() + ":handler_1"),
          log);
    }
  }

  @Test
  void aHandlersOwnErrorHandlerIsToldTheSocketWhichIsStillOpen() throws Exception {
    try (var fixture = new LoopFixture()) {
      CopasServerSocket server = fixture.copas.bind("127.0.0.1", 0);
      fixture.copas.addServer(
          server,
          socket -> {
            Copas.current()
                .setErrorHandler((error, task, its) -> {
                  assertSame(socket, its);
                  assertSame(Copas.current(), task);
                  apologise(socket, error);
                });
            throw new IllegalStateException("out of tea");
          });
      fixture.loop(() -> {
        log.add(ask(fixture.copas, server, ""));
        fixture.copas.removeServer(server);
      });
      assertEquals(List.of("sorry, out of tea"), log);
    }
  }

  private static void apologise(CopasSocket socket, Throwable error) {
    try {
      socket.send("sorry, " + error.getMessage() + "\n");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void theDefaultReportNamesTheTaskTheConnectionAndTheError() throws Exception {
    try (var reports = new LoopFixture.Log();
        var copas = Modes.create()) {
      CopasServerSocket server = copas.bind("127.0.0.1", 0);
      copas.addServer(
          server,
          ServerOptions.defaults().name("tea"),
          socket -> {
            throw new IOException("out of tea");
          });
      copas.addThread(
          "kettle",
          () -> {
            throw new IllegalStateException("cold");
          });
      copas.start();
      try (var client = new Socket(InetAddress.getLoopbackAddress(), server.getLocalPort())) {
        assertEquals(-1, client.getInputStream().read());
        assertEquals(
            "task \"kettle\" failed: java.lang.IllegalStateException: cold",
            reports.await("kettle").getMessage());
        var report = reports.await("handler_1");
        assertEquals(
            "task \"tea:handler_1\" failed, serving CopasSocket[127.0.0.1:"
                + client.getLocalPort()
                + "]: java.io.IOException: out of tea",
            report.getMessage());
        assertEquals("out of tea", report.getThrown().getMessage());
      }
    }
  }

  // ---- A process that is told to end

  /** Handlers wait in a sleep, a receive and a lock that somebody else never gives back. */
  @ParameterizedTest
  @DisabledOnOs(OS.WINDOWS)
  @ValueSource(strings = {"INT", "TERM"})
  void aShutdownHookStopsTheLoopInOrderWhateverItsHandlersWaitFor(String signal) throws Exception {
    assumeFalse(isIgnored(signal), "whoever runs this build has it ignored");
    // Without java.util.logging, which closes its own handlers in a hook: no hook can log then.
    Process process =
        LoopChildJvm.inMode("--limit-modules=java.base,jdk.management")
            .start("stopInOrder", SemanticsPrograms.class);
    var output = new StringBuilder();
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line; (line = lines.readLine()) != null; ) {
        output.append(line).append('\n');
        if (line.equals("ready")) {
          String pid = String.valueOf(process.pid());
          new ProcessBuilder("kill", "-" + signal, pid).start().waitFor();
        }
      }
    }
    assertEquals(signal.equals("INT") ? 130 : 143, process.waitFor(), output.toString());
    for (String how : List.of("sleep", "receive", "lockInterruptibly")) {
      assertTrue(output.indexOf("finally of " + how + "\n") >= 0, output.toString());
    }
    assertTrue(output.indexOf("finally of lock\n") < 0, output.toString());
    assertTrue(output.indexOf("stopped: false\n") >= 0, output.toString());
    String report = "stop:handler_4\" was cancelled but did not end within 300 ms";
    assertTrue(output.indexOf(report) >= 0, output.toString());
  }

  /** An ignored signal stays ignored in all children: so a shell starts what runs behind it. */
  private static boolean isIgnored(String signal) throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!signal.equals("INT") || !Files.exists(status)) {
      return false;
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("SigIgn:")) {
        return (Long.parseUnsignedLong(line.substring(7).strip(), 16) & 2) != 0;
      }
    }
    return false;
  }
}
