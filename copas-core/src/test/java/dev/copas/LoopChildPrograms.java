package dev.copas;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.UnixOperatingSystemMXBean;
import java.io.File;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;

/** What {@link LoopProcessTest} runs in JVMs of their own. They print what it checks. */
final class LoopChildPrograms {

  private LoopChildPrograms() {}

  @SuppressWarnings("SystemOut")
  private static void say(String text) {
    System.out.println(text);
  }

  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "soloTooLate" -> soloTooLate();
      case "create" -> Copas.create().close();
      case "fail" -> fail();
      case "exit" -> exit(copas -> {});
      case "exitWithClosingHook" -> exit(copas -> addHook(copas::close));
      case "exitWithStoppingHook" -> exit(copas -> addHook(() -> copas.stop(Duration.ZERO)));
      case "outOfDescriptors" -> outOfDescriptors();
      case "outOfDescriptorsFromTheStart" -> outOfDescriptorsFromTheStart();
      case "serveForEver" -> serveForEver();
      case "executorOutlivesLoop" -> executorOutlivesLoop();
      case "idle" -> idle();
      case "fastest" -> transport(Options.defaults());
      case "nio" -> transport(Options.defaults().nio());
      case "epoll" -> transport(Options.defaults().epoll());
      case "soloEpoll" -> transport(Options.defaults().solo().epoll());
      case "manyConnections" -> manyConnections();
      case "connectAndClose" -> connectAndClose();
      case "bindUnixAgainAndAgain" -> bindUnixAgainAndAgain();
      case "unixEcho" -> unixEcho();
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  /** An echo over the sockets of this transport. */
  private static void transport(Options options) throws Exception {
    try (var copas = Copas.create(options)) {
      CopasServerSocket server = copas.bind("127.0.0.1", 0);
      copas.addServer(server, LoopFixture::echo);
      copas.loop(() -> {
        try (CopasSocket socket = copas.connect("127.0.0.1", server.getLocalPort())) {
          socket.send("on " + copas.machine.transport().getClass().getSimpleName() + "\n");
          say(String.valueOf(socket.receive()));
        }
        copas.removeServer(server);
      });
    }
  }

  private static void soloTooLate() throws InterruptedException {
    Thread.startVirtualThread(() -> {}).join();
    Copas.create(Options.defaults().solo()).close();
  }

  /** A task that fails in a program that ends right then. */
  private static void fail() {
    try (var copas = Modes.create()) {
      copas.loop(() -> {
        throw new IllegalStateException("boom");
      });
    }
  }

  /** A handler that ends the JVM. */
  private static void exit(Consumer<Copas> prepare) throws Exception {
    var copas = Modes.create(Options.defaults().closeTimeout(Duration.ofMillis(200)));
    prepare.accept(copas);
    CopasServerSocket server = copas.bind("127.0.0.1", 0);
    copas.addServer(server, socket -> System.exit(42));
    copas.loop(() -> copas.connect("127.0.0.1", server.getLocalPort()).receive());
    say("loop returned");
    Thread.sleep(Duration.ofDays(1)); // Main waits for the exit.
  }

