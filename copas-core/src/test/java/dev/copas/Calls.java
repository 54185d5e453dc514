package dev.copas;

import static java.util.Objects.requireNonNull;

import com.sun.net.httpserver.HttpServer;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PipedReader;
import java.io.PipedWriter;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.DatagramChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.Pipe;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.StandardWatchEventKinds;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Exchanger;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Phaser;
import java.util.concurrent.RecursiveAction;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.IntStream;
import java.util.zip.Deflater;

/**
 * Calls that handlers may think of, made for real. Those that can wait, wait for {@link #WAIT}:
 * real time, for they are the JDK's and the system's, and so is the watchdog's.
 */
final class Calls {

  static final Duration WAIT = Duration.ofMillis(200);

  /** More than a pipe takes. */
  static final int MUCH = 256 * 1024;

  private Calls() {}

  /** A call that waits for so long. */
  @FunctionalInterface
  private interface Wait {
    void await(Duration time) throws Exception;
  }

  /** One after the other, so that they take the time of one. */
  private static void each(Wait... waits) throws Exception {
    for (Wait wait : waits) {
      wait.await(WAIT.dividedBy(waits.length));
    }
  }

  @FunctionalInterface
  private interface Action {
    void run() throws Exception;
  }

  /** After so long, on another thread. */
  private static void later(Duration time, Action action) {
    onThread(() -> {
      Thread.sleep(time);
      action.run();
    });
  }

  private static Thread onThread(Action action) {
    return Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            action.run();
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
  }

