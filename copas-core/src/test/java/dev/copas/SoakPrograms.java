package dev.copas;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** What {@link SoakTest} runs in a JVM of its own. */
final class SoakPrograms {

  private static final int WARM_UP = 20_000;
  private static final int LARGE = 256 * 1024;

  private final Copas copas = Modes.create();
  private final AtomicLong unexpected = new AtomicLong();
  private final CopasServerSocket server = copas.bind("*", 0);
  private final boolean manyAddresses = System.getProperty("os.name").equals("Linux");

  private SoakPrograms() throws IOException {}

  @SuppressWarnings("SystemOut")
  private static void say(String text) {
    System.out.println(text);
  }

  public static void main(String[] args) throws Exception {
    new SoakPrograms().run(Integer.getInteger("soak.connections", 1_000_000));
  }

  private record Figures(
      long threads, long tasks, long descriptors, long direct, long heap, long resident) {}

  private void run(int count) throws Exception {
    copas.setErrorHandler(this::judge);
    copas.addServer(server, this::serve);
    copas.start();
    connect(WARM_UP);
    Figures before = figures();
    say("at first " + before);
    long begin = System.nanoTime();
    int done = 0;
    while (done < count) {
      int part = Math.min(count - done, 100_000);
      connect(part);
      done += part;
      say("after " + done + " " + figures());
    }
    say("seconds " + Duration.ofNanos(System.nanoTime() - begin).toSeconds());
    Figures after = figures();
    say("connections " + done);
    say("unexpected " + unexpected);
    say("threads " + (after.threads - before.threads));
    say("tasks " + (after.tasks - before.tasks));
    say("descriptors " + (after.descriptors - before.descriptors));
    say("direct " + (after.direct - before.direct));
    say("heap " + (after.heap - before.heap));
    say("resident " + (after.resident - before.resident));
    copas.close();
  }

  /** Resets are what half of the clients do, and one kind of handler throws. */
  private void judge(Throwable error, Task task, @Nullable CopasSocket socket) {
    boolean expected = error instanceof SocketException || "as asked".equals(error.getMessage());
    if (!expected && unexpected.getAndIncrement() == 0) {
      error.printStackTrace();
    }
  }

  private void serve(CopasSocket socket) throws Exception {
    for (String line; (line = socket.receive()) != null; ) {
      switch (line) {
        case "quit" -> {
          return;
        }
        case "throw" -> throw new IllegalStateException("as asked");
        case "large" -> socket.send(new byte[LARGE]);
        case "sleep" -> Copas.pause(Duration.ofMillis(1));
        default -> socket.send(line + "\n");
      }
    }
  }

  private void connect(int count) throws Exception {
    for (int i = 0; i < count; i++) {
      if (i % 10 == 9) {
        useOurs();
      } else {
        usePlain(i);
      }
    }
  }

  /** A connection of ours, used from a thread outside: a task for each call. */
  private void useOurs() throws IOException {
    try (CopasSocket socket = copas.connect("127.0.0.1", server.getLocalPort())) {
      socket.send("x\n");
      if (!"x".equals(socket.receive())) {
        unexpected.incrementAndGet();
      }
      socket.setSoLinger(true, 0);
    }
  }

  private void usePlain(int i) throws IOException {
    // Every address has ports of its own, and those of a connection that ended in order stay taken
    // for a minute. So there are several, and most connections are reset once all has been said.
    var address = InetAddress.ofLiteral("127.0.0." + (manyAddresses ? 1 + i % 50 : 1));
    try (var client = new Socket()) {
      client.connect(new InetSocketAddress(address, server.getLocalPort()), 20_000);
      client.setSoTimeout(20_000);
      client.setSoLinger(i % 20 != 1, 0);
      switch (i % 9) {
        case 0 -> {} // Never says a word.
        case 1, 2 -> ask(client, "x\n", 2);
        case 3 -> ask(client, "quit\n", 0);
        case 4 -> ask(client, "throw\n", 0);
        case 5 -> write(client, "half a line");
        case 6 -> ask(client, "large\n", 10);
        case 7 -> {
          write(client, "x\ny\n");
          client.shutdownOutput();
          check(client.getInputStream().readAllBytes().length == 4);
        }
        default -> write(client, "sleep\nx\n");
      }
    }
  }

  private void ask(Socket client, String question, int answer) throws IOException {
    write(client, question);
    if (answer == 0) {
      check(client.getInputStream().read() < 0);
    } else {
      check(client.getInputStream().readNBytes(answer).length == answer);
    }
  }

  private void check(boolean asExpected) {
    if (!asExpected) {
      unexpected.incrementAndGet();
    }
  }

  private static void write(Socket client, String text) throws IOException {
    client.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
  }

  private Figures figures() throws Exception {
    for (int i = 0; i < 500 && tasks() > 1; i++) {
      Thread.sleep(10);
    }
    for (int i = 0; i < 3; i++) {
      System.gc();
      Thread.sleep(50);
    }
    long direct = 0;
    for (var pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
      direct += pool.getMemoryUsed();
    }
    var system = (UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return new Figures(
        ManagementFactory.getThreadMXBean().getThreadCount(),
        tasks(),
        system.getOpenFileDescriptorCount(),
        direct,
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
        residentBytes());
  }

  /** What the process has in memory, native memory included; 0 where the system does not say. */
  private static long residentBytes() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (Files.exists(status)) {
      for (String line : Files.readAllLines(status)) {
        if (line.startsWith("VmRSS:")) {
          return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
        }
      }
    }
    return 0;
  }

  /** But for the one that counts them. */
  private int tasks() throws InterruptedException {
    int[] live = new int[1];
    copas.addThread(() -> live[0] = copas.machine.liveCount() - 1).join();
    return live[0];
  }
}
