package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Environment;
import dev.copas.loop.Loop;
import dev.copas.loop.Loops;
import dev.copas.loop.Reports;
import dev.copas.loop.Scope;
import dev.copas.loop.Wake;
import dev.copas.transport.Transports;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * An event loop that runs plain sequential code: a handler for every connection, all on one thread,
 * and whatever one of them waits for, the others go on.
 *
 * {@snippet :
 * try (var copas = Copas.create()) {
 *   copas.addServer(
 *       copas.bind("127.0.0.1", 7777),
 *       socket -> {
 *         for (String line; (line = socket.receive()) != null; ) {
 *           socket.send(line + "\n");
 *         }
 *       });
 *   copas.loop();
 * }
 * }
 *
 * <p><strong>The guarantee.</strong> Between two calls that can block, nothing else of the loop
 * runs; so tasks share state without locks. Every socket call (but {@link CopasSocket#trySend} and
 * {@link CopasSocket#close}) is such a call even when it need not wait, and so is every lock,
 * monitor or log call that may be contended, and every look-up of a name. {@link #atomic} asserts
 * that there was none.
 *
 * <p><strong>What it does not do.</strong> Endless computation, file access, native code and class
 * initialisers hold the loop. {@link #offload} them; a watchdog names the task that holds the loop
 * for longer than {@link Options#watchdogLimit}.
 *
 * <p>One platform thread at a time is inside {@link #loop} or {@link #step}. From any thread:
 * {@link #start}, {@link #stop}, {@link #close}, {@link #exit}, {@link #bind}, {@link #bindUnix},
 * {@link #bindDatagram}, {@link #addServer(ServerSocket, Handler)}, {@link
 * #removeServer(ServerSocket)}, {@link #addThread}, {@link #execute}, {@link #status}, {@link
 * #dump}, and all of {@link Task}, {@link CopasSocket} and {@link CopasDatagramSocket}.
 */
public final class Copas implements Executor, AutoCloseable {

  private static final String CLOSED = "this Copas is closed; create another one";

  /** java.net connects to internet addresses only; a Unix socket knows better. */
  private static final SocketAddress STAND_IN =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

  private static final Set<Copas> OPEN = ConcurrentHashMap.newKeySet();

  final Loop machine;
  final Options options;
  final Buffers buffers;
  final OpenSockets sockets = new OpenSockets();
  final PacketRooms packetRooms = new PacketRooms();
  final Lifecycle lifecycle;
  final Offload offload;
  private final AtomicLong taskNumbers = new AtomicLong();
  private volatile ErrorHandler errorHandler = Task::log;

  private Copas(Options options, Loop machine) {
    this.options = options;
    this.machine = machine;
    this.buffers = new Buffers(machine, options.receiveBufferBytes());
    this.offload = new Offload(options.offloadThreads());
    this.lifecycle = new Lifecycle(machine, options.closeTimeout(), this::ended);
    machine.onInterrupt(lifecycle::exit);
    OPEN.add(this);
  }

  private void ended() {
    sockets.clear();
    offload.end();
  }

  /**
   * That of the task that calls this or, on a thread that is no task, the only one there is.
   *
   * @throws IllegalStateException when there is none, or when there are several
   */
  static Copas ofCaller() {
    Coroutine self = Loops.currentCoroutine();
    if (self != null) {
      return ((Task) self.subject()).copas();
    }
    List<Copas> open = List.copyOf(OPEN);
    if (open.size() != 1) {
      throw new IllegalStateException(
          "which loop is the socket for? This thread is no task of one, and there are "
              + open.size()
              + " that are open: use copas.socketFactory(), or a class of yours that extends"
              + " CopasSocketFactory and names the loop");
    }
    return open.getFirst();
  }

  /**
   * A loop with {@link Options#defaults}.
   *
   * @throws IllegalStateException when the JVM was started without {@code --add-opens
   *     java.base/java.lang=dev.copas} (or {@code ALL-UNNAMED} on the class path); the message says
   *     where to put it
   */
  public static Copas create() {
    return create(Options.defaults());
  }

  /**
   * A loop with these options; see {@link #create()}.
   *
   * @throws IllegalStateException in native mode, without the flag; in solo mode, when the JVM has
   *     started virtual threads already, or has another loop that is not closed
   */
  public static Copas create(Options options) {
    Objects.requireNonNull(options, "options");
    try {
      return create(options, environment(options));
    } catch (IOException e) {
      throw new UncheckedIOException("the system has no selector for another loop", e);
    }
  }

  static Environment environment(Options options) throws IOException {
    if (!options.isSolo()) {
      return Environment.ofNativeMode(options.transport());
    }
    if (options.transport() == Transports.EPOLL) {
      throw new IllegalStateException(
          "solo mode has no epoll: a virtual thread that waits in it would hold all others");
    }
    return Environment.ofSoloMode();
  }

  /** For {@code dev.copas.testkit}, the only module that can name an environment. */
  @SuppressWarnings("exports")
  public static Copas create(Options options, Environment environment) {
    Reports.prepare();
    try {
      return new Copas(
          options, new Loop(environment, options.operationsPerTurn(), options.watchdogLimit()));
    } catch (IllegalStateException e) { // Another loop is in the way.
      environment.close();
      throw e;
    }
  }

  // ---- Servers and connections

  /**
   * A listening socket.
   *
   * <p>The address can be bound again at once after a restart (reuse-address is on, except on
   * Windows, where it means something else).
   *
   * @param host a name or address of this machine, of whose addresses the first that can be bound
   *     is taken; {@code "*"} is all
   * @param port 0 is any free one; see {@link ServerSocket#getLocalPort}
   * @throws java.net.BindException when the address is in use or not this machine's
   */
  public CopasServerSocket bind(String host, int port) throws IOException {
    return bindToFirst(host, port, this::bind);
  }

  /** Makes a socket that is bound to an address. */
  private interface Binding<S> {
    S to(InetSocketAddress address) throws IOException;
  }

  private <S> S bindToFirst(String host, int port, Binding<S> bind) throws IOException {
    Objects.requireNonNull(host, "host");
    checkPort(port);
    if (host.equals("*")) {
      return bind.to(new InetSocketAddress(port));
    }
    IOException failure = null;
    for (InetAddress address : Addresses.resolve(this, host, Timeouts.FOREVER)) {
      try {
        return bind.to(new InetSocketAddress(address, port));
      } catch (IOException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    throw failure != null ? failure : new IOException("no address: " + host);
  }

  private CopasServerSocket bind(InetSocketAddress address) throws IOException {
    return listening(new TcpServerSocketImpl(this), address);
  }

  private CopasServerSocket listening(CopasServerSocketImpl impl, @Nullable SocketAddress address)
      throws IOException {
    CopasServerSocket server = unbound(impl);
    try {
      server.bind(address);
      return server;
    } catch (Throwable e) {
      server.close();
      throw e;
    }
  }

  private CopasServerSocket unbound(CopasServerSocketImpl impl) throws IOException {
    checkOpen();
    var server = new CopasServerSocket(this, impl);
    try {
      if (!System.getProperty("os.name").startsWith("Windows")) {
        server.setReuseAddress(true);
      }
      return server;
    } catch (Throwable e) {
      server.close();
      throw e;
    }
  }

  /**
   * A TCP socket that will listen and is not bound yet, for those who have options to set before
   * they {@link CopasServerSocket#bind(SocketAddress) bind} it. Reuse-address is on, as {@link
   * #bind} has it.
   *
   * <p>With {@link java.net.StandardSocketOptions#SO_REUSEPORT}, where the system has it, several
   * loops of a process, or several processes, listen on one port, and Linux deals the connections
   * out to them.
   */
  public CopasServerSocket serverSocket() throws IOException {
    return unbound(new TcpServerSocketImpl(this));
  }

  /**
   * A listening Unix socket, to which only the user of this process can connect; see {@link
   * #bindUnix(Path, Set)}. (On systems without POSIX permissions, who may is the folder's affair.)
   */
  public CopasServerSocket bindUnix(Path path) throws IOException {
    return bindUnix(Addresses.unix(path), ownerOnly());
  }

  /**
   * A listening Unix socket: as {@link #bind}, for clients on this machine. Its file is deleted
   * when it is closed.
   *
   * <p>The file that a server leaves behind which was killed is replaced: one that is a socket, and
   * whose connections the system refuses. (So a server that runs sees a connection that ends at
   * once. Of two that start at the same moment, one may take the other for one that is gone; that
   * one is told so, unless it was ready in between. Where that can happen, lock a file beside it.)
   *
   * @param permissions of the file: who may write to it may connect. They hold before anybody can:
   *     with java.nio, where the system listens first, whoever got in before is turned away (but
   *     for one whom it is letting in at that very moment, where the umask does not forbid it). It
   *     is safer still to have a folder that others may not enter.
   * @throws java.net.BindException when a server runs there, or when the path is that of another
   *     file, which is left alone; when it is too long (the system takes about a hundred bytes), or
   *     its folder does not exist or may not be written to
   * @throws UnsupportedOperationException on a system without such permissions or Unix sockets
   */
  public CopasServerSocket bindUnix(Path path, Set<PosixFilePermission> permissions)
      throws IOException {
    return bindUnix(Addresses.unix(path), Set.copyOf(permissions));
  }

  /**
   * A listening Unix socket.
   *
   * @param name as the tools of Linux write it: one that begins with {@code @} is an abstract name,
   *     which has no file and no permissions, so every user of the machine can connect; it ends
   *     with the socket. Everything else is a path: see {@link #bindUnix(Path)}.
   * @throws UnsupportedOperationException for an abstract name on java.nio, which has none; see
   *     {@link Options#epoll}
   */
  public CopasServerSocket bindUnix(String name) throws IOException {
    return bindUnix(Addresses.unix(name), ownerOnly());
  }

  private CopasServerSocket bindUnix(
      UnixDomainSocketAddress address, @Nullable Set<PosixFilePermission> permissions)
      throws IOException {
    return listening(new UnixServerSocketImpl(this, address, permissions), null);
  }

  private static @Nullable Set<PosixFilePermission> ownerOnly() {
    return FileSystems.getDefault().supportedFileAttributeViews().contains("posix")
        ? Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE)
        : null;
  }

  /**
   * A UDP socket that is bound.
   *
   * @param host a name or address of this machine, of whose addresses the first that can be bound
   *     is taken; {@code "*"} is all, of IPv4 and IPv6
   * @param port 0 is any free one; see {@link DatagramSocket#getLocalPort}
   * @throws java.net.BindException when the address is in use or not this machine's
   */
  public CopasDatagramSocket bindDatagram(String host, int port) throws IOException {
    return bindToFirst(host, port, this::bindDatagram);
  }

  private CopasDatagramSocket bindDatagram(InetSocketAddress address) throws IOException {
    CopasDatagramSocket socket = datagramSocket();
    try {
      socket.bind(address);
      return socket;
    } catch (Throwable e) {
      socket.close();
      throw e;
    }
  }

  /**
   * A UDP socket that is not bound yet: for clients, and for those who have options to set before.
   * It gets any free port when it is first used, unless it is bound before.
   */
  public CopasDatagramSocket datagramSocket() throws SocketException {
    checkOpen();
    return new CopasDatagramSocket(this);
  }

  /** Serves the connections of a socket, with {@link ServerOptions#defaults}. */
  public void addServer(ServerSocket server, Handler handler) {
    addServer(server, ServerOptions.defaults(), handler);
  }

  /**
   * Accepts connections in a task of the loop, and runs the handler for each in a task of its own.
   * From any thread.
   *
   * @param server what {@link #bind} or {@link #serverSocket} has made, here
   * @throws IllegalStateException when it has a server already, or is not bound yet
   */
  public void addServer(ServerSocket server, ServerOptions serverOptions, Handler handler) {
    Objects.requireNonNull(handler, "handler");
    Objects.requireNonNull(serverOptions, "serverOptions");
    CopasServerSocket serverSocket = own(server);
    checkTakesServer(serverSocket, serverSocket.isClosed());
    if (!serverSocket.isBound()) {
      throw new IllegalStateException("the server socket is not bound yet; bind() it first");
    }
    new Server(this, serverSocket, serverOptions, handler).start();
  }

  private void checkTakesServer(Object socket, boolean closed) {
    checkOpen();
    if (closed) {
      throw new IllegalArgumentException("the server socket is closed: " + socket);
    }
    if (lifecycle.isStopping()) {
      throw new IllegalStateException("the loop is stopping; it takes no new servers");
    }
  }

  /** Serves a datagram socket, with {@link ServerOptions#defaults}. */
  public void addServer(DatagramSocket server, DatagramHandler handler) {
    addServer(server, ServerOptions.defaults(), handler);
  }

  /**
   * Runs the handler in one task, with the socket: there are no connections. From any thread.
   *
   * <p>Like every server it keeps the loop running; after {@link #exit} no longer than the handler
   * does anything but wait for the next datagram.
   *
   * @param server what {@link #bindDatagram} or {@link #datagramSocket} has made, here
   * @throws IllegalStateException when it has a server already
   */
  public void addServer(
      DatagramSocket server, ServerOptions serverOptions, DatagramHandler handler) {
    Objects.requireNonNull(handler, "handler");
    Objects.requireNonNull(serverOptions, "serverOptions");
    CopasDatagramSocket socket = own(server);
    checkTakesServer(socket, socket.isClosed());
    new DatagramServer(this, socket, serverOptions, handler).start();
  }

  /**
   * Stops accepting and closes the server socket; see {@link #removeServer(ServerSocket, boolean)}.
   */
  public boolean removeServer(ServerSocket server) {
    return removeServer(server, false);
  }

  /**
   * Stops accepting; the connections that were accepted live on. From any thread.
   *
   * @param keepOpen whether the server socket stays open, so that it can be added again; the system
   *     goes on to take connections for it
   * @return false when there was no server on it
   */
  public boolean removeServer(ServerSocket server, boolean keepOpen) {
    Service running = own(server).server.get();
    if (running == null || !running.leave()) {
      return false;
    }
    if (!keepOpen) {
      closeQuietly(server);
    }
    return true;
  }

  /** Ends a server and closes its socket; see {@link #removeServer(DatagramSocket, boolean)}. */
  public boolean removeServer(DatagramSocket server) {
    return removeServer(server, false);
  }

  /**
   * Ends a datagram server. From any thread.
   *
   * @param keepOpen whether the socket stays open, so that it can be added again: then the
   *     handler's task is cancelled, and has the socket until it has ended. Otherwise the socket is
   *     closed, and the handler learns of it by a {@link SocketException} of the call that waits on
   *     it, or of the next one.
   * @return false when there was no server on it
   */
  public boolean removeServer(DatagramSocket server, boolean keepOpen) {
    Service running = own(server).server.get();
    if (running == null || !(keepOpen ? running.leave() : running.release())) {
      return false;
    }
    if (!keepOpen) {
      server.close();
    }
    return true;
  }

  private static void closeQuietly(ServerSocket server) {
    try {
      server.close();
    } catch (IOException e) {
      Reports.warning("the server socket " + server + " could not be closed", e);
    }
  }

  private CopasServerSocket own(ServerSocket server) {
    Objects.requireNonNull(server, "server");
    if (server instanceof CopasServerSocket own && own.copas() == this) {
      return own;
    }
    throw new IllegalArgumentException(
        "not a server socket of this Copas: " + server + "; make it with bind(host, port)");
  }

  private CopasDatagramSocket own(DatagramSocket server) {
    Objects.requireNonNull(server, "server");
    if (server instanceof CopasDatagramSocket own && own.copas() == this) {
      return own;
    }
    throw new IllegalArgumentException(
        "not a datagram socket of this Copas: " + server + "; make it with bindDatagram()");
  }

  /**
   * Connects to a server; waits as long as the system tries. In a task, or from another thread
   * while the loop runs.
   *
   * @throws java.net.UnknownHostException when the host has no address
   * @throws java.net.ConnectException when none of its addresses accepts
   */
  public CopasSocket connect(String host, int port) throws IOException {
    return connect(host, port, null);
  }

  /**
   * Connects to a server.
   *
   * @param timeout for the look-up and all addresses of the host together; null is as long as the
   *     system tries. As in java.net, its end ends a wait: a connection that is there at once is
   *     never too late.
   * @throws java.net.SocketTimeoutException when it took longer
   */
  public CopasSocket connect(String host, int port, @Nullable Duration timeout) throws IOException {
    Objects.requireNonNull(host, "host");
    checkPort(port);
    return connected(socket(), InetSocketAddress.createUnresolved(host, port), timeout);
  }

  private static CopasSocket connected(
      CopasSocket socket, SocketAddress address, @Nullable Duration timeout) throws IOException {
    try {
      socket.setTimeouts(timeout, null, null);
      socket.connect(address);
      return socket;
    } catch (Throwable e) {
      socket.close();
      throw e;
    }
  }

  /** Connects to a Unix socket; see {@link #connectUnix(Path, Duration)}. */
  public CopasSocket connectUnix(Path path) throws IOException {
    return connectUnix(path, null);
  }

  /**
   * Connects to a Unix socket. In a task, or from another thread while the loop runs.
   *
   * <p>Needs no waiting unless too many wait there to be accepted. Then it asks again every 10 ms,
   * since the system says nothing, and others may be faster. (On java.nio it knows that by the
   * system's English text; in another language it is an exception.)
   *
   * @param timeout null is for ever
   * @throws java.net.ConnectException when nobody listens there
   * @throws SocketException when there is no such file, or it may not be written to
   * @throws java.net.SocketTimeoutException when it took longer
   */
  public CopasSocket connectUnix(Path path, @Nullable Duration timeout) throws IOException {
    return connectUnix(Addresses.unix(path), timeout);
  }

  /**
   * Connects to a Unix socket; see {@link #connectUnix(Path, Duration)}.
   *
   * @param name an abstract name when it begins with {@code @}, and else a path; see {@link
   *     #bindUnix(String)}
   */
  public CopasSocket connectUnix(String name) throws IOException {
    return connectUnix(Addresses.unix(name), null);
  }

  private CopasSocket connectUnix(UnixDomainSocketAddress address, @Nullable Duration timeout)
      throws IOException {
    checkOpen();
    return connected(new CopasSocket(new UnixSocketImpl(this, address)), STAND_IN, timeout);
  }

  /** Not yet connected. */
  CopasSocket socket() throws SocketException {
    checkOpen();
    return new CopasSocket(this);
  }

  /** Makes sockets of this loop, for libraries that take a factory. */
  public SocketFactory socketFactory() {
    return new CopasSocketFactory(this);
  }

  private static void checkPort(int port) {
    if (port < 0 || port > 0xffff) {
      throw new IllegalArgumentException("a port is a number from 0 to 65535, not " + port);
    }
  }

  // ---- Tasks

  /**
   * Runs something in a task of its own, from the next turn on; see {@link #addThread(TaskBody)}.
   * Also while the loop is being closed, for tasks that wait for it in their clean-up: as in {@link
   * #stop}, a task that begins then is cancelled from its beginning.
   *
   * @throws RejectedExecutionException when the loop is closed; what is executed at that very
   *     moment may be dropped
   */
  @Override
  public void execute(Runnable command) {
    Objects.requireNonNull(command, "command");
    if (machine.isClosed()) {
      throw new RejectedExecutionException(CLOSED);
    }
    start(nextName(), command::run);
  }

  /** Starts a task, named {@code task-N}; see {@link #addThread(String, TaskBody)}. */
  public Task addThread(TaskBody body) {
    return addThread(nextName(), body);
  }

  private String nextName() {
    return "task-" + taskNumbers.incrementAndGet();
  }

  /**
   * Starts a task. It begins in the loop's next turn, not at once. From any thread, before the loop
   * runs or while it does.
   */
  public Task addThread(String name, TaskBody body) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(body, "body");
    checkOpen();
    return start(name, body);
  }

  private Task start(String name, TaskBody body) {
    var task = new Task(this, name, body);
    task.coroutine().start();
    return task;
  }

  /**
   * The task that calls this.
   *
   * @throws IllegalStateException when the caller is not a task
   */
  public static Task current() {
    return (Task) self().subject();
  }

  /** Whether it is a task of this loop that calls this. From any thread. */
  public boolean inLoop() {
    return machine.current() != null;
  }

  static Coroutine self() {
    Coroutine self = Loops.currentCoroutine();
    if (self == null) {
      throw new IllegalStateException(
          "thread \""
              + Thread.currentThread().getName()
              + "\" is not a task of a loop; call this in a handler or in addThread");
    }
    return self;
  }

  /**
   * Lets every other task that is ready run first.
   *
   * @throws InterruptedException when the task is cancelled
   */
  public static void pause() throws InterruptedException {
    self().giveWay();
    if (Thread.interrupted()) {
      throw new InterruptedException("the task was cancelled");
    }
  }

  /**
   * Pauses the task for so long, or until {@link Task#wakeup}; never for less otherwise. Zero and
   * less is {@link #pause()}.
   *
   * @return how long it was
   * @throws InterruptedException when the task is cancelled
   */
  public static Duration pause(Duration duration) throws InterruptedException {
    Coroutine self = self();
    long begin = self.loop().nanoTime();
    if (duration.isZero() || duration.isNegative()) {
      pause();
    } else {
      check(self.pause(self.loop().deadlineAfter(Timeouts.nanos(duration))));
    }
    return Duration.ofNanos(self.loop().nanoTime() - begin);
  }

  /**
   * Pauses the task until {@link Task#wakeup}. A task that does this keeps no loop from ending: it
   * goes on with the next {@link #loop}, and is cancelled by {@link #stop} and {@link #close}.
   *
   * @throws InterruptedException when the task is cancelled
   */
  public static void pauseForever() throws InterruptedException {
    Coroutine self = self();
    check(self.pause(Coroutine.FOREVER));
  }

  /** Returns when what was waited for is there, or its own time is over. */
  static void check(Wake why) throws InterruptedException {
    if (why == Wake.PINNED) {
      throw Direction.pinned("A pause or join");
    }
    if (why == Wake.INTERRUPTED || why == Wake.CLOSED) {
      throw new InterruptedException("the task was cancelled");
    }
    if (why == Wake.OUT_OF_TIME) {
      throw new InterruptedException("the time of within() is over");
    }
  }

  /**
   * The loop's time in nanoseconds, since some moment in the past; as {@link System#nanoTime}, but
   * in a simulation of {@code copas-testkit} the time that passes there. From any thread.
   */
  public long nanoTime() {
    return machine.nanoTime();
  }

  /**
   * Runs something that may take so long in all. When the time is over, whatever the task waits for
   * in there ends as if the task were cancelled, and so does what it goes on to wait for: pauses
   * and locks with an {@link InterruptedException}, sockets of Copas with an {@link
   * java.io.InterruptedIOException}; they stay open, and what they received stays readable. (It is
   * no {@link java.net.SocketTimeoutException}: some libraries take that for a reason to try
   * again.) Foreign calls are interrupted, once. Scopes nest; the shorter time counts. Code that
   * does not wait is not stopped.
   *
   * {@snippet :
   * String name = Copas.within(Duration.ofSeconds(10), () -> {
   *   socket.send("your name?\n");
   *   return socket.receive();
   * });
   * }
   *
   * @param time zero only looks: nothing in there waits
   * @return what the body returns, also when that took longer
   * @throws TimeoutException when the time was over and the body threw; its cause is what it threw
   * @throws E what the body throws before
   */
  public static <T extends @Nullable Object, E extends Exception> T within(
      Duration time, CheckedCallable<T, E> body) throws E, TimeoutException {
    Objects.requireNonNull(body, "body");
    long nanos = Timeouts.nanos(Objects.requireNonNull(time, "time"), "within");
    Task self = current();
    Object cancellation = self.lastCancellation();
    Scope scope = self.coroutine().enterScope(nanos);
    try {
      return body.call();
    } catch (Exception e) {
      if (scope.isOver() && self.lastCancellation() == cancellation) {
        var timeout = new TimeoutException("not done within " + time + ": " + e);
        timeout.initCause(e);
        throw timeout;
      }
      throw e;
    } finally {
      scope.leave();
      boolean interruptIsOurs = scope.hasInterrupted() && !self.coroutine().isOutOfTime();
      if (interruptIsOurs && self.lastCancellation() == cancellation) {
        Thread.interrupted(); // It was for what is over now.
      }
    }
  }

  /** Like {@link #within(Duration, CheckedCallable)}, without a result. */
  public static <E extends Exception> void within(Duration time, CheckedRunnable<E> body)
      throws E, TimeoutException {
    Objects.requireNonNull(body, "body");
    Copas.<@Nullable Void, E>within(
        time,
        () -> {
          body.run();
          return null;
        });
  }

  /**
   * Runs something and asserts that no other task could run meanwhile.
   *
   * @throws IllegalStateException when the task gave up the loop inside; what the body did is done
   */
  public static <E extends Exception> void atomic(CheckedRunnable<E> body) throws E {
    Copas.<@Nullable Void, E>atomic(() -> {
      body.run();
      return null;
    });
  }

  /** Like {@link #atomic(CheckedRunnable)}, with a result. */
  public static <T extends @Nullable Object, E extends Exception> T atomic(
      CheckedCallable<T, E> body) throws E {
    Coroutine self = self();
    BooleanSupplier gaveUp = self.switchesSince();
    T result = body.call();
    if (gaveUp.getAsBoolean()) {
      throw new IllegalStateException(
          "task \""
              + self.thread().getName()
              + "\" gave up the loop inside atomic(); so other tasks may have run. Look for socket"
              + " calls, locks, sleeps and log calls in it.");
    }
    return result;
  }

  /**
   * Makes a call on another thread and waits for it politely: for files, long computations, native
   * code. What it is about must not be touched by other tasks meanwhile. There are {@link
   * Options#offloadThreads} such threads; who finds none free waits for one. On a platform thread,
   * makes the call right there.
   *
   * @throws E what the call throws
   * @throws InterruptedException when the task is cancelled; the call is interrupted too, and may
   *     still be under way
   */
  public <T extends @Nullable Object, E extends Exception> T offload(CheckedCallable<T, E> call)
      throws E, InterruptedException {
    return offload.call(call);
  }

  /** Like {@link #offload(CheckedCallable)}, without a result. */
  public <E extends Exception> void offload(CheckedRunnable<E> call)
      throws E, InterruptedException {
    offload.<@Nullable Void, E>call(() -> {
      call.run();
      return null;
    });
  }

  // ---- Copas' functions on sockets

  /** Receives a line; see {@link CopasSocket#receive()}. */
  public static @Nullable String receive(Socket socket) throws IOException {
    return wrap(socket).receive();
  }

  /** Receives so many bytes; see {@link CopasSocket#receive(int)}. */
  public static byte[] receive(Socket socket, int count) throws IOException {
    return wrap(socket).receive(count);
  }

  /** Sends a text; see {@link CopasSocket#send(String)}. */
  public static void send(Socket socket, String text) throws IOException {
    wrap(socket).send(text);
  }

  /** Sends bytes; see {@link CopasSocket#send(byte[])}. */
  public static void send(Socket socket, byte[] bytes) throws IOException {
    wrap(socket).send(bytes);
  }

  /**
   * The socket as what it is: for handlers that take a {@link Socket}.
   *
   * @throws IllegalArgumentException when it did not come from {@link #connect} or a server of a
   *     Copas
   */
  public static CopasSocket wrap(Socket socket) {
    Objects.requireNonNull(socket, "socket");
    if (socket instanceof CopasSocket own) {
      return own;
    }
    throw new IllegalArgumentException(
        "not a socket of Copas: "
            + socket
            + "; get it from connect() or a server. In a task, its own streams wait politely too.");
  }

  // ---- Errors

  /**
   * Sets who is told of exceptions that tasks do not catch. By default they are logged, by a thread
   * of its own, to the {@link System.Logger} {@code dev.copas}.
   */
  public void setErrorHandler(ErrorHandler handler) {
    errorHandler = Objects.requireNonNull(handler, "handler");
  }

  /** The handler that is set, or the default: for a handler of one's own that passes errors on. */
  public ErrorHandler getErrorHandler() {
    return errorHandler;
  }

  static void report(
      Throwable error, Task task, @Nullable CopasSocket socket, ErrorHandler handler) {
    try {
      handler.handle(error, task, socket);
    } catch (Throwable e) {
      if (e != error) {
        e.addSuppressed(error);
      }
      Reports.error("the error handler failed on an error of task \"" + task.name() + "\"", e);
    }
  }

  // ---- What is going on

  /**
   * What the loop is doing at this moment: its tasks and what they wait for, its sockets, its
   * turns. It takes time for each task and socket, and nothing while nobody asks. From any thread:
   * in a task and while nobody runs the loop, at once; elsewhere it is made in the loop's next
   * turn, and the caller waits for that.
   *
   * @throws IllegalStateException when a task holds the loop for longer than {@link
   *     Options#statusTimeout}: the message names it, and the cause has its stack; or when the
   *     calling thread, which waits, is interrupted (its status stays set)
   */
  public Status status() {
    return Outside.ask(this, () -> new Snapshot(this).status());
  }

  /**
   * The {@link #status} as a text for people: a tree with the stacks of the tasks, without the
   * frames of the loop itself. Tasks that wait at the same place have one stack in common. The loop
   * stands still while the stacks are taken: some microseconds for each task. From any thread.
   *
   * @return when a task holds the loop for longer than {@link Options#statusTimeout}, only which
   *     one does, and its stack
   * @throws IllegalStateException when the calling thread, which waits, is interrupted
   */
  public String dump() {
    try {
      return Outside.ask(this, () -> Dump.of(new Snapshot(this))).text();
    } catch (LoopHeldException e) {
      return Dump.ofHeld(e);
    }
  }

  // ---- The loop

  /**
   * Runs the loop until there is nothing left to do: no server, and no task but those in {@link
   * #pauseForever}. Can be called again later.
   *
   * <p>An interrupt of the calling thread is an {@link #exit}, and still set when this returns. (In
   * native mode, an interrupt that comes while a task is running may be lost: the JDK lends the
   * thread's status to the task. {@link #exit} and {@link #stop} are not.)
   *
   * @throws IllegalStateException in a task; in native mode, on any virtual thread; while another
   *     thread does this; after {@link #close}
   */
  public void loop() {
    run(() -> {});
  }

  /** Starts a task and runs the loop. */
  public void loop(TaskBody init) {
    Objects.requireNonNull(init, "init");
    run(() -> addThread("init", init));
  }

  private void run(Runnable onBegin) {
    checkOpen();
    var turns = lifecycle.new Run(false, onBegin);
    boolean interrupted = false;
    while (!machine.runIfFree(turns)) {
      boolean stopping = lifecycle.isStopping();
      if (machine.isClosed() || (!stopping && machine.isTurning())) {
        throw machine.notFree();
      }
      interrupted |= Thread.interrupted();
      LockSupport.parkNanos(1_000_000); // A stop that came first takes its last turns.
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Runs the loop on a thread of its own, which is no daemon, until {@link #exit}, {@link #stop} or
   * {@link #close}; also while it has nothing to do. Returns when the loop runs.
   *
   * @throws IllegalStateException while another thread runs it, or after {@link #close}
   */
  public void start() {
    checkOpen();
    var begun = new CompletableFuture<@Nullable Void>();
    var thread =
        new Thread(() -> runOnOwnThread(begun), "copas-loop") {
          @Override
          public void interrupt() {
            exit();
          }
        };
    thread.setDaemon(false);
    thread.start();
    Throwable failure = begun.<@Nullable Throwable>handle((ok, e) -> e).join();
    if (failure != null) {
      throw new IllegalStateException(failure.getMessage(), failure);
    }
  }

  private void runOnOwnThread(CompletableFuture<@Nullable Void> begun) {
    try {
      machine.run(lifecycle.new Run(true, () -> begun.complete(null)));
    } catch (Throwable e) {
      if (!begun.completeExceptionally(e)) {
        throw e;
      }
    }
  }

  /**
   * Takes a turn if there is something to do, and never waits: for a loop that has other things to
   * do, or waits itself. Alone in a loop it would spin; see {@link #step(Duration)}.
   */
  public boolean step() {
    return step(Duration.ZERO);
  }

  /**
   * Takes one turn: for programs with a loop of their own. Waits for something to do, at most so
   * long. Tasks run only inside. An interrupt of the calling thread is an {@link #exit}, and
   * cleared.
   *
   * <p>A lock that a task holds while it waits, or is the next to have, is held until a later step.
   * {@link java.net.InetAddress} has one for each name that is being looked up: so in here, a task
   * looks a name up without letting others run, and the step takes as long as that. {@link
   * #connect} lets them run. When a third thread looks the same name up, a task may be the next to
   * have the lock: whoever has such threads looks names up in tasks, not between steps. The
   * watchdog names a thread that waits for a lock between two steps, see {@link
   * Options#watchdogLimit(Duration)}.
   *
   * @return whether a task ran
   * @throws IllegalStateException as {@link #loop}
   */
  public boolean step(Duration atMost) {
    if (atMost.isNegative()) {
      throw new IllegalArgumentException("cannot wait " + atMost + "; use Duration.ZERO");
    }
    return machine.step(Timeouts.nanos(atMost), lifecycle.new Steps());
  }

  /**
   * True when there is nothing left to do: no server, and no task but those in {@link
   * #pauseForever}. In a task, or while nobody runs the loop.
   */
  public boolean finished() {
    if (!machine.isOnLoop() && machine.isTurning()) {
      throw new IllegalStateException("finished() belongs to the tasks of the loop while it runs");
    }
    return machine.isFinished();
  }

  /**
   * Asks the loop to end when its tasks have: from now on a server that nobody is connected to
   * keeps it no longer. Closes nothing, and tasks may still be added. Before {@link #loop}, it
   * makes that finish what there is and return. From any thread.
   */
  public void exit() {
    lifecycle.exit();
  }

  /**
   * Waits until {@link #exit} is called, or the loop comes to its end by itself: for a task that
   * has something to do then. A task that waits here keeps no loop from ending.
   *
   * @throws InterruptedException when the task is cancelled
   */
  public void waitForExit() throws InterruptedException {
    Coroutine self = machine.current();
    if (self == null) {
      throw new IllegalStateException("waitForExit() waits in a task of this loop");
    }
    check(lifecycle.awaitExit(self));
  }

  /**
   * Closes the servers, cancels every task but the one that calls this, and {@link #exit}s. As in
   * Copas, the next {@link #loop} begins anew. From any thread.
   */
  public void cancelAll() {
    machine.doNow(lifecycle::dropEverything);
  }

  /** Cancels a task; as {@link Task#cancel}. */
  public void removeThread(Task task) {
    task.cancel();
  }

  /** Whether {@link #exit} was called and the loop has not returned since. */
  public boolean exiting() {
    return machine.isExiting();
  }

  /**
   * Stops the loop in order: its servers are closed, tasks may go on to their end for the time of
   * grace, the rest are cancelled; then the loop returns. Tasks that have not ended {@link
   * Options#closeTimeout} after that are reported with their stacks and left to themselves, as
   * virtual threads off the loop. (A task inside {@link System#exit} is one of those: it waits for
   * the shutdown hooks. So a hook that stops the loop may take all this time.) From any thread; in
   * a task of the loop it returns at once, with false.
   *
   * @return true when all tasks had ended in time
   */
  public boolean stop(Duration grace) {
    if (grace.isNegative()) {
      throw new IllegalArgumentException("the time of grace is negative: " + grace);
    }
    if (machine.isClosed()) {
      return true;
    }
    var stopped = new CompletableFuture<Boolean>();
    machine.doNow(() -> lifecycle.stop(Timeouts.nanos(grace), stopped));
    if (machine.isOnLoop()) {
      return false;
    }
    return awaitEnd(stopped);
  }

  /** Whoever runs the loop ends it; when nobody does, its last turns are taken here. */
  private boolean awaitEnd(CompletableFuture<Boolean> stopped) {
    while (true) {
      try {
        if (machine.isClosed()) {
          return stopped.getNow(true);
        }
        if (!machine.isTurning() && lifecycle.isStopping()) {
          takeLastTurns();
        }
        return stopped.get(20, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        // The one who ran the loop may have left it before the stop arrived: look again.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      } catch (ExecutionException e) {
        throw new IllegalStateException("the loop could not be stopped", e);
      }
    }
  }

  /** Tasks end by running, and that needs a platform thread. */
  private void takeLastTurns() throws InterruptedException {
    Runnable turns = () -> machine.runIfFree(lifecycle.new Run(false, () -> {}));
    if (Thread.currentThread().isVirtual()) {
      Thread.ofPlatform().name("copas-stop").start(turns).join();
    } else {
      turns.run();
    }
  }

  /**
   * Ends everything: {@link #stop} without grace, and then the loop cannot run again. From any
   * thread; a second call does nothing. In a task of the loop it returns at once, and the rest
   * happens when the loop returns, or with its next step.
   */
  @Override
  public void close() {
    OPEN.remove(this);
    lifecycle.close();
    stop(Duration.ZERO);
  }

  private void checkOpen() {
    if (isClosed()) {
      throw new IllegalStateException(CLOSED);
    }
  }

  private boolean isClosed() {
    return machine.isClosed() || (lifecycle.isClosing() && !machine.isOnLoop());
  }
}