  /** Again and again for the time of a wait. */
  private static void forLong(Action action) throws Exception {
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < WAIT.toNanos()) {
      action.run();
    }
  }

  // ---- The network

  static void pause() throws Exception {
    Copas.pause(WAIT);
  }

  static void socket() throws Exception {
    try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        var socket = new Socket(silent.getInetAddress(), silent.getLocalPort());
        var unused = new ServerSocket(0);
        var datagrams = new DatagramSocket()) {
      each(
          time -> {
            socket.setSoTimeout((int) time.toMillis());
            assertTimesOut(() -> socket.getInputStream().read());
          },
          time -> {
            unused.setSoTimeout((int) time.toMillis());
            assertTimesOut(unused::accept);
          },
          time -> {
            datagrams.setSoTimeout((int) time.toMillis());
            assertTimesOut(() -> datagrams.receive(new DatagramPacket(new byte[1], 1)));
          });
    }
  }

  private static void assertTimesOut(Action action) throws Exception {
    try {
      action.run();
    } catch (SocketTimeoutException e) {
      return;
    }
    throw new AssertionError("it did not wait");
  }

  static void channel() throws Exception {
    each(
        time -> {
          try (var server = ServerSocketChannel.open().bind(loopback());
              var near = SocketChannel.open(server.getLocalAddress());
              var far = server.accept()) {
            later(time, far::shutdownOutput);
            near.read(ByteBuffer.allocate(1));
          }
        },
        time -> {
          try (var near = DatagramChannel.open().bind(loopback());
              var far = DatagramChannel.open()) {
            later(time, () -> far.send(ByteBuffer.allocate(1), near.getLocalAddress()));
            near.receive(ByteBuffer.allocate(1));
          }
        },
        time -> {
          Pipe pipe = Pipe.open();
          try (var source = pipe.source()) {
            later(time, pipe.sink()::close);
            source.read(ByteBuffer.allocate(1));
          }
        });
  }

  private static InetSocketAddress loopback() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  static void selector() throws Exception {
    try (Selector selector = Selector.open()) {
      selector.select(WAIT.toMillis());
    }
  }

  private static final AtomicInteger NAMES = new AtomicInteger();

  static void names() throws Exception {
    InetAddress.getAllByName("name-" + NAMES.incrementAndGet() + ".slow");
  }

  static void http() throws Exception {
    var server = HttpServer.create(loopback(), 0);
    server.createContext(
        "/",
        exchange -> {
          park(WAIT.dividedBy(2));
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    server.start();
    var uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    try (var client = HttpClient.newHttpClient()) {
      ((HttpURLConnection) uri.toURL().openConnection()).getResponseCode();
      client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.discarding());
    } finally {
      server.stop(0);
    }
  }

  // ---- Threads

  static void sleep() throws Exception {
    each(Thread::sleep, Calls::park);
  }

  static void monitor() throws Exception {
    var monitor = new Object();
    var inside = new CountDownLatch(1);
    onThread(() -> {
      synchronized (monitor) {
        inside.countDown();
        Thread.sleep(WAIT);
      }
    });
    inside.await();
    synchronized (monitor) {
      monitor.notifyAll();
    }
  }

  static void objectWait() throws Exception {
    var monitor = new Object();
    boolean[] over = {false};
    later(
        WAIT,
        () -> {
          synchronized (monitor) {
            over[0] = true;
            monitor.notifyAll();
          }
        });
    synchronized (monitor) {
      while (!over[0]) {
        monitor.wait();
      }
    }
  }

  static void lock() throws Exception {
    var lock = new ReentrantLock();
    var readWriteLock = new ReentrantReadWriteLock();
    var stampedLock = new StampedLock();
    each(
        time -> awaitLock(lock, lock, time),
        time -> awaitLock(readWriteLock.writeLock(), readWriteLock.readLock(), time),
        time -> awaitLock(stampedLock.asWriteLock(), stampedLock.asReadLock(), time),
        time -> awaitCondition(lock, time));
  }

  /** Another thread has the first when this wants the second. */
  private static void awaitLock(Lock others, Lock ours, Duration time) throws Exception {
    var inside = new CountDownLatch(1);
    onThread(() -> {
      others.lock();
      try {
        inside.countDown();
        Thread.sleep(time);
      } finally {
        others.unlock();
      }
    });
    inside.await();
    ours.lockInterruptibly();
    ours.unlock();
  }

  @SuppressWarnings("WaitNotInLoop") // It waits for the time.
  private static void awaitCondition(Lock lock, Duration time) throws Exception {
    lock.lock();
    try {
      lock.newCondition().awaitNanos(time.toNanos());
    } finally {
      lock.unlock();
    }
  }

  static void synchronizer() throws Exception {
    var semaphore = new Semaphore(0);
    var latch = new CountDownLatch(1);
    var barrier = new CyclicBarrier(2);
    var phaser = new Phaser(1);
    var exchanger = new Exchanger<String>();
    each(
        time -> {
          later(time, semaphore::release);
          semaphore.acquire();
        },
        time -> {
          later(time, latch::countDown);
          latch.await();
        },
        time -> {
          later(time, barrier::await);
          barrier.await();
        },
        time -> {
          later(time, phaser::arrive);
          phaser.awaitAdvance(0);
        },
        time -> {
          later(time, () -> exchanger.exchange("theirs"));
          exchanger.exchange("ours");
        });
  }

  static void queue() throws Exception {
    var empty = new LinkedBlockingQueue<String>();
    var full = new ArrayBlockingQueue<String>(1);
    full.add("first");
    var direct = new SynchronousQueue<String>();
    each(
        time -> {
          later(time, () -> empty.put("item"));
          empty.take();
        },
        time -> {
          later(time, full::take);
          full.put("second");
        },
        time -> {
          later(time, () -> direct.put("item"));
          direct.take();
        });
  }

  static void future() throws Exception {
    each(
        time -> {
          var task = new FutureTask<>(() -> "value");
          later(time, task::run);
          task.get();
        },
        time -> late(time).get(),
        time -> late(time).join());
  }

  private static CompletableFuture<String> late(Duration time) {
    return new CompletableFuture<String>()
        .completeOnTimeout("value", time.toMillis(), TimeUnit.MILLISECONDS);
  }

  static void executor() throws Exception {
    try (var threads = Executors.newFixedThreadPool(1)) {
      threads.submit(Calls::takeTime).get();
    }
  }

  static void virtualThreads() throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      threads.submit(Calls::takeTime).get();
    }
  }

  static void takeTime() {
    park(WAIT);
  }

  private static void park(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    while (System.nanoTime() < end) {
      LockSupport.parkNanos(end - System.nanoTime());
    }
  }

  static void threadJoin() throws Exception {
    onThread(Calls::takeTime).join();
  }

  static void forkJoinPool() throws Exception {
    try (var pool = new ForkJoinPool(1)) {
      pool.submit(Calls::takeTime).get();
    }
  }

  static void pipedStream() throws Exception {
    try (var out = new PipedOutputStream();
        var in = new PipedInputStream(out);
        var writer = new PipedWriter();
        var reader = new PipedReader(writer)) {
      each(
          time -> {
            later(time, () -> out.write(1));
            in.read();
          },
          time -> {
            later(time, () -> writer.write(1));
            reader.read();
          });
    }
  }

  static void logger() throws Exception {
    var busy = new BusyHandler();
    Logger logger = Logger.getLogger("busy-" + System.identityHashCode(busy));
    logger.setUseParentHandlers(false);
    logger.addHandler(busy);
    onThread(() -> logger.info("of another thread"));
    busy.inside.await();
    System.getLogger(logger.getName()).log(System.Logger.Level.INFO, "of the task");
  }

  /** Takes its time, and lets one in at a time, as those that write do. */
  private static final class BusyHandler extends Handler {

    final CountDownLatch inside = new CountDownLatch(1);

    @Override
    public synchronized void publish(LogRecord record) {
      if (inside.getCount() > 0) {
        inside.countDown();
        takeTime();
      }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  // ---- Processes

  static void process() throws Exception {
    shell("sleep " + inSeconds()).waitFor();
  }

  static void processStart() throws Exception {
    shell("true");
  }

  static void processStreams() throws Exception {
    try (InputStream in = shell("sleep " + inSeconds() + "; echo late").getInputStream()) {
      in.readAllBytes();
    }
  }

  private static Process shell(String command) throws IOException {
    return new ProcessBuilder("sh", "-c", command).start();
  }

  private static String inSeconds() {
    return String.valueOf(WAIT.toMillis() / 1000.0);
  }

  // ---- Files

  private static Path temporaryFile() throws IOException {
    Path file = Files.createTempFile("copas", null);
    file.toFile().deleteOnExit();
    return file;
  }

  static void watchService() throws Exception {
    Path folder = Files.createTempDirectory("copas");
    try (var service = FileSystems.getDefault().newWatchService()) {
      folder.register(service, StandardWatchEventKinds.ENTRY_CREATE);
      service.poll(WAIT.toMillis(), TimeUnit.MILLISECONDS);
    } finally {
      Files.delete(folder);
    }
  }

  /** The channel's only thread has something else to do first, so there is a wait for sure. */
  static void asynchronousFile() throws Exception {
    Path file = temporaryFile();
    Files.write(file, new byte[1]);
    var read = Set.of(StandardOpenOption.READ);
    try (var threads = Executors.newFixedThreadPool(1);
        var channel = AsynchronousFileChannel.open(file, read, threads)) {
      threads.execute(Calls::takeTime);
      channel.read(ByteBuffer.allocate(1), 0).get();
    }
    Files.delete(file);
  }

  static void smallFile() throws Exception {
    Path file = temporaryFile();
    writeAndRead(file, new byte[100]);
    Files.delete(file);
  }

  static void largeFile() throws Exception {
    Path file = temporaryFile();
    forLong(() -> writeAndRead(file, new byte[MUCH]));
    Files.delete(file);
  }

  private static void writeAndRead(Path file, byte[] bytes) throws IOException {
    Files.write(file, bytes);
    try (var stream = new FileInputStream(file.toFile());
        var channel = FileChannel.open(file);
        var randomAccess = new RandomAccessFile(file.toFile(), "r")) {
      stream.readAllBytes();
      channel.read(ByteBuffer.wrap(bytes));
      randomAccess.readFully(bytes);
    }
  }

  static void fifo() throws Exception {
    Path fifo = temporaryFile();
    Files.delete(fifo);
    new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor();
    later(
        WAIT,
        () -> {
          try (var out = new FileOutputStream(fifo.toFile())) {
            out.write(1);
          }
        });
    try (var in = new FileInputStream(fifo.toFile())) {
      in.read();
    }
    Files.delete(fifo);
  }

  /** Asks whoever runs this program for a byte, later. */
  static void systemIn() throws Exception {
    tell("input");
    System.in.read();
  }

  /** Asks whoever runs this program to read what it writes, later. */
  @SuppressWarnings("SystemOut")
  static void systemOut() throws Exception {
    PrintStream out = System.out;
    tell("output");
    out.write(new byte[MUCH]);
    out.flush();
  }

  /** Tells the one who runs this program. */
  @SuppressWarnings("SystemOut")
  static void tell(String line) {
    System.err.println("@" + line);
  }

  // ---- Classes

  static void classLoading() throws Exception {
    ToolProvider.findFirst("jar"); // By a ServiceLoader.
    slowClass();
  }

  static void initialiser() throws Exception {
    MethodHandles.Lookup slow = slowClass();
    slow.ensureInitialized(slow.lookupClass());
  }

  static void othersInitialiser() throws Exception {
    MethodHandles.Lookup slow = slowClass();
    Thread other = onThread(() -> slow.ensureInitialized(slow.lookupClass()));
    while (other.isAlive() && other.getState() != Thread.State.TIMED_WAITING) {
      Thread.sleep(1);
    }
    slow.ensureInitialized(slow.lookupClass());
  }

  private static final class Slow {
    static {
      takeTime();
    }
  }

  /** A new class each time, for a class is initialised once. */
  private static MethodHandles.Lookup slowClass() throws Exception {
    String file = Calls.class.getSimpleName() + "$" + Slow.class.getSimpleName() + ".class";
    try (InputStream in = requireNonNull(Calls.class.getResourceAsStream(file))) {
      return MethodHandles.lookup().defineHiddenClass(in.readAllBytes(), false);
    }
  }

  static void random() {
    new SecureRandom().nextBytes(new byte[64]);
    UUID.randomUUID();
  }

  // ---- Native code

  static void nativeSleep() throws Exception {
    var type = FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    invoke(function("usleep", type), (int) (WAIT.toNanos() / 1000));
  }

  /** Sorts two numbers; who compares them takes its time. */
  @SuppressWarnings("restricted")
  static void upcall() throws Exception {
    var compare =
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS);
    var type =
        FunctionDescriptor.ofVoid(
            ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS);
    MethodHandle compareSlowly =
        MethodHandles.lookup().findStatic(Calls.class, "compareSlowly", compare.toMethodType());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment numbers = arena.allocateFrom(ValueLayout.JAVA_INT, 2, 1);
      MemorySegment callback = Linker.nativeLinker().upcallStub(compareSlowly, compare, arena);
      invoke(function("qsort", type), numbers, 2L, 4L, callback);
    }
  }

  static int compareSlowly(MemorySegment a, MemorySegment b) {
    takeTime();
    return 0;
  }

  @SuppressWarnings("restricted")
  private static MethodHandle function(String name, FunctionDescriptor type) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type);
  }

  private static void invoke(MethodHandle function, Object... arguments) {
    try {
      function.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  // ---- Computation

  private static final Pattern SLOW_PATTERN = Pattern.compile("(x+x+)+y");

  static void computation() throws Exception {
    byte[] bytes = new byte[1 << 16];
    forLong(() -> {
      MessageDigest.getInstance("SHA-256").digest(bytes);
      SLOW_PATTERN.matcher("x".repeat(10)).matches();
      try (var deflater = new Deflater()) {
        deflater.setInput(bytes);
        deflater.finish();
        deflater.deflate(new byte[1 << 16]);
      }
    });
  }

  static void parallel() {
    IntStream.range(0, 2).parallel().forEach(i -> spinning());
    new RecursiveAction() {
      @Override
      protected void compute() {
        spinning();
      }
    }.invoke();
  }

  static void spinning() {
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < WAIT.toNanos()) {
      Thread.onSpinWait();
    }
  }

  static void yielding() {
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < WAIT.toNanos()) {
      Thread.yield();
    }
  }
}
