package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Who may call what, and what the others are told. The same table is in docs/threads.md; when it
 * changes here, {@code -Dcopas.docs.write=true} writes it there.
 */
@Tag("native")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ThreadsTest {

  /** Who calls. */
  enum Caller {
    TASK("a task of the loop"),
    STEPPER("the thread that steps the loop, between two steps"),
    THREAD("another thread while the loop runs"),
    THREAD_IDLE("another thread while nobody runs it"),
    VIRTUAL("a virtual thread while the loop runs"),
    OTHERS_TASK("a task of another loop while the loop runs"),
    VIRTUAL_IDLE("a virtual thread while nobody runs it"),
    OTHERS_TASK_IDLE("a task of another loop while nobody runs it");

    /** The last two are not in the document: they are told what any thread is told. */
    static final List<Caller> IN_DOCUMENT =
        List.of(TASK, STEPPER, THREAD, THREAD_IDLE, VIRTUAL, OTHERS_TASK);

    final String text;

    Caller(String text) {
      this.text = text;
    }

    boolean loopRuns() {
      return this == TASK || this == THREAD || this == VIRTUAL || this == OTHERS_TASK;
    }
  }

  /** What comes of it. */
  private enum Outcome {
    WORKS(' ', ""),
    NEEDS_A_TASK('a', "is not a task of a loop"),
    NEEDS_A_TASK_OF_THIS_LOOP('b', "waits in a task of this loop"),
    NEEDS_SOMEBODY_WHO_RUNS_THE_LOOP('c', "this call may wait, and nobody runs the loop meanwhile"),
    NEEDS_A_PLATFORM_THREAD('d', "loop() and step() need a platform thread"),
    RUNS_ALREADY('e', "the loop is already running"),
    BELONGS_TO_THE_LOOP('f', "finished() belongs to the tasks of the loop while it runs"),
    BELONGS_TO_THE_TASKS('g', "belong to the tasks of its loop");

    private final char letter;
    final String says;

    Outcome(char letter, String says) {
      this.letter = letter;
      this.says = says;
    }

    String inDocument() {
      return this == WORKS ? "yes" : "no " + letter;
    }
  }

  @FunctionalInterface
  private interface Action {
    void run(Scene scene) throws Exception;
  }

  /** A row of the table. */
  private record Row(String call, Map<Caller, Outcome> outcomes, Action action) {

    Row with(Outcome outcome, Caller... callers) {
      var changed = new EnumMap<Caller, Outcome>(Caller.class);
      changed.putAll(outcomes);
      for (Caller caller : callers) {
        changed.put(caller, outcome);
      }
      return new Row(call, changed, action);
    }

    Outcome outcome(Caller caller) {
      return outcomes.getOrDefault(caller, Outcome.WORKS);
    }
  }

  private static Row anywhere(String call, Action action) {
    return new Row(call, Map.of(), action);
  }

  /** What may wait for the loop, and so needs somebody who runs it. */
  private static Row waits(String call, Action action) {
    return anywhere(call, action)
        .with(
            Outcome.NEEDS_SOMEBODY_WHO_RUNS_THE_LOOP,
            Caller.STEPPER,
            Caller.THREAD_IDLE,
            Caller.VIRTUAL_IDLE,
            Caller.OTHERS_TASK_IDLE);
  }

  /** What is about the task that calls it, whatever its loop. */
  private static Row ofATask(String call, Action action) {
    return anywhere(call, action)
        .with(
            Outcome.NEEDS_A_TASK,
            Caller.STEPPER,
            Caller.THREAD,
            Caller.THREAD_IDLE,
            Caller.VIRTUAL,
            Caller.VIRTUAL_IDLE);
  }

  /** What is for the tasks of the loop alone while it runs. */
  private static Row ofTheTasks(String call, Action action) {
    return anywhere(call, action)
        .with(Outcome.BELONGS_TO_THE_TASKS, Caller.THREAD, Caller.VIRTUAL, Caller.OTHERS_TASK);
  }

  private static Caller[] othersThan(Caller one) {
    return Stream.of(Caller.values()).filter(caller -> caller != one).toArray(Caller[]::new);
  }

  /** For an error handler that does not mind. */
  private static final class Ignored extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /** What runs the loop on the caller. */
  private static Row runs(String call, Action action) {
    return anywhere(call, action)
        .with(
            Outcome.NEEDS_A_PLATFORM_THREAD,
            Caller.TASK,
            Caller.VIRTUAL,
            Caller.OTHERS_TASK,
            Caller.VIRTUAL_IDLE,
            Caller.OTHERS_TASK_IDLE)
        .with(Outcome.RUNS_ALREADY, Caller.THREAD);
  }

  private static final List<Row> TABLE =
      List.of(
          runs("`loop()`, `loop(init)`", scene -> scene.copas.loop()),
          runs("`step()`, `step(Duration)`", scene -> scene.copas.step()),
          anywhere("`start()`", scene -> scene.copas.start())
              .with(
                  Outcome.RUNS_ALREADY,
                  Caller.TASK,
                  Caller.THREAD,
                  Caller.VIRTUAL,
                  Caller.OTHERS_TASK),
          anywhere("`stop(Duration)`", Scene::stop),
          anywhere("`close()`", Scene::end),
          anywhere("`exit()`", scene -> scene.copas.exit()),
          anywhere("`nanoTime()`", scene -> scene.copas.nanoTime()),
          anywhere(
              "`socketFactory().createSocket()`",
              scene -> scene.copas.socketFactory().createSocket().close()),
          anywhere("`exiting()`", scene -> scene.copas.exiting()),
          anywhere("`cancelAll()`", Scene::cancelAll),
          anywhere("`status()`", scene -> assertFalse(scene.copas.status().tasks().isEmpty())),
          anywhere("`dump()`", scene -> assertTrue(scene.copas.dump().startsWith("loop: "))),
          anywhere("`finished()`", scene -> scene.copas.finished())
              .with(Outcome.BELONGS_TO_THE_LOOP, Caller.THREAD, Caller.VIRTUAL, Caller.OTHERS_TASK),
          anywhere("`waitForExit()`", Scene::waitForExit)
              .with(Outcome.NEEDS_A_TASK_OF_THIS_LOOP, othersThan(Caller.TASK)),
          anywhere("`bind(host, port)`", scene -> scene.copas.bind("127.0.0.1", 0).close()),
          anywhere("`bindUnix(path)`", Scene::bindUnix),
          anywhere("`addServer(server, handler)`", Scene::addServer),
          anywhere("`removeServer(server)`", Scene::removeServer),
          waits("`connect(host, port)`", Scene::connect),
          waits("`connectUnix(path)`", Scene::connectUnix),
          anywhere("`addThread(body)`", Scene::addThread),
          anywhere("`execute(Runnable)`", Scene::execute),
          anywhere("`offload(call)`", scene -> assertEquals(1, (int) scene.copas.offload(() -> 1))),
          anywhere(
              "`setErrorHandler(handler)`, `getErrorHandler()`",
              scene -> scene.copas.setErrorHandler(scene.copas.getErrorHandler())),
          anywhere("`Task.cancel()`, `removeThread(task)`", scene -> scene.pausing.cancel()),
          anywhere("`Task.wakeup()`", scene -> assertTrue(scene.pausing.wakeup())),
          anywhere(
              "`Task.name()`, `Task.state()`, `Task.isCancelled()`",
              scene -> assertFalse(scene.pausing.isCancelled())),
          anywhere("`Task.report(exception)`", scene -> scene.pausing.report(new Ignored())),
          waits("`Task.join()`", scene -> scene.copas.addThread(() -> {}).join()),
          waits(
              "`Task.joinUninterruptibly()`",
              scene -> scene.copas.addThread(() -> {}).joinUninterruptibly()),
          ofTheTasks(
              "`Task.addEndHook(hook)`, `Task.removeEndHook(hook)`",
              scene -> assertFalse(scene.pausing.removeEndHook(() -> {}))),
          anywhere("`inLoop()`", scene -> assertEquals(scene.callerIsTask(), scene.copas.inLoop())),
          ofATask("`Copas.current()`", scene -> Copas.current()),
          ofATask("`Copas.pause()`, `Copas.pause(Duration)`", scene -> Copas.pause()),
          ofATask("`Copas.pauseForever()`", scene -> Scene.pauseForever()),
          ofATask("`Copas.atomic(body)`", scene -> Copas.atomic(() -> {})),
          ofATask(
              "`Copas.within(time, body)`", scene -> Copas.within(Duration.ofSeconds(1), () -> {})),
          waits(
              "`receive` in all its forms, `getInputStream().read`",
              scene -> assertEquals("line", scene.socket.receive())),
          waits("`send`, `flush`, `getOutputStream().write`", scene -> scene.socket.send("x")),
          anywhere("`trySend`", scene -> assertTrue(scene.socket.trySend("x"))),
          anywhere("`shutdownInput`, `shutdownOutput`", scene -> scene.socket.shutdownOutput()),
          anywhere("`CopasSocket.stats()`", scene -> assertEquals(0, scene.socket.stats().sent())),
          anywhere("`CopasSocket.close()`", scene -> scene.socket.close()),
          anywhere("options, addresses, time-outs of a socket", Scene::ask),
          waits("`CopasServerSocket.accept()`", scene -> scene.listener.accept().close()),
          anywhere("`CopasServerSocket.close()`", scene -> scene.listener.close()),
          anywhere(
              "`bindDatagram(host, port)`, `datagramSocket()`",
              scene -> scene.copas.bindDatagram("127.0.0.1", 0).close()),
          anywhere("`addServer(datagramSocket, handler)`", Scene::addDatagramServer),
          anywhere("`removeServer(datagramSocket)`", Scene::removeDatagramServer),
          waits(
              "`CopasDatagramSocket.receive` in both forms",
              scene -> assertEquals(1, scene.datagrams.receive().bytes().length)),
          waits(
              "`CopasDatagramSocket.send` in all its forms",
              scene -> scene.datagrams.send(new byte[1], scene.datagramAddress())),
          anywhere(
              "`CopasDatagramSocket.trySend`",
              scene -> assertTrue(scene.datagrams.trySend(new byte[1], scene.datagramAddress()))),
          anywhere(
              "`bind`, `connect`, `disconnect`, groups and options of a `CopasDatagramSocket`",
              Scene::setDatagrams),
          anywhere("`CopasDatagramSocket.close()`", scene -> scene.datagrams.close()));

  /** A loop with everything that the calls are about. Nobody runs it yet. */
  private static final class Scene implements AutoCloseable {

    private final LoopFixture fixture = new LoopFixture();
    final Copas copas = fixture.copas;
    final CopasServerSocket listener = copas.bind("127.0.0.1", 0);
    final CopasDatagramSocket datagrams = copas.bindDatagram("127.0.0.1", 0);
    final CopasServerSocket unserved = copas.bind("127.0.0.1", 0);
    final Task pausing = quiet(copas.addThread(Copas::pauseForever));
    final Socket plain = new Socket(InetAddress.getLoopbackAddress(), listener.getLocalPort());
    final Socket notAccepted;
    final CopasSocket socket;

    Scene() throws Exception {
      plain.getOutputStream().write("line\n".getBytes(StandardCharsets.UTF_8));
      var accepted = new ArrayList<CopasSocket>();
      fixture.loop(() -> accepted.add(listener.accept()));
      socket = accepted.getFirst();
      notAccepted = new Socket(InetAddress.getLoopbackAddress(), listener.getLocalPort());
      assertTrue(datagrams.trySend(new byte[1], datagramAddress()));
    }

    SocketAddress datagramAddress() {
      return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), datagrams.getLocalPort());
    }

    void addDatagramServer() {
      copas.addServer(datagrams, _ -> Copas.pauseForever()); // It could be over before.
    }

    void removeDatagramServer() {
      addDatagramServer();
      assertTrue(copas.removeServer(datagrams));
      assertTrue(datagrams.isClosed());
    }

    void setDatagrams() throws Exception {
      datagrams.connect(datagramAddress());
      datagrams.setSoTimeout(20_000);
      datagrams.setBroadcast(false);
      datagrams.disconnect();
    }

    private static Task quiet(Task task) {
      task.setErrorHandler((error, failed, socket) -> {});
      return task;
    }

    private boolean callerIsTask() {
      return copas.machine.current() != null;
    }

    void stop() {
      assertFalse(copas.stop(Duration.ofSeconds(20)), "a task that pauses has to be cancelled");
      assertTrue(callerIsTask() || pausing.state() == Task.State.ENDED);
    }

    void end() {
      copas.close();
      assertTrue(callerIsTask() || pausing.state() == Task.State.ENDED);
    }

    void cancelAll() throws Exception {
      copas.cancelAll();
      if (!copas.machine.isTurning()) {
        runOnAThread();
      }
      LoopFixture.eventually(() -> pausing.state() == Task.State.ENDED);
    }

    void waitForExit() throws InterruptedException {
      if (callerIsTask()) {
        copas.exit();
      }
      copas.waitForExit();
    }

    void addServer() {
      copas.addServer(unserved, accepted -> {});
    }

    void removeServer() {
      addServer();
      assertTrue(copas.removeServer(unserved));
      assertTrue(unserved.isClosed());
    }

    void connect() throws Exception {
      copas.connect("127.0.0.1", listener.getLocalPort()).close();
    }

    void bindUnix() throws Exception {
      Path folder = Files.createTempDirectory("copas");
      copas.bindUnix(folder.resolve("s")).close();
      Files.delete(folder);
    }

    void connectUnix() throws Exception {
      Path folder = Files.createTempDirectory("copas");
      Path path = folder.resolve("s");
      var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      try (server) {
        server.bind(UnixDomainSocketAddress.of(path));
        copas.connectUnix(path).close();
      } finally {
        Files.delete(path);
        Files.delete(folder);
      }
    }

    void addThread() throws Exception {
      var ran = new CountDownLatch(1);
      copas.addThread(ran::countDown);
      awaitRun(ran);
    }

    void execute() throws Exception {
      var ran = new CountDownLatch(1);
      copas.execute(ran::countDown);
      awaitRun(ran);
    }

    private void awaitRun(CountDownLatch ran) throws Exception {
      if (!copas.machine.isTurning()) {
        assertEquals(1, ran.getCount(), "nothing runs while nobody runs the loop");
        runOnAThread();
      }
      ran.await();
    }

    private void runOnAThread() throws InterruptedException {
      Thread.ofPlatform().start(copas::loop).join();
    }

    static void pauseForever() throws InterruptedException {
      Task me = Copas.current();
      Thread.ofPlatform()
          .start(() -> {
            while (!me.wakeup()) {
              Thread.onSpinWait();
            }
          });
      Copas.pauseForever();
    }

    void ask() throws Exception {
      socket.setTimeouts(null, Duration.ofSeconds(1), null);
      socket.setSoTimeout(20_000);
      socket.setKeepAlive(true);
      assertEquals(plain.getLocalPort(), socket.getPort());
      assertEquals(listener.getLocalPort(), socket.getLocalPort());
    }

    @Override
    public void close() throws IOException {
      plain.close();
      notAccepted.close();
      fixture.close();
    }
  }

  private static List<Arguments> cells() {
    List<Arguments> cells = new ArrayList<>();
    for (Row row : TABLE) {
      for (Caller caller : Caller.values()) {
        cells.add(Arguments.of(row.call, caller));
      }
    }
    return cells;
  }

  @ParameterizedTest(name = "{0} by {1}")
  @MethodSource("cells")
  void everyCallDoesWhatTheTableSays(String call, Caller caller) throws Exception {
    Row row = TABLE.stream().filter(any -> any.call.equals(call)).findFirst().orElseThrow();
    try (var scene = new Scene()) {
      if (caller == Caller.STEPPER) {
        scene.copas.step();
      }
      if (caller.loopRuns()) {
        scene.fixture.start();
      }
      Throwable thrown = outcome(caller, row.action, scene);
      Outcome expected = row.outcome(caller);
      if (expected == Outcome.WORKS) {
        assertNull(thrown, () -> "it threw " + thrown);
      } else {
        assertInstanceOf(IllegalStateException.class, thrown);
        assertTrue(String.valueOf(thrown.getMessage()).contains(expected.says), thrown::toString);
      }
    }
  }

  private static @Nullable Throwable outcome(Caller caller, Action action, Scene scene)
      throws Exception {
    var outcome = new CompletableFuture<@Nullable Throwable>();
    Runnable call =
        () -> {
          try {
            action.run(scene);
            outcome.complete(null);
          } catch (Throwable e) {
            outcome.complete(e);
          }
        };
    switch (caller) {
      case STEPPER -> call.run();
      case TASK -> scene.copas.addThread(call::run);
      case THREAD, THREAD_IDLE -> Thread.ofPlatform().start(call);
      case VIRTUAL, VIRTUAL_IDLE -> Thread.ofVirtual().start(call);
      case OTHERS_TASK, OTHERS_TASK_IDLE -> {
        try (var other = new LoopFixture()) {
          other.start();
          other.add(call::run);
          return outcome.get();
        }
      }
    }
    return outcome.get();
  }

  /** A thread that steps is told of no loop that runs; everybody else's steps are such a loop. */
  @Test
  void whoWaitsForALoopThatAnotherThreadStepsIsServedByItsNextStep() throws Exception {
    try (var scene = new Scene()) {
      scene.copas.step();
      CompletableFuture<@Nullable String> line =
          SocketFixture.onThread(Thread.ofPlatform(), scene.socket::receive);
      LoopFixture.eventually(() -> {
        scene.copas.step();
        return line.isDone();
      });
      assertEquals("line", line.get());
    }
  }

  @Test
  void theDocumentSaysWhatTheTableSays() throws Exception {
    String begin = "<!-- begin of the table; ThreadsTest writes it -->\n";
    String end = "<!-- end of the table -->\n";
    Path document = Path.of("..", "docs", "threads.md");
    String text = Files.readString(document);
    int from = text.indexOf(begin) + begin.length();
    int to = text.indexOf(end);
    if (Boolean.getBoolean("copas.docs.write")) {
      Files.writeString(document, text.substring(0, from) + table() + text.substring(to));
    } else {
      assertEquals(
          table(), text.substring(from, to), "write it with -Dcopas.docs.write=true, see above");
    }
  }

  private static String table() {
    var text = new StringBuilder("\n| call |");
    for (Caller caller : Caller.IN_DOCUMENT) {
      text.append(' ').append(caller.text).append(" |");
    }
    text.append("\n|---|").append("---|".repeat(Caller.IN_DOCUMENT.size())).append('\n');
    for (Row row : TABLE) {
      text.append("| ").append(row.call).append(" |");
      for (Caller caller : Caller.IN_DOCUMENT) {
        text.append(' ').append(row.outcome(caller).inDocument()).append(" |");
      }
      text.append('\n');
    }
    text.append("\nEach *no* is an `IllegalStateException` that says why:\n\n");
    for (Outcome outcome : Outcome.values()) {
      if (outcome != Outcome.WORKS) {
        text.append("- ")
            .append(outcome.inDocument().replace("no ", "**"))
            .append("**: \"")
            .append(outcome.says)
            .append("\"\n");
      }
    }
    return text.append('\n').toString();
  }
}
