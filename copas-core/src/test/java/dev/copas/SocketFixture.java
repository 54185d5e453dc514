package dev.copas;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A loop, and plain java.net sockets to talk to it.
 *
 * <p>A <em>started</em> loop runs on a thread of its own. A <em>stepped</em> one runs only while
 * the test waits for something through the fixture; so what a task has seen when the next bytes
 * come is certain.
 */
final class SocketFixture implements AutoCloseable {

  static final Duration SOON = Duration.ofSeconds(20);
  static final String LOCAL = "127.0.0.1";

  final Copas copas;
  final Queue<Throwable> errors = new ConcurrentLinkedQueue<>();
  private final boolean stepped;
  private final List<Closeable> opened = new ArrayList<>();

  private SocketFixture(Options options, boolean stepped) {
    this.copas = Modes.create(options);
    this.stepped = stepped;
    copas.setErrorHandler((error, task, socket) -> errors.add(error));
    if (!stepped) {
      copas.start();
      startRun(() -> {}).outcome.join(); // Now it really runs.
    }
  }

  static SocketFixture started() {
    return started(Options.defaults());
  }

  static SocketFixture started(Options options) {
    return new SocketFixture(options, false);
  }

  static SocketFixture stepped() {
    return stepped(Options.defaults());
  }

  static SocketFixture stepped(Options options) {
    return new SocketFixture(options, true);
  }

  /** The two ends of a connection: ours, accepted, and that of a plain client. */
  record Pair(CopasSocket ours, Socket plain) {

    void plainSends(String text) throws IOException {
      plainSends(text.getBytes(ISO_8859_1));
    }

    void plainSends(byte[] bytes) throws IOException {
      plain.getOutputStream().write(bytes);
    }

    String plainReceives(int count) throws IOException {
      return new String(plain.getInputStream().readNBytes(count), ISO_8859_1);
    }

    String plainReceivesAll() throws IOException {
      return new String(plain.getInputStream().readAllBytes(), ISO_8859_1);
    }

    /** The plain end vanishes: ours gets a reset instead of the end of the stream. */
    void plainResets() throws IOException {
      plain.setSoLinger(true, 0);
      plain.close();
    }
  }

  Pair pair() throws Exception {
    return pair(0);
  }

  /**
   * @param receiveBuffer of the plain end, in bytes; 0 is the system's choice
   */
  Pair pair(int receiveBuffer) throws Exception {
    try (CopasServerSocket listener = copas.bind(LOCAL, 0)) {
      Socket plain = client(listener.getLocalPort(), receiveBuffer);
      return new Pair(inTask(listener::accept), plain);
    }
  }

  /** A plain connection to a server. */
  Socket client(ServerSocket server) throws IOException {
    return client(server.getLocalPort(), 0);
  }

  private Socket client(int port, int receiveBuffer) throws IOException {
    Socket plain = opened(new Socket());
    if (receiveBuffer > 0) {
      plain.setReceiveBufferSize(receiveBuffer);
    }
    plain.connect(new InetSocketAddress(InetAddress.ofLiteral(LOCAL), port));
    plain.setTcpNoDelay(true);
    plain.setSoTimeout((int) SOON.toMillis());
    return plain;
  }

  /** A server on a free port. */
  CopasServerSocket serve(Handler handler) throws IOException {
    return serve(ServerOptions.defaults(), handler);
  }

  CopasServerSocket serve(ServerOptions options, Handler handler) throws IOException {
    CopasServerSocket server = copas.bind(LOCAL, 0);
    copas.addServer(server, options, handler);
    return server;
  }

  /** A plain listening socket on a free port. */
  ServerSocket plainListener() throws IOException {
    return opened(new ServerSocket(0, 50, InetAddress.ofLiteral(LOCAL)));
  }

