package dev.copas;

import static dev.copas.HandlerCall.Holds.BRIEFLY;
import static dev.copas.HandlerCall.Holds.NEVER;
import static dev.copas.HandlerCall.Holds.TO_THE_END;

import java.util.List;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;

/** What a handler may call: the rows of the table in docs/handlers.md. */
enum HandlerCall {
  PAUSE("`Copas.pause`, `receive`, `send`, and all else of Copas", NEVER, "", Calls::pause),
  SOCKET("`java.net`: `Socket`, `ServerSocket`, `DatagramSocket`", NEVER, "", Calls::socket),
  CHANNEL(
      "`java.nio.channels` in blocking mode: `SocketChannel`, `DatagramChannel`, `Pipe`",
      NEVER,
      "",
      Calls::channel),
  SELECTOR("`Selector.select`", NEVER, "", Calls::selector),
  NAMES(
      "looking names up: `InetAddress.getByName`, `getHostName`, `new InetSocketAddress(name,"
          + " port)`",
      NEVER,
      "See [ADR 12](adr/0012-names-are-looked-up-elsewhere.md).",
      Calls::names),
  HTTP("`HttpClient`, `HttpURLConnection`", NEVER, "", Calls::http),
  SLEEP("`Thread.sleep`, `LockSupport.park`", NEVER, "", Calls::sleep),
  SYNCHRONIZED("`synchronized`", NEVER, "See [Locks](#locks).", Calls::monitor),
  OBJECT_WAIT("`Object.wait`", NEVER, "", Calls::objectWait),
  LOCK(
      "`ReentrantLock`, `ReentrantReadWriteLock`, `StampedLock`, their conditions",
      NEVER,
      "See [Locks](#locks).",
      Calls::lock),
  SEMAPHORE(
      "`Semaphore`, `CountDownLatch`, `CyclicBarrier`, `Phaser`, `Exchanger`",
      NEVER,
      "",
      Calls::synchronizer),
  QUEUE("a `BlockingQueue`, bounded or not; `SynchronousQueue`", NEVER, "", Calls::queue),
  FUTURE("`Future.get`, `CompletableFuture.get` and `join`", NEVER, "", Calls::future),
  EXECUTOR("an `ExecutorService`: `submit(...).get()`, `close`", NEVER, "", Calls::executor),
  THREAD_JOIN("`Thread.join`", NEVER, "", Calls::threadJoin),
  VIRTUAL_THREADS(
      "`Executors.newVirtualThreadPerTaskExecutor()`, `Thread.ofVirtual().start(...)`",
      NEVER,
      "They run beside the loop. In solo mode they take turns with the tasks.",
      Calls::virtualThreads),
  FORK_JOIN_POOL("a `ForkJoinPool` of one's own", NEVER, "", Calls::forkJoinPool),
  PROCESS("`Process.waitFor`", NEVER, "", Calls::process),
  PIPED_STREAM("`PipedInputStream`, `PipedReader`", NEVER, "", Calls::pipedStream),
  WATCH_SERVICE("`WatchService.take`, `poll`", NEVER, "", Calls::watchService),
  ASYNCHRONOUS_FILE(
      "`AsynchronousFileChannel.read(...).get()`",
      NEVER,
      "For large files, instead of `offload`. A read that is over by then does not wait:"
          + " `Copas.pause()` now and then.",
      Calls::asynchronousFile),
  LOGGER(
      "a logger in which another thread is: `System.Logger`, `java.util.logging`, SLF4J",
      NEVER,
      "The writing itself is file access, see below.",
      Calls::logger),
  SMALL_FILE(
      "`Files`, `FileInputStream`, `FileChannel`, `RandomAccessFile`: small files on a local disk",
      BRIEFLY,
      "Nothing.",
      Calls::smallFile),
  LARGE_FILE(
      "the same, on large files, slow disks and network drives",
      TO_THE_END,
      "`offload`.",
      Calls::largeFile),
  CLASS_LOADING(
      "loading classes, `ServiceLoader`",
      BRIEFLY,
      "Nothing. When it is much, touch the classes before `loop()`.",
      Calls::classLoading),
  RANDOM("`SecureRandom`, `UUID.randomUUID`", BRIEFLY, "Nothing.", Calls::random),
  PROCESS_START("`ProcessBuilder.start`", BRIEFLY, "Nothing.", Calls::processStart),
  FIFO(
      "opening and reading a FIFO, and what is like one: a terminal, a serial line",
      TO_THE_END,
      "`offload`.",
      Calls::fifo),
  SYSTEM_IN(
      "`System.in`, and what reads from it: `Scanner`, `Console`",
      TO_THE_END,
      "`offload`.",
      Calls::systemIn),
  SYSTEM_OUT(
      "`System.out`, a log on the console: while nobody reads the pipe",
      TO_THE_END,
      "Let somebody read it, or log through an asynchronous appender.",
      Calls::systemOut),
  PROCESS_STREAMS(
      "the streams of a `Process`",
      TO_THE_END,
      "`offload`; or redirect them to files, and `waitFor`.",
      Calls::processStreams),
  INITIALISER(
      "a class initialiser that waits",
      TO_THE_END,
      "Touch the class before `loop()`. Waits of Copas in there end with an exception.",
      Calls::initialiser),
  OTHERS_INITIALISER(
      "a class that another thread is initialising",
      TO_THE_END,
      "Touch the class before `loop()`.",
      Calls::othersInitialiser),
  NATIVE(
      "native code that waits or computes, through `java.lang.foreign`; likewise JNI",
      TO_THE_END,
      "`offload`.",
      Calls::nativeSleep),
  UPCALL(
      "a wait in what native code calls back", TO_THE_END, "`offload`, all of it.", Calls::upcall),
  COMPUTATION(
      "computation: cryptography, compression, regular expressions and the like",
      TO_THE_END,
      "`offload` when it is long; `Copas.pause()` now and then when it is yours.",
      Calls::computation),
  PARALLEL_STREAM(
      "a parallel stream, `RecursiveTask.invoke`",
      TO_THE_END,
      "`offload`: the caller computes with the others.",
      Calls::parallel),
  SPINNING(
      "`Thread.onSpinWait` in a loop",
      TO_THE_END,
      "Wait for something, or pause.",
      Calls::spinning),
  YIELDING(
      "`Thread.yield` in a loop",
      NEVER,
      TO_THE_END,
      "`Copas.pause()`, which lets the others run in both modes.",
      Calls::yielding);

