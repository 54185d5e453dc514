package dev.copas.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.examples.ExampleProcess.Client;
import java.io.IOException;
import java.net.ConnectException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;
import java.util.Scanner;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs every example as its reader would, and talks to it. */
@Timeout(60)
class ExamplesTest {

  /** Its text has a port that may be taken here, so it runs from its text with another one. */
  @Test
  void echoServerRunsAsItStandsInTheReadme(@TempDir Path folder) throws Exception {
    int port = freePort();
    String text = Files.readString(Repository.ROOT.resolve(Repository.source(EchoServer.class)));
    assertTrue(text.contains("7777"));
    Path copy = folder.resolve(Repository.source(EchoServer.class));
    Files.createDirectories(copy.getParent());
    Files.writeString(copy, text.replace("7777", Integer.toString(port)));

    try (var server =
            ExampleProcess.java(
                "--add-opens",
                "java.base/java.lang=ALL-UNNAMED",
                "-cp",
                library().toString(),
                copy.toString());
        var client = connectWhenItListens(server, port)) {
      assertEquals("hello", client.ask("hello"));
      assertEquals("grüß Gott", client.ask("grüß Gott"));
    }
  }

  @Test
  void daytimeTellsTheTime() throws Exception {
    try (var server =
            ExampleProcess.java(
                "--add-opens",
                "java.base/java.lang=dev.copas",
                "--enable-native-access=dev.copas",
                "-p",
                library().toString(),
                "--add-modules",
                "dev.copas",
                Repository.ROOT.resolve("examples/compact/Daytime.java").toString(),
                "0");
        var client = new Client(server.port())) {
      String line = client.hear();
      assertTrue(line.matches("It is [0-9]{2}:[0-9]{2}.*"), line);
    }
  }

  @Test
  void echoHandlersSayTheSameInEveryNotation() throws Exception {
    try (var server = ExampleProcess.module(EchoHandlers.class, "0", "0", "0")) {
      for (int i = 0; i < 3; i++) {
        try (var client = new Client(server.port())) {
          assertEquals("hello", client.ask("hello"));
          assertEquals("grüß Gott", client.ask("grüß Gott"));
          assertEquals("null", client.ask("quit"));
        }
      }
    }
  }

  @Test
  void severalServersShareWhatTheyKnow() throws Exception {
    try (var server = ExampleProcess.module(SeveralServers.class, "0", "0")) {
      int echoPort = server.port();
      int countPort = server.port();
      try (var ada = new Client(echoPort);
          var alan = new Client(echoPort)) {
        assertEquals("one", ada.ask("one"));
        assertEquals("two", alan.ask("two"));
        assertEquals("three", ada.ask("three"));
        try (var reader = new Client(countPort)) {
          assertEquals("3 lines", reader.hear());
        }
      }
    }
  }

  @Test
  void timeServerTellsTheTimeAndSendsBackTheRest() throws Exception {
    try (var server = ExampleProcess.module(TimeServer.class, "0")) {
      int port = server.port();
      try (var client = ExampleProcess.module(TimeClient.class, Integer.toString(port))) {
        String time = client.says();
        assertTrue(time.matches("[0-9]{2}:[0-9]{2}.*"), time);
      }
      try (var client = new DatagramSocket()) {
        client.setSoTimeout(20_000);
        client.connect(InetAddress.getLoopbackAddress(), port);
        client.send(new DatagramPacket(new byte[] {1, 2, 3}, 3));
        var answer = new DatagramPacket(new byte[10], 10);
        client.receive(answer);
        assertEquals(3, answer.getLength());
      }
    }
  }

