package dev.copas.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.CopasSocketOptions;
import dev.copas.Datagram;
import dev.copas.TaskBody;
import dev.copas.sync.CopasFuture;
import dev.copas.sync.CopasLock;
import dev.copas.sync.CopasQueue;
import dev.copas.sync.CopasScope;
import dev.copas.sync.CopasSemaphore;
import dev.copas.sync.CopasTimer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What docs/from-lua.md tells to write.
 *
 * <p>Each test waits in one task for what only another task of the same loop does; so it would
 * never end if such a wait held the loop.
 */
@Timeout(60)
class FromLuaTest extends SnippetLoop {

  private static final Duration INTERVAL = Duration.ofMillis(1);

  private int ticks;

  @Test
  void timer() {
    loop(() -> {
      // snippet: timer
      CopasTimer timer = CopasTimer.every(copas, INTERVAL, self -> tick());
      // end: timer
      while (ticks < 3) {
        Copas.pause();
      }
      timer.cancel();
      assertFalse(timer.isArmed());
    });
  }

  private void tick() {
    ticks++;
  }

  @Test
  void timerThatIsSetAnewByWhatHappens() {
    loop(() -> {
      // snippet: one shot
      CopasTimer timer =
          CopasTimer.builder(copas).name("idle").once(Duration.ofMinutes(1), self -> tick());
      timer.cancel(); // Something happened: from now on it is a millisecond.
      timer.arm(INTERVAL);
      // end: one shot
      while (ticks == 0) {
        Copas.pause();
      }
      assertFalse(timer.isArmed());
    });
  }

  @Test
  void lock() {
    // snippet: lock
    var lock = new CopasLock(copas);
    // end: lock
    var order = new ArrayList<String>();
    TaskBody other =
        () -> {
          // snippet: lock
          try (var _ = lock.get()) {
            order.add(Copas.current().name());
            Copas.pause(); // Others run, and wait for the lock.
          }
          // end: lock
        };
    loop(() -> {
      try (var _ = lock.get()) {
        copas.addThread("first", other);
        copas.addThread("second", other);
        Copas.pause();
        assertEquals(List.of(), order);
      }
    });
    assertEquals(List.of("first", "second"), order);
  }

  @Test
  void semaphore() {
    // snippet: semaphore
    var atMostTwo = new CopasSemaphore(copas, 2, 2);
    // end: semaphore
    var most = new int[1];
    var inside = new int[1];
    loop(() -> {
      for (int i = 0; i < 5; i++) {
        copas.addThread(() -> {
          // snippet: semaphore
          atMostTwo.take();
          try {
            most[0] = Math.max(most[0], ++inside[0]);
            Copas.pause(INTERVAL);
            inside[0]--;
          } finally {
            atMostTwo.give();
          }
          // end: semaphore
        });
      }
    });
    assertEquals(2, most[0]);
  }

  @Test
  void queueWithWorkers() {
    var done = new ArrayList<String>();
    loop(() -> {
      // snippet: queue
      var queue = new CopasQueue<String>(copas);
      for (int i = 1; i <= 3; i++) {
        queue.addWorker(done::add);
      }
      // end: queue
      for (int i = 0; i < 10; i++) {
        queue.push("item " + i);
      }
      // snippet: queue end
      boolean inTime = queue.finish(Duration.ofSeconds(10));
      // end: queue end
      assertTrue(inTime);
    });
    assertEquals(10, done.size());
  }

  @Test
  void future() {
    loop(() -> {
      // snippet: future
      CopasFuture<Integer> answer = CopasFuture.addThread(copas, () -> slowly(42));
      // end: future
      assertEquals(Future.State.RUNNING, answer.state());
      // snippet: future
      int result = answer.get(); // Waits. What slowly() throws is thrown here, as the cause.
      // end: future
      assertEquals(42, result);
      assertEquals(42, answer.resultNow());

      CopasFuture<Integer> failure = CopasFuture.addThread(copas, () -> slowly(-1));
      var thrown = assertThrows(ExecutionException.class, failure::get);
      assertEquals(IllegalArgumentException.class, thrown.getCause().getClass());

      CopasFuture<Integer> cancelled = CopasFuture.addThread(copas, () -> slowly(1));
      assertTrue(cancelled.cancel());
      assertFalse(cancelled.cancel());

      CopasFuture<String> named =
          CopasFuture.addThread(copas, "somebody", () -> Copas.current().name());
      assertEquals("somebody", named.get());

      var supplied = CompletableFuture.supplyAsync(() -> 7, copas);
      assertEquals(7, supplied.get());
    });
  }

  @Test
  void severalTasksAsOne() {
    loop(() -> {
      // snippet: scope
      try (var scope = CopasScope.open(copas)) {
        CopasFuture<Integer> one = scope.fork(() -> slowly(1));
        CopasFuture<Integer> two = scope.fork(() -> slowly(2));
        scope.join(); // When one fails, the other is cancelled, and this throws.
        ticks = one.resultNow() + two.resultNow();
      }
      // end: scope
      assertEquals(3, ticks);
    });
  }

  private static int slowly(int result) throws InterruptedException {
    Copas.pause(INTERVAL);
    if (result < 0) {
      throw new IllegalArgumentException("negative");
    }
    return result;
  }