  /** A port that nobody listens on. */
  static int closedPort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.ofLiteral(LOCAL))) {
      return socket.getLocalPort();
    }
  }

  /** Closed with the fixture. */
  <T extends Closeable> T opened(T resource) {
    opened.add(resource);
    return resource;
  }

  /** What a task is doing, for the test to wait for. */
  static final class Job<T extends @Nullable Object> {

    final Task task;
    private final CompletableFuture<T> outcome;

    private Job(Task task, CompletableFuture<T> outcome) {
      this.task = task;
      this.outcome = outcome;
    }

    boolean isDone() {
      return outcome.isDone();
    }
  }

  <T extends @Nullable Object> Job<T> start(CheckedCallable<T, Exception> body) {
    var outcome = new CompletableFuture<T>();
    Task task =
        copas.addThread(() -> {
          try {
            outcome.complete(body.call());
          } catch (Throwable e) {
            outcome.completeExceptionally(e);
          }
        });
    return new Job<>(task, outcome);
  }

  Job<@Nullable Void> startRun(CheckedRunnable<Exception> body) {
    return this.<@Nullable Void>start(() -> {
      body.run();
      return null;
    });
  }

  /** The result of a job, or its exception. */
  <T extends @Nullable Object> T result(Job<T> job) throws Exception {
    await(job::isDone);
    return get(job.outcome);
  }

  /** Waits for the end of a job whose result does not matter. */
  void finish(Job<?> job) throws Exception {
    await(job::isDone);
    finish(job.outcome);
  }

  static void finish(CompletableFuture<?> outcome) throws Exception {
    try {
      outcome.get(SOON.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw causeOf(e);
    }
  }

  <T extends @Nullable Object> T inTask(CheckedCallable<T, Exception> body) throws Exception {
    return result(start(body));
  }

  void runInTask(CheckedRunnable<Exception> body) throws Exception {
    result(startRun(body));
  }

  /** Returns when the job waits for something (or is done). */
  void awaitWaiting(Job<?> job) throws InterruptedException {
    await(() -> job.isDone() || job.task.state() == Task.State.WAITING);
  }

  /** Lets the loop run until something holds. */
  void await(BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + SOON.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("it did not happen in " + SOON);
      }
      if (stepped) {
        copas.step(Duration.ofMillis(1));
      } else {
        Thread.sleep(1);
      }
    }
  }

  /** Runs the body on a thread that has nothing to do with any loop. */
  static <T extends @Nullable Object> CompletableFuture<T> onThread(
      Thread.Builder kind, CheckedCallable<T, Exception> body) {
    var outcome = new CompletableFuture<T>();
    kind.start(() -> {
      try {
        outcome.complete(body.call());
      } catch (Throwable e) {
        outcome.completeExceptionally(e);
      }
    });
    return outcome;
  }

  static <T extends @Nullable Object> T get(CompletableFuture<T> outcome) throws Exception {
    try {
      return outcome.get(SOON.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw causeOf(e);
    }
  }

  private static Exception causeOf(ExecutionException e) {
    return switch (e.getCause()) {
      case Exception cause -> cause;
      case Error cause -> throw cause;
      case null, default -> e;
    };
  }

  static void assertSays(String expected, Throwable error) {
    String message = String.valueOf(error.getMessage());
    if (!message.contains(expected)) {
      throw new AssertionError("the message does not say \"" + expected + "\"", error);
    }
  }

  /** Bytes that show when one is lost, doubled or out of order. */
  static byte[] pattern(int size, int seed) {
    byte[] bytes = new byte[size];
    for (int i = 0; i < size; i++) {
      int x = (i + seed) * 0x9E3779B1;
      bytes[i] = (byte) (x >>> 24 ^ x >>> 13);
    }
    return bytes;
  }

  /** How many of the expected bytes came, checked while they are read and thrown away. */
  static int readExpected(InputStream in, byte[] expected, int size) throws IOException {
    byte[] chunk = new byte[64 * 1024];
    int done = 0;
    for (int n; done < size && (n = in.read(chunk, 0, Math.min(chunk.length, size - done))) > 0; ) {
      for (int i = 0; i < n; i++) {
        if (chunk[i] != expected[done + i]) {
          throw new AssertionError("byte " + (done + i) + " is not what was sent");
        }
      }
      done += n;
    }
    return done;
  }

  /**
   * Sends until the peer's buffers, the system's and our own are full, and stay so for a while. In
   * a task.
   *
   * @return how many bytes of the message are on their way
   */
  static int fill(CopasSocket socket, byte[] message) throws Exception {
    socket.setSendBufferSize(4096); // Or the system's may grow, and take everything later.
    int sent = 0;
    for (int refusals = 0; refusals < 5; ) {
      if (socket.trySend(ByteBuffer.wrap(message, sent, 1000))) {
        sent += 1000;
        refusals = 0;
      } else {
        refusals++;
        // The system moves bytes from one buffer to another, and tells nobody.
        Copas.pause(Duration.ofMillis(20));
      }
    }
    return sent;
  }

  /** The peers first, so that no closed socket of ours waits for one that does not read. */
  @Override
  public void close() throws IOException {
    for (Closeable resource : opened) {
      resource.close();
    }
    copas.close();
  }
}
