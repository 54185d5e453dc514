package dev.copas.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.examples.ExampleProcess.Client;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

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
  void chatServerTellsEverybodyWhatAnybodySays() throws Exception {
    try (var server = ExampleProcess.module(ChatServer.class)) {
      int port = server.port();
      try (var ada = new Client(port)) {
        assertEquals("anybody here?", ada.ask("anybody here?"));
        try (var alan = new Client(port)) {
          assertEquals("hello from Alan", alan.ask("hello from Alan"));
          assertEquals("hello from Alan", ada.hear());
          ada.say("hello from Ada");
          assertEquals("hello from Ada", alan.hear());
          assertEquals("hello from Ada", ada.hear());
        }
        assertEquals("still here", ada.ask("still here"));
      }
    }
  }

  @Test
  void movedServerServesManyAtOnceWithItsOldHandler() throws Exception {
    try (var server = ExampleProcess.module(MovedServer.class)) {
      int port = server.port();
      try (var one = new Client(port);
          var other = new Client(port)) {
        assertEquals("olleh", other.ask("hello"));
        assertEquals("ttoG ßürg", one.ask("grüß Gott"));
      }
    }
  }

  @Test
  void ownLoopGoesOnWhileItServes() throws Exception {
    try (var server = ExampleProcess.module(OwnLoop.class)) {
      int port = server.port();
      int first = round(port);
      int later;
      do {
        later = round(port);
      } while (later == first);
      assertTrue(later > first, first + ", then " + later);
    }
  }

  private static int round(int port) throws IOException {
    try (var client = new Client(port)) {
      String line = client.hear();
      assertTrue(line.matches("round [0-9]+"), line);
      return Integer.parseInt(line.substring("round ".length()));
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

  /** The jar of Copas, or the folder of its classes. */
  private static Path library() throws Exception {
    URI location =
        dev.copas.Copas.class.getProtectionDomain().getCodeSource().getLocation().toURI();
    return Path.of(location);
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
