package dev.copas;

import dev.copas.transport.Transports;
import java.time.Duration;

/**
 * The limits and habits of a {@link Copas}. Immutable: every method returns a changed copy.
 *
 * {@snippet :
 * var options = Options.defaults().maxLineBytes(1024).watchdogLimit(Duration.ofMillis(200));
 * }
 */
public final class Options implements Cloneable {

  private static final int BY_LINES = 0;

  private static final Options DEFAULTS = new Options();

  private int maxLineBytes = 64 * 1024;
  private int maxReceiveAllBytes = 64 * 1024 * 1024;
  private int receiveBufferBytes = 32 * 1024;
  private int sendBufferBytes = BY_LINES;
  private int backlog = 1024;
  private int acceptBurst = 64;
  private Duration acceptBackoff = Duration.ofMillis(100);
  private int operationsPerTurn = 64;
  private int offloadThreads = 16;
  private Duration closeTimeout = Duration.ofSeconds(5);
  private Duration watchdogLimit = Duration.ofSeconds(1);
  private Duration statusTimeout = Duration.ofSeconds(1);
  private boolean solo;
  private Transports transport = Transports.FASTEST;

  private Options() {}

  public static Options defaults() {
    return DEFAULTS;
  }

  /**
   * The longest line that {@link CopasSocket#receive()} takes, in bytes without its end: 64 KiB.
   */
  public Options maxLineBytes(int bytes) {
    Options copy = copy();
    copy.maxLineBytes = atLeast(1, bytes, "maxLineBytes");
    return copy;
  }

  /** The most that {@link CopasSocket#receiveAll()} collects, in bytes: 64 MiB. */
  public Options maxReceiveAllBytes(int bytes) {
    Options copy = copy();
    copy.maxReceiveAllBytes = atLeast(1, bytes, "maxReceiveAllBytes");
    return copy;
  }

  /**
   * How much a socket reads at once, in bytes: 32 KiB. The buffers are shared: a socket that waits
   * has none unless it has received a part of what it waits for.
   */
  public Options receiveBufferBytes(int bytes) {
    Options copy = copy();
    copy.receiveBufferBytes = atLeast(64, bytes, "receiveBufferBytes");
    return copy;
  }

  /**
   * How many bytes a socket keeps that were sent but not yet taken by the operating system: twice
   * {@link #maxLineBytes(int)}, but at least 128 KiB. So every line that was received can be passed
   * on by {@code trySend}, with something before and behind it. When they are that many, {@code
   * send} waits.
   */
  public Options sendBufferBytes(int bytes) {
    Options copy = copy();
    copy.sendBufferBytes = atLeast(64, bytes, "sendBufferBytes");
    return copy;
  }

  /** How many connections the operating system keeps that were not accepted yet: 1024. */
  public Options backlog(int connections) {
    Options copy = copy();
    copy.backlog = atLeast(1, connections, "backlog");
    return copy;
  }

  /** How many connections a server accepts before it lets other tasks run: 64. */
  public Options acceptBurst(int connections) {
    Options copy = copy();
    copy.acceptBurst = atLeast(1, connections, "acceptBurst");
    return copy;
  }

  /**
   * How long a server waits before it tries again after the operating system refused to accept,
   * because descriptors or memory ran out: 100 ms.
   */
  public Options acceptBackoff(Duration duration) {
    Options copy = copy();
    copy.acceptBackoff = positive(duration, "acceptBackoff");
    return copy;
  }

  /** How many socket operations that need not wait a task makes before others run: 64. */
  public Options operationsPerTurn(int operations) {
    Options copy = copy();
    copy.operationsPerTurn = atLeast(1, operations, "operationsPerTurn");
    return copy;
  }

  /** How many threads {@link Copas#offload} has at most: 16. They end after 10 s without work. */
  public Options offloadThreads(int threads) {
    Options copy = copy();
    copy.offloadThreads = atLeast(1, threads, "offloadThreads");
    return copy;
  }

