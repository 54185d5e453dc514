package dev.copas;

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
import java.util.concurrent.locks.ReentrantLock;

/** What {@link SemanticsTest} runs in JVMs of their own. */
final class SemanticsPrograms {

  private static final Duration LONG = Duration.ofDays(1);

  private SemanticsPrograms() {}

  @SuppressWarnings("SystemOut")
  private static void say(String text) {
    System.out.println(text);
  }

  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "severalAddresses" -> severalAddresses();
      case "stopInOrder" -> stopInOrder();
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  /** A name with three addresses, of which only the last one listens. */
  private static void severalAddresses() throws Exception {
    Path hosts = Files.createTempFile("copas", "hosts");
    Files.write(hosts, List.of("127.0.0.2 several", "127.0.0.3 several", "127.0.0.1 several"));
    System.setProperty("jdk.net.hosts.file", hosts.toString()); // Before InetAddress is loaded.
    try (var copas = Modes.create()) {
      CopasServerSocket listener = copas.bind("127.0.0.1", 0);
      int port = listener.getLocalPort();
      copas.loop(() -> {
        try (CopasSocket socket = copas.connect("several", port)) {
          say("connected to " + socket.getInetAddress().getHostAddress());
        }
        listener.close();
        try {
          copas.connect("several", port);
        } catch (IOException e) {
          say("refused by all: " + e.getMessage() + " and " + e.getSuppressed().length + " others");
        }
      });
    } finally {
      Files.delete(hosts);
    }
  }

  /** Four handlers that wait, in ways that a stop has to end, or to give up. */
  private static void stopInOrder() throws Exception {
    haltAfter(Duration.ofSeconds(50));
    var copas = Modes.create(Options.defaults().closeTimeout(Duration.ofMillis(300)));
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> say("stopped: " + copas.stop(Duration.ofMillis(100)))));
    var lock = new ReentrantLock();
    lock.lock(); // By main, which never gives it back.
    var waiting = new CountDownLatch(4);
    CopasServerSocket server = copas.bind("127.0.0.1", 0);
    copas.addServer(
        server,
        ServerOptions.defaults().name("stop"),
        socket -> {
          String how = String.valueOf(socket.receive());
          try {
            waiting.countDown();
            switch (how) {
              case "sleep" -> Thread.sleep(LONG);
              case "receive" -> socket.receive();
              case "lockInterruptibly" -> lock.lockInterruptibly();
              default -> lock.lock();
            }
          } finally {
            say("finally of " + how);
          }
        });
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            beClients(server.getLocalPort());
            waiting.await();
            copas.addThread(() -> say("ready")).join(); // They wait now.
            Thread.sleep(LONG);
          } catch (IOException | InterruptedException e) {
            say("clients failed: " + e);
          }
        });
    copas.loop();
    say("loop returned");
  }

  private static void beClients(int port) throws IOException {
    List<Socket> clients = new ArrayList<>();
    for (String how : List.of("sleep", "receive", "lockInterruptibly", "lock")) {
      var client = new Socket(InetAddress.getLoopbackAddress(), port);
      client.getOutputStream().write((how + "\n").getBytes(StandardCharsets.UTF_8));
      clients.add(client);
    }
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          for (Socket client : clients) {
            try {
              client.getInputStream().read();
            } catch (IOException e) {
              say("a client got " + e);
            }
          }
        });
  }

  /** A test that was given up must not leave this process behind. */
  private static void haltAfter(Duration time) {
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            Thread.sleep(time);
          } catch (InterruptedException e) {
            say("interrupted");
          }
          Runtime.getRuntime().halt(99);
        });
  }
}