  @Test
  void whoAmITellsItsClientTheUser(@TempDir Path folder) throws Exception {
    Path path = folder.resolve("who.sock");
    try (var server = ExampleProcess.module(WhoAmI.class, path.toString())) {
      assertEquals("listening on " + path, server.says());
      assertEquals("rw-rw-rw-", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
      try (var client = SocketChannel.open(UnixDomainSocketAddress.of(path));
          var answer = new Scanner(client, StandardCharsets.UTF_8)) {
        var group = Files.getAttribute(path, "posix:group");
        assertEquals("You are " + Files.getOwner(path) + " of " + group, answer.nextLine());
      }
    }
  }

  @Test
  void chatServerTellsEverybodyWhatAnybodySays() throws Exception {
    try (var server = ExampleProcess.module(ChatServer.class)) {
      int port = server.port();
      try (var ada = new Client(port)) {
        assertEquals("Ada is here", ada.ask("Ada"));
        try (var alan = new Client(port);
            var other = new Client(port)) {
          assertEquals("Alan is here", alan.ask("Alan"));
          assertEquals("Alan is here", ada.hear());
          assertEquals("this name is taken", other.ask("Ada"));
          assertEquals("null", other.hear());
          assertEquals("Ada: hello", ada.ask("hello"));
          assertEquals("Ada: hello", alan.hear());
          assertEquals("Alan: grüß Gott", alan.ask("grüß Gott"));
          assertEquals("Alan: grüß Gott", ada.hear());
        }
        assertEquals("Alan has left", ada.hear());
        assertEquals("Ada: still here", ada.ask("still here"));
      }
    }
  }

  @Test
  void chatServerLosesTheGuestWhoDoesNotRead() throws Exception {
    try (var server = ExampleProcess.module(ChatServer.class)) {
      int port = server.port();
      try (var ada = new Client(port);
          var lazy = Client.withLittleRoom(port)) {
        assertEquals("Ada is here", ada.ask("Ada"));
        lazy.say("Lazy");
        assertEquals("Lazy is here", ada.hear());

        String much = "x".repeat(900);
        String line = ada.ask(much);
        while (line.equals("Ada: " + much)) {
          line = ada.ask(much);
        }
        assertEquals("Lazy has left", line);
        assertEquals("Ada: " + much, ada.hear());
        assertEquals("Ada: at last", ada.ask("at last"));
      }
    }
  }

  @Test
  void oneAtATimeServesTheNextWhenTheFirstHasGone() throws Exception {
    try (var server = ExampleProcess.module(OneAtATime.class)) {
      int port = server.port();
      try (var one = new Client(port)) {
        assertEquals("olleh", one.ask("hello"));
        try (var other = new Client(port)) {
          other.say("me too");
          assertEquals("olleh", one.ask("hello"));
          one.end();
          assertEquals("oot em", other.hear());
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      classes = {
        OldServer.class,
        MovedServer.class,
        OldWorker.class,
        MovedWorker.class,
        OldPool.class,
        MovedPool.class
      })
  void oldAndMovedServersServeManyAtOnce(Class<?> example) throws Exception {
    try (var server = ExampleProcess.module(example)) {
      int port = server.port();
      try (var one = new Client(port);
          var other = new Client(port)) {
        assertEquals("olleh", other.ask("hello"));
        assertEquals("ttoG ßürg", one.ask("grüß Gott"));
      }
    }
  }

  /** Moving over is to leave the handler alone. */
  @Test
  void whatTheMovedServersDoWithAConnectionIsAsItWas() throws Exception {
    assertSameSnippet("handler", OldServer.class, MovedServer.class);
    assertSameSnippet("worker", OldWorker.class, MovedWorker.class);
    assertSameSnippet("accept loop", OldPool.class, MovedPool.class);
  }

  private static void assertSameSnippet(String name, Class<?> before, Class<?> after)
      throws IOException {
    String old = Snippets.in(Repository.ROOT.resolve(Repository.source(before))).get(name);
    assertNotNull(old);
    assertEquals(old, Snippets.in(Repository.ROOT.resolve(Repository.source(after))).get(name));
  }

  @Test
  void gameLoopRunsTheRaceAndTellsTheRunners() throws Exception {
    try (var game = ExampleProcess.module(GameLoop.class)) {
      int port = game.port();
      try (var ada = new Client(port);
          var alan = new Client(port)) {
        ada.say("Ada");
        int first = position("Ada", ada.hear());
        int later = position("Ada", ada.hear());
        assertTrue(later > first, first + ", then " + later);

        alan.say("Alan");
        alan.say("faster\n".repeat(300));
        String last = ada.hear();
        while (!last.endsWith("wins")) {
          last = ada.hear();
        }
        assertTrue(last.endsWith("Alan wins"), last);
        assertEquals("null", ada.hear());
      }
      assertEquals(0, game.exitValue());
    }
  }

  private static int position(String name, String line) {
    Matcher position = Pattern.compile(name + " ([0-9]+) ").matcher(line);
    assertTrue(position.find(), line);
    return Integer.parseInt(position.group(1));
  }

  /** No server answers before all have been asked. */
  @Test
  void threeRequestsAreMadeAtOnce() throws Exception {
    try (var one = listener();
        var two = listener();
        var three = listener();
        var client = ExampleProcess.module(ThreeRequests.class, port(one), port(two), port(three));
        var first = new Client(one.accept());
        var second = new Client(two.accept());
        var third = new Client(three.accept())) {
      for (Client server : List.of(third, first, second)) {
        assertEquals("how are you?", server.hear());
      }
      third.say("so so");
      second.say("well");
      first.say("fine");
      assertEquals("fine", client.says());
      assertEquals("well", client.says());
      assertEquals("so so", client.says());
      assertEquals(0, client.exitValue());
    }
  }

  private static ServerSocket listener() throws IOException {
    return new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"));
  }

  private static String port(ServerSocket server) {
    return Integer.toString(server.getLocalPort());
  }

  @Test
  void errorsAreCaughtAcrossWaits() throws Exception {
    try (var server = ExampleProcess.module(Errors.class)) {
      int port = server.port();
      try (var client = new Client(port)) {
        assertEquals("divide what?", client.ask("please"));
        assertEquals("that is no number", client.ask("six"));
        assertEquals("divide what?", client.ask("again"));
        assertEquals("by what?", client.ask("6"));
        assertEquals("2", client.ask("3"));

        assertEquals("divide what?", client.ask("again"));
        assertEquals("by what?", client.ask("6"));
        assertEquals("sorry", client.ask("0"));
        assertEquals("null", client.hear());
      }
      assertEquals("0 open", server.says());
      assertEquals("divider:handler_1: java.lang.ArithmeticException: / by zero", server.says());
    }
  }

  @Test
  void patientServerKeepsWhatCameBeforeTheTimeout() throws Exception {
    try (var server = ExampleProcess.module(PatientServer.class, "0", "100")) {
      int port = server.port();
      try (var client = new Client(port)) {
        client.sayPart("hel");
        assertEquals("are you still there?", client.hear());
        assertEquals("hello", client.ask("lo"));
      }
    }
  }

  @Test
  void stoppingServesThoseWhoAreConnectedAndExits() throws Exception {
    try (var server = ExampleProcess.module(Stopping.class)) {
      int port = server.port();
      try (var ada = new Client(port);
          var admin = new Client(port)) {
        assertEquals("your name?", ada.hear());
        assertEquals("your name?", admin.hear());
        assertEquals("null", admin.ask("exit"));
        assertEquals("exiting", server.says());
        assertEquals("hello Ada", ada.ask("Ada"));
      }
      assertEquals("greeted 1", server.says());
      assertEquals(0, server.exitValue());
    }
  }

  @Test
  void watchedTellsWhatItIsDoing() throws Exception {
    try (var server = ExampleProcess.module(Watched.class)) {
      int port = server.port();
      try (var client = new Client(port)) {
        assertEquals("hello", client.ask("hello"));
        String status = client.ask("status");
        assertTrue(status.startsWith("1 connections, 13 bytes in, 1 tasks wait, "), status);
        String loop = client.ask("dump");
        assertTrue(loop.startsWith("loop: running, "), loop);
        assertEquals("1 server", client.hear());
      }
    }
  }

  @Test
  void stoppingServesThoseWhoAreConnectedWhenASignalComes() throws Exception {
    try (var server = ExampleProcess.module(Stopping.class)) {
      int port = server.port();
      try (var ada = new Client(port)) {
        assertEquals("your name?", ada.hear());
        server.terminate();
        assertThrows(
            ConnectException.class,
            () -> {
              while (true) {
                new Client(port).close();
              }
            });
        assertEquals("hello Ada", ada.ask("Ada"));
        assertEquals("null", ada.hear());
      }
      server.saysAtLast("exiting");
    }
  }

  @Test
  void anExecutableJarNeedsNoFlagWhenItsManifestOpensThePackage(@TempDir Path folder)
      throws Exception {
    Path jar = folder.resolve("server.jar");
    var manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    main.put(Attributes.Name.MAIN_CLASS, MovedServer.class.getName());
    main.put(Attributes.Name.CLASS_PATH, library().toUri().toString());
    main.putValue("Add-Opens", "java.base/java.lang");
    try (var out = new JarOutputStream(Files.newOutputStream(jar), manifest)) {
      String name = MovedServer.class.getName().replace('.', '/') + ".class";
      out.putNextEntry(new JarEntry(name));
      try (var bytes = MovedServer.class.getClassLoader().getResourceAsStream(name)) {
        bytes.transferTo(out);
      }
    }

    try (var server = ExampleProcess.java("-jar", jar.toString(), "0");
        var client = new Client(server.port())) {
      assertEquals("olleh", client.ask("hello"));
    }
  }

  @Test
  void inSoloModeAServerNeedsNoFlag() throws Exception {
    String classPath =
        library() + System.getProperty("path.separator") + classes(WithoutFlag.class);
    try (var server = ExampleProcess.java("-cp", classPath, WithoutFlag.class.getName(), "0");
        var client = new Client(server.port())) {
      assertEquals("hello", client.ask("hello"));
      assertEquals("grüß Gott", client.ask("grüß Gott"));
    }
  }

  @Test
  void whoLogsInTooSlowlyHasToGo() throws Exception {
    try (var server = ExampleProcess.module(Login.class, "0", "60000");
        var client = new Client(server.port())) {
      assertEquals("your name?", client.hear());
      assertEquals("your password?", client.ask("Ali Baba"));
      assertEquals("welcome, Ali Baba", client.ask("sesame"));
    }
    try (var server = ExampleProcess.module(Login.class, "0", "100");
        var client = new Client(server.port())) {
      assertEquals("your name?", client.hear());
      assertEquals("too slow", client.hear());
    }
  }

  @Test
  void passwordHashesAreTheSameForTheSamePassword() throws Exception {
    try (var server = ExampleProcess.module(PasswordHashes.class);
        var client = new Client(server.port())) {
      String hash = client.ask("sesame");
      assertEquals(64, hash.length(), hash);
      assertEquals(hash, client.ask("sesame"));
      assertNotEquals(hash, client.ask("Sesame"));
    }
  }

  private static Path classes(Class<?> type) throws Exception {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  /** The jar of Copas, or the folder of its classes. */
  private static Path library() throws Exception {
    return classes(dev.copas.Copas.class);
  }

  /** Below those that the system gives out by itself, so that nobody takes it by chance. */
  private static int freePort() {
    var random = new Random();
    while (true) {
      int port = random.nextInt(20_000, 30_000);
      try (var probe = new ServerSocket(port, 1, InetAddress.ofLiteral("127.0.0.1"))) {
        return probe.getLocalPort();
      } catch (IOException e) {
        // Taken: another one.
      }
    }
  }

  private static Client connectWhenItListens(ExampleProcess server, int port) throws Exception {
    while (true) {
      try {
        return new Client(port);
      } catch (ConnectException e) {
        assertTrue(server.isAlive(), "the example has ended");
        Thread.sleep(20);
      }
    }
  }
}
