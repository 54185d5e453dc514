package dev.copas.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.cli.CliProcess.Outcome;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs that {@code ./copas run} runs, from a folder that is not the checkout. */
@Timeout(120)
@DisabledOnOs(OS.WINDOWS)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RunTest {

  private Checkout checkout;
  private Path folder;

  @BeforeAll
  void makeCheckout(@TempDir Path temp) throws IOException {
    checkout = Checkout.in(Files.createDirectory(temp.resolve("a checkout")));
  }

  @BeforeEach
  void makeFolder(@TempDir Path temp) throws IOException {
    folder = Files.createDirectory(temp.resolve("my programs"));
  }

  @Test
  void aServerServesAndEndsOnASignal() throws Exception {
    write(
        "Shout.java",
        """
        import module dev.copas;

        void main(String[] args) throws IOException {
          try (var copas = Copas.create()) {
            var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
            copas.addServer(server, socket -> socket.send(socket.receive().toUpperCase() + "\\n"));
            IO.println("listening on " + server);
            copas.loop();
          }
        }
        """);
    try (var server = launch("run", "Shout.java", "0")) {
      try (Socket socket = server.connect(server.port())) {
        socket.getOutputStream().write("grüß Gott\n".getBytes(StandardCharsets.UTF_8));
        assertEquals(
            "GRÜSS GOTT\n",
            new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
      }
      server.signal("TERM");
      var outcome = server.outcome();
      assertEquals("", outcome.err());
      assertEquals(143, outcome.code());
    }
  }

  @Test
  void argumentsInputAndExitCodeAreTheProgramsOwn() throws Exception {
    write(
        "my program.java",
        """
        public class Program {
          public static void main(String[] args) throws Exception {
            System.out.println(String.join("|", args));
            System.in.transferTo(System.out);
            System.exit(7);
          }
        }
        """);
    try (var program =
        launch(
            "run",
            "my program.java",
            "--help",
            "-V",
            "--",
            "",
            "a  b",
            "@none",
            "*",
            "$HOME",
            "'\"\\")) {
      program.type("typed");
      assertEquals(
          new Outcome(7, "--help|-V|--||a  b|@none|*|$HOME|'\"\\\ntyped", ""), program.outcome());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"-dash.java", "@at.java"})
  void aNameThatJavaWouldTakeForAnOptionIsAName(String name) throws Exception {
    write(name, "class A { static void main() { System.out.println(\"here\"); } }");
    try (var program = launch("run", "--", name, "--")) {
      assertEquals(new Outcome(0, "here\n", ""), program.outcome());
    }
  }

  /** The JDK gives such a program its modules in its own way. */
  @Test
  void aProgramOfSeveralFilesMayBeAModule() throws Exception {
    write("module-info.java", "module greeting { requires dev.copas; }");
    write(
        "greeting/Main.java",
        """
        package greeting;

        class Main {
          public static void main(String[] args) {
            System.out.println(Main.class.getModule() + " " + Worker.work());
          }
        }
        """);
    write(
        "greeting/Worker.java",
        """
        package greeting;

        import dev.copas.Copas;

        class Worker {
          static String work() {
            var said = new StringBuilder();
            try (var copas = Copas.create()) {
              copas.addThread(() -> said.append("works"));
              copas.loop();
            }
            return said.toString();
          }
        }
        """);
    try (var program = launch("run", folder.resolve("greeting/Main.java").toString())) {
      assertEquals(new Outcome(0, "module greeting works\n", ""), program.outcome());
    }
  }

  @Test
  void librariesAndJvmOptionsComeFromTheEnvironment() throws Exception {
    write("lib/shop/Price.java", "package shop; public class Price { public static int of = 3; }");
    Path source = folder.resolve("lib/shop/Price.java");
    var javac = ToolProvider.findFirst("javac").orElseThrow();
    assertEquals(0, javac.run(System.out, System.err, "-d", folder.toString(), source.toString()));
    Files.delete(source);
    write(
        "Sell.java",
        """
        import dev.copas.Copas;
        import shop.Price;

        void main() {
          Copas.create().close();
          IO.println(Price.of + System.getProperty("currency"));
        }
        """);
    Path programs = Files.createDirectory(folder.resolve("programs"));
    Files.move(folder.resolve("Sell.java"), programs.resolve("Sell.java"));
    var options = Map.of("JDK_JAVA_OPTIONS", "-cp . -Dcurrency=EUR");
    try (var program = CliProcess.launch(checkout, folder, options, "run", "programs/Sell.java")) {
      var outcome = program.outcome();
      assertEquals("3EUR\n", outcome.out(), outcome.err());
      assertEquals(0, outcome.code());
    }
  }

  /** Its own version of it may be another. */
  @Test
  void aProgramDoesNotSeeWhatTheCommandIsMadeOf() throws Exception {
    write("Bad.java", "import picocli.CommandLine;\nvoid main() {}");
    try (var program = launch("run", "Bad.java")) {
      var outcome = program.outcome();
      assertTrue(outcome.err().startsWith("Bad.java:1: "), outcome.err());
      assertEquals(1, outcome.code());
    }
  }

  @Test
  void anExceptionOfMainHasItsTraceAndExitCode1() throws Exception {
    write("Bad.java", "void main() { throw new IllegalStateException(\"no more tea\"); }");
    try (var program = launch("run", "Bad.java")) {
      var outcome = program.outcome();
      assertTrue(outcome.err().contains("java.lang.IllegalStateException: no more tea"));
      assertTrue(outcome.err().contains("Bad.main(Bad.java:1)"), outcome.err());
      assertFalse(outcome.err().contains("dev.copas"), outcome.err());
      assertEquals(1, outcome.code());
    }
  }

  @Test
  void aProgramThatDoesNotCompileIsShownAndExitCode1() throws Exception {
    write("Bad.java", "void main() {\n  int x = y;\n}");
    try (var program = launch("run", "Bad.java")) {
      var outcome = program.outcome();
      assertTrue(outcome.err().startsWith("Bad.java:2: "), outcome.err());
      assertEquals("", outcome.out());
      assertEquals(1, outcome.code());
    }
  }

  @Test
  void whatIsNoProgramTheCommandSays() throws Exception {
    try (var command = launch("run", "None.java", "--help")) {
      assertEquals(new Outcome(1, "", "copas: no such file: None.java\n"), command.outcome());
    }
    write("A.java", "");
    try (var command = launch("run", "--version", "A.java")) {
      var outcome = command.outcome();
      assertTrue(outcome.out().startsWith("copas "), outcome.out());
      assertEquals(0, outcome.code());
    }
  }

  private CliProcess launch(String... args) throws IOException {
    return CliProcess.launch(checkout, folder, Map.of(), args);
  }

  private void write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