  @Test
  void udp() {
    loop(() -> {
      // snippet: udp
      var server = copas.bindDatagram("127.0.0.1", 0);
      copas.addServer(
          server,
          socket -> {
            while (true) {
              Datagram datagram = socket.receive();
              socket.send(datagram.bytes(), datagram.sender());
            }
          });
      // end: udp
      try (var client = copas.datagramSocket()) {
        client.connect(InetAddress.ofLiteral("127.0.0.1"), server.getLocalPort());
        client.send("hello".getBytes(StandardCharsets.UTF_8));
        assertEquals("hello", new String(client.receive().bytes(), StandardCharsets.UTF_8));
      }
      copas.removeServer(server);
    });
  }

  @Test
  void multicast() {
    loop(() -> {
      var on = NetworkInterface.getByInetAddress(InetAddress.ofLiteral("127.0.0.1"));
      // snippet: multicast
      var group = new InetSocketAddress(InetAddress.ofLiteral("239.255.1.1"), 7777);
      var member = copas.datagramSocket();
      member.setReuseAddress(true); // Others on this machine may listen, too.
      member.bind(new InetSocketAddress(group.getPort()));
      member.joinGroup(group, on);
      // end: multicast
      // snippet: to a group
      var sender = copas.datagramSocket();
      sender.setOption(StandardSocketOptions.IP_MULTICAST_IF, on);
      sender.send("to all".getBytes(StandardCharsets.UTF_8), group);
      // end: to a group
      assertEquals("to all", new String(member.receive().bytes(), StandardCharsets.UTF_8));
      member.close();
      sender.close();
    });
  }

  @Test
  void unixSockets(@TempDir Path folder) {
    loop(() -> {
      // snippet: unix
      Path path = folder.resolve("echo.sock");
      var server = copas.bindUnix(path);
      copas.addServer(server, socket -> socket.send(socket.receive() + "\n"));

      try (var socket = copas.connectUnix(path)) {
        socket.send("hello\n");
        String answer = socket.receive();
        // end: unix
        assertEquals("hello", answer);
        // snippet: unix
      }
      // end: unix
      copas.removeServer(server);
    });
  }

  @Test
  void tls(@TempDir Path folder) throws Exception {
    SSLContext context = contextOfNewKey(folder);
    ServerSocket server = copas.bind("127.0.0.1", 0);
    loop(() -> {
      // snippet: tls server
      var factory = context.getSocketFactory();
      copas.addServer(
          server,
          plain -> {
            try (var socket = factory.createSocket(plain, null, true)) { // As a server.
              handle(socket);
            }
          });
      // end: tls server
      assertEquals("olleh", askOverTls(context, "localhost", server.getLocalPort()));
      copas.removeServer(server);
    });
  }

  private String askOverTls(SSLContext context, String host, int port) throws IOException {
    // snippet: tls client
    CopasSocket plain = copas.connect(host, port, Duration.ofSeconds(10));
    var factory = context.getSocketFactory();
    try (var socket = (SSLSocket) factory.createSocket(plain, host, port, true)) {
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS"); // Checks the certificate's name.
      socket.setSSLParameters(parameters);
      socket.startHandshake();
      // end: tls client
      socket.getOutputStream().write("hello\n".getBytes(StandardCharsets.UTF_8));
      return reader(socket).readLine();
    }
  }

  private static BufferedReader reader(Socket socket) throws IOException {
    return new BufferedReader(
        new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
  }

  private static void handle(Socket socket) throws IOException {
    String line = reader(socket).readLine();
    socket
        .getOutputStream()
        .write((new StringBuilder(line).reverse() + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private static SSLContext contextOfNewKey(Path folder) throws Exception {
    Path file = folder.resolve("key.p12");
    var keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-keystore",
                file.toString(),
                "-storepass",
                "changeit",
                "-alias",
                "test",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=dns:localhost")
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertEquals(0, keytool.waitFor());
    var keys = KeyStore.getInstance(file.toFile(), "changeit".toCharArray());
    var keyManagers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keyManagers.init(keys, "changeit".toCharArray());
    var trustManagers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trustManagers.init(keys);
    var context = SSLContext.getInstance("TLS");
    context.init(keyManagers.getKeyManagers(), trustManagers.getTrustManagers(), null);
    return context;
  }

  @Test
  void optionsOfSockets() {
    loop(() -> {
      try (var server = copas.bind("127.0.0.1", 0);
          var socket = copas.connect("127.0.0.1", server.getLocalPort())) {
        socket.setKeepAlive(true);
        socket.setOption(StandardSocketOptions.SO_RCVBUF, 32 * 1024);
        assertTrue(socket.getOption(StandardSocketOptions.SO_KEEPALIVE));
        server.setOption(StandardSocketOptions.SO_REUSEPORT, true);
        if (server.supportedOptions().contains(CopasSocketOptions.TCP_DEFER_ACCEPT)) {
          server.setOption(CopasSocketOptions.TCP_DEFER_ACCEPT, Duration.ofSeconds(10));
        }
      }
    });
  }

  @Test
  void names() {
    loop(() -> {
      Thread.currentThread().setName("somebody");
      assertEquals("somebody", Copas.current().name());
    });
  }

  @Test
  void filesAreReadBesideTheLoop(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("text"), "text");
    loop(() -> {
      // snippet: offload
      String text = copas.offload(() -> Files.readString(file));
      // end: offload
      assertEquals("text", text);
    });
  }
}