  /**
   * How long a closed socket may take to deliver what was sent before, and how long {@link
   * Copas#close} waits for cancelled tasks to end: 5 s.
   */
  public Options closeTimeout(Duration duration) {
    Options copy = copy();
    copy.closeTimeout = positive(duration, "closeTimeout");
    return copy;
  }

  /**
   * How long a task may hold the loop before it is reported with its stack: 1 s. Zero is never. So
   * long may also the thread that drives the loop by {@link Copas#step()} wait for a lock between
   * two steps.
   */
  public Options watchdogLimit(Duration duration) {
    Options copy = copy();
    copy.watchdogLimit = duration.isZero() ? duration : positive(duration, "watchdogLimit");
    return copy;
  }

  /**
   * How long {@link Copas#status} and {@link Copas#dump} wait, on another thread, for a task that
   * holds the loop: 1 s.
   */
  public Options statusTimeout(Duration duration) {
    Options copy = copy();
    copy.statusTimeout = positive(duration, "statusTimeout");
    return copy;
  }

  /**
   * Runs the loop in <em>solo mode</em>: without the JVM flag of native mode, by holding the
   * virtual threads of the whole JVM to one carrier. Then every virtual thread of the program takes
   * turns with the tasks: one that computes without end, or calls {@link Thread#yield} without end,
   * holds them up. {@link Copas#step} is not to be had, and there is one loop at a time. {@link
   * Copas#create(Options)} has to come before the first virtual thread of the program, or the JVM
   * has to be started with {@code -Djdk.virtualThreadScheduler.parallelism=1
   * -Djdk.virtualThreadScheduler.maxPoolSize=1}. Off by default.
   */
  public Options solo() {
    Options copy = copy();
    copy.solo = true;
    return copy;
  }

  public boolean isSolo() {
    return solo;
  }

  /**
   * Has the sockets of java.nio under the loop also where there is epoll. By default those of
   * {@link #epoll} are taken in native mode where they are to be had.
   */
  public Options nio() {
    Options copy = copy();
    copy.transport = Transports.NIO;
    return copy;
  }

  /**
   * Insists on epoll, called directly, under the loop: on Linux, x86-64 or aarch64, in native mode,
   * with the JVM's permission {@code --enable-native-access} for {@code dev.copas} (or {@code
   * ALL-UNNAMED} on the class path). Elsewhere {@link Copas#create(Options)} throws an {@link
   * IllegalStateException}.
   */
  public Options epoll() {
    Options copy = copy();
    copy.transport = Transports.EPOLL;
    return copy;
  }

  Transports transport() {
    return transport;
  }

  public int maxLineBytes() {
    return maxLineBytes;
  }

  public int maxReceiveAllBytes() {
    return maxReceiveAllBytes;
  }

  public int receiveBufferBytes() {
    return receiveBufferBytes;
  }

  public int sendBufferBytes() {
    return sendBufferBytes == BY_LINES
        ? Math.clamp(2L * maxLineBytes, 128 * 1024, Integer.MAX_VALUE - 8)
        : sendBufferBytes;
  }

  public int backlog() {
    return backlog;
  }

  public int acceptBurst() {
    return acceptBurst;
  }

  public Duration acceptBackoff() {
    return acceptBackoff;
  }

  public int operationsPerTurn() {
    return operationsPerTurn;
  }

  public int offloadThreads() {
    return offloadThreads;
  }

  public Duration closeTimeout() {
    return closeTimeout;
  }

  public Duration watchdogLimit() {
    return watchdogLimit;
  }

  public Duration statusTimeout() {
    return statusTimeout;
  }

  private Options copy() {
    try {
      return (Options) clone();
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  private static int atLeast(int least, int value, String name) {
    if (value < least) {
      throw new IllegalArgumentException(name + " must be at least " + least + ", not " + value);
    }
    return value;
  }

  private static Duration positive(Duration value, String name) {
    if (value.isZero() || value.isNegative()) {
      throw new IllegalArgumentException(name + " must be positive, not " + value);
    }
    return value;
  }
}