  private static void addHook(Runnable end) {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              end.run();
              say("hook has ended it");
            }));
  }

  private static void serveForEver() throws Exception {
    var copas = Modes.create();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> copas.stop(Duration.ofMillis(100))));
    CopasServerSocket server = copas.bind("127.0.0.1", 0);
    copas.addServer(server, LoopFixture::echo);
    copas.addThread(() -> say("ready"));
    copas.loop();
  }

  private static void executorOutlivesLoop() throws Exception {
    var made = new AtomicReference<@Nullable ExecutorService>();
    try (var copas = Modes.create()) {
      copas.loop(() -> {
        ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
        say("inside " + executor.submit(() -> 1).get());
        made.set(executor);
      });
      ExecutorService executor = made.get();
      if (executor != null) {
        say("after loop " + executor.submit(() -> slowly(2)).get());
      }
    }
    try (ExecutorService executor = made.get()) {
      if (executor != null) {
        say("after close " + executor.submit(() -> slowly(3)).get());
      }
    }
    say("done");
  }

  private static int slowly(int result) throws InterruptedException {
    Thread.sleep(10);
    synchronized (new Object()) {
      Thread.sleep(1);
    }
    return result;
  }

  /** A loop with a server, a connection and a sleeper, none of which has anything to do. */
  private static void idle() throws Exception {
    var copas = Modes.create();
    CopasServerSocket server = copas.bind("127.0.0.1", 0);
    copas.addServer(server, LoopFixture::echo);
    copas.start();
    try (var client = LoopFixture.Client.of(server.getLocalPort())) {
      client.ask("x");
      copas.addThread(() -> Copas.pause(Duration.ofDays(1)));
      copas.addThread(() -> Thread.sleep(Duration.ofDays(1)));
      Thread.sleep(3000); // Compilers and collectors come to rest.
      var threads = ManagementFactory.getThreadMXBean();
      long before = cpuOfOurThreads(threads);
      Thread.sleep(10_000);
      say("cpu " + (cpuOfOurThreads(threads) - before));
      var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      say("process " + system.getProcessCpuTime());
    }
    copas.close();
  }

  private static long cpuOfOurThreads(java.lang.management.ThreadMXBean threads) {
    long sum = 0;
    for (var info : threads.dumpAllThreads(false, false)) {
      if (info.getThreadName().startsWith("copas-")) {
        sum += threads.getThreadCpuTime(info.getThreadId());
      }
    }
    return sum;
  }

  private static void manyConnections() throws Exception {
    var system = (UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    int count = (int) Math.min(5000, (system.getMaxFileDescriptorCount() - 200) / 2);
    var copas = Modes.create();
    CopasServerSocket server = copas.bind("127.0.0.1", 0);
    copas.addServer(server, LoopFixture::echo);
    copas.start();
    List<SocketChannel> clients = new ArrayList<>();
    int threads = 0;
    for (int i = 0; i < count; i++) {
      clients.add(
          SocketChannel.open(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), server.getLocalPort())));
      echo(clients.get(i));
      if (i == 50) {
        threads = ManagementFactory.getThreadMXBean().getThreadCount();
      }
    }
    for (SocketChannel client : clients) {
      echo(client);
    }
    int more = ManagementFactory.getThreadMXBean().getThreadCount() - threads;
    say("connections " + count);
    say("more threads " + more);
    for (SocketChannel client : clients) {
      client.close();
    }
    say("stopped in peace " + copas.stop(Duration.ofSeconds(20)));
    copas.close();
  }

  private static void echo(SocketChannel client) throws IOException {
    client.write(ByteBuffer.wrap(new byte[] {'x', '\n'}));
    ByteBuffer answer = ByteBuffer.allocate(2);
    while (answer.hasRemaining()) {
      if (client.read(answer) < 0) {
        throw new IOException("closed");
      }
    }
  }

  /** Half of the connections are closed in order, the other half reset. */
  private static void connectAndClose() throws Exception {
    var copas = Modes.create();
    copas.setErrorHandler((error, task, socket) -> {});
    CopasServerSocket server = copas.bind("127.0.0.1", 0);
    copas.addServer(server, LoopFixture::echo);
    copas.start();
    var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), server.getLocalPort());
    connect(address, 5000);
    long[] before = measure(copas);
    connect(address, 100_000);
    long[] after = measure(copas);
    say("descriptors " + (after[0] - before[0]));
    say("tasks " + (after[1] - before[1]));
    say("direct " + (after[2] - before[2]));
    say("heap " + (after[3] - before[3]));
    copas.close();
  }

  private static void connect(InetSocketAddress address, int count) throws IOException {
    for (int i = 0; i < count; i++) {
      try (var client = SocketChannel.open(address)) {
        if (i % 4 == 0) {
          echo(client);
        }
        // A reset leaves no address behind in TIME_WAIT; few enough of the others do.
        if (i % 10 != 0) {
          client.setOption(StandardSocketOptions.SO_LINGER, 0);
        }
      }
    }
  }

  /** Descriptors, tasks, bytes of direct buffers, bytes of the heap. */
  private static long[] measure(Copas copas) throws Exception {
    for (int i = 0; i < 200 && liveTasks(copas) > 1; i++) {
      Thread.sleep(10);
    }
    for (int i = 0; i < 3; i++) {
      System.gc();
      Thread.sleep(50);
    }
    var system = (UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long direct = 0;
    for (var pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
      direct += pool.getMemoryUsed();
    }
    return new long[] {
      system.getOpenFileDescriptorCount(),
      liveTasks(copas),
      direct,
      ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed()
    };
  }

  private static int liveTasks(Copas copas) throws Exception {
    int[] live = new int[1];
    copas.addThread(() -> live[0] = copas.machine.liveCount() - 1).join();
    return live[0];
  }

  /** Uses up all descriptors by connections, lets the server meet that, and gives them back. */
  private static void outOfDescriptorsFromTheStart() throws IOException {
    try (var copas = Modes.create()) {
      copas.loop(() -> {}); // Everything is loaded, and it has not slept.
      List<ServerSocket> many = new ArrayList<>();
      try {
        while (true) {
          many.add(new ServerSocket(0));
        }
      } catch (IOException e) {
        copas.loop(() -> Thread.sleep(50));
        say("has slept");
      }
      for (ServerSocket socket : many) {
        socket.close();
      }
    }
  }

  private static void outOfDescriptors() throws Exception {
    // Touch the MXBean first: its native library needs a descriptor.
    var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    loadTheLibrary();
    var copas = Modes.create();
    CopasServerSocket server = copas.bind("127.0.0.1", 0);
    copas.addServer(server, LoopFixture::echo);
    copas.start();
    try (var first = LoopFixture.Client.of(server.getLocalPort())) {
      first.ask("x"); // What that needs of the JDK is loaded.
      List<Socket> many = new ArrayList<>();
      try {
        while (true) {
          many.add(new Socket(InetAddress.getLoopbackAddress(), server.getLocalPort()));
        }
      } catch (IOException e) {
        say("out of descriptors after " + (many.size() > 50));
      }
      Thread.sleep(300); // The server meets that.
      long before = system.getProcessCpuTime();
      Thread.sleep(1000);
      say("cpu " + (system.getProcessCpuTime() - before));
      say("old connection " + first.ask("still"));
      for (Socket socket : many) {
        socket.close();
      }
    }
    for (int tries = 0; ; tries++) {
      try (var again = LoopFixture.Client.of(server.getLocalPort())) {
        say("new connection " + again.ask("again"));
        break;
      } catch (IOException e) {
        if (tries == 100) {
          throw e;
        }
        Thread.sleep(50);
      }
    }
    copas.close();
  }

  /** A jar is open all the time; but here each class is a file that takes a descriptor to load. */
  static void loadTheLibrary() throws Exception {
    Path classes = Path.of(Copas.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (Stream<Path> files = Files.walk(classes.resolve("dev"))) {
      for (Path file : files.filter(it -> it.toString().endsWith(".class")).toList()) {
        String name = classes.relativize(file).toString().replace(File.separatorChar, '.');
        Class.forName(name.substring(0, name.length() - ".class".length()));
      }
    }
  }

  private static void unixEcho() throws Exception {
    var path = Path.of(System.getenv("COPAS_TEST_PATH"));
    try (var copas = Modes.create()) {
      copas.loop(() -> {
        var server = copas.bindUnix(path);
        copas.addServer(server, LoopFixture::echo);
        try (var socket = copas.connectUnix(path)) {
          socket.send("echo\n");
          say(socket.receive() + " " + socket.supportedOptions().size());
        }
        copas.removeServer(server);
      });
    }
  }

  /** Prints how often a client of another user was served. */
  private static void bindUnixAgainAndAgain() throws Exception {
    var path = Path.of(System.getenv("COPAS_TEST_PATH"));
    var strangers = new AtomicInteger();
    var own = new AtomicInteger();
    try (var copas = Modes.create()) {
      copas.loop(() -> {
        var me = Files.getOwner(path.getParent());
        for (int i = 0; i < 300; i++) {
          var server = copas.bindUnix(path);
          copas.addServer(
              server,
              socket -> {
                var peer = socket.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
                (peer.equals(me) ? own : strangers).incrementAndGet();
              });
          try (var client = copas.connectUnix(path)) {
            client.receive(); // Until its handler has ended, and those of who came before.
          }
          copas.removeServer(server);
        }
      });
    }
    say("own " + own + ", strangers " + strangers);
  }
}