  /** How long a call keeps everybody else from running. */
  enum Holds {
    NEVER("no"),
    BRIEFLY("for a moment"),
    TO_THE_END("**yes**");

    final String text;

    Holds(String text) {
      this.text = text;
    }
  }

  /** Those that need the streams of a program, or a JVM that has not looked up anything yet. */
  static final List<HandlerCall> IN_A_PROGRAM = List.of(NAMES, SYSTEM_IN, SYSTEM_OUT);

  private static final int TASKS = 2;
  private static final int ATTEMPTS = 5;

  final String text;
  final String advice;
  private final Holds inNativeMode;
  private final Holds inSoloMode;

  @SuppressWarnings("ImmutableEnumChecker") // It has no state.
  private final TaskBody body;

  HandlerCall(String text, Holds holds, String advice, TaskBody body) {
    this(text, holds, holds, advice, body);
  }

  HandlerCall(String text, Holds inNativeMode, Holds inSoloMode, String advice, TaskBody body) {
    this.text = text;
    this.inNativeMode = inNativeMode;
    this.inSoloMode = inSoloMode;
    this.advice = advice;
    this.body = body;
  }

  /** For the table. */
  String holds() {
    return inNativeMode == inSoloMode
        ? inNativeMode.text
        : inNativeMode.text + ", in solo mode " + inSoloMode.text;
  }

  private Holds holdsHere() {
    return Modes.SOLO ? inSoloMode : inNativeMode;
  }

  /**
   * What a loop is like while two of its tasks make the call. A machine that is busy with other
   * things holds loops, too; so it looks again when it is not as the table says.
   */
  Observation observe() throws Exception {
    Observation observation = observeOnce();
    for (int i = 1; i < ATTEMPTS && problem(observation) != null; i++) {
      observation = observeOnce();
    }
    return observation;
  }

  private Observation observeOnce() throws Exception {
    boolean atomic = holdsHere() == BRIEFLY;
    return Observation.of(TASKS, atomic ? () -> Copas.atomic(body::run) : body);
  }

  /** What is not as the table says, or null. */
  @Nullable String problem(Observation observation) {
    if (!observation.failures().isEmpty()) {
      return "failed: " + observation;
    }
    return switch (holdsHere()) {
      case NEVER -> held(observation);
      case BRIEFLY -> null; // It is atomic.
      case TO_THE_END -> notHeld(observation);
    };
  }

  private static @Nullable String held(Observation observation) {
    boolean waited = observation.took().compareTo(Calls.WAIT.multipliedBy(9).dividedBy(10)) >= 0;
    boolean wentOn = observation.longestWait().compareTo(Calls.WAIT.dividedBy(2)) < 0;
    return waited && wentOn && observation.reports().isEmpty() ? null : "held " + observation;
  }

  private static @Nullable String notHeld(Observation observation) {
    boolean held = observation.longestWait().compareTo(Observation.LIMIT) >= 0;
    boolean named = observation.reports().stream().anyMatch(HandlerCall::namesTheCaller);
    return held && named ? null : "not held " + observation;
  }

  /** The watchdog names the task, and its stack shows the call. */
  private static boolean namesTheCaller(LogRecord report) {
    Throwable stack = report.getThrown();
    return report.getMessage().contains("\"" + Observation.CALLER)
        && report.getMessage().contains("has held the loop")
        && stack != null
        && List.of(stack.getStackTrace()).toString().contains(Calls.class.getName());
  }
}
