package dev.copas.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ArgumentsTest {

  @Test
  void versionIsTheBuilds() throws Exception {
    var outcome = CliProcess.run("--version");
    assertEquals(0, outcome.code());
    assertTrue(
        outcome.out().matches("copas [0-9]+\\.[0-9]+\\.[0-9]+.* \\(Java .+\\)\\R"), outcome.out());
  }

  @Test
  void helpNamesTheCommandsAndTheirOptions() throws Exception {
    var copas = CliProcess.run("--help");
    assertEquals(0, copas.code());
    for (String command : List.of("echo", "demo", "run")) {
      assertTrue(copas.out().contains(command), copas.out());
    }

    var echo = CliProcess.run("echo", "--help");
    assertEquals(0, echo.code());
    for (String word : List.of("--host", "127.0.0.1", "--port", "7777", "quit")) {
      assertTrue(echo.out().contains(word), echo.out());
    }

    var demo = CliProcess.run("demo", "--help");
    assertEquals(0, demo.code());
    for (String word : List.of("--clients", "2000", "--seconds", "15", "--plain", "TERM")) {
      assertTrue(demo.out().contains(word), demo.out());
    }

    var run = CliProcess.run("run", "--help");
    assertEquals(0, run.code());
    for (String word : List.of("FILE.java", "ARG", "loop()", "JDK_JAVA_OPTIONS")) {
      assertTrue(run.out().contains(word), run.out());
    }
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      textBlock =
          """
          "",                      "Missing required subcommand (see copas --help)"
          listen,                  "unknown command: 'listen' (see copas --help)"
          --bad,                   "unknown option: '--bad' (see copas --help)"
          echo --bad,              "unknown option: '--bad' (see copas echo --help)"
          echo --prot 8080,        "unknown option: '--prot' (see copas echo --help)"
          echo 8080,               "unexpected argument: '8080' (see copas echo --help)"
          echo --port,             "Missing required parameter for option '--port' (PORT) (see copas echo --help)"
          echo --port x,           "Invalid value for option '--port': a port is a number from 0 to 65535, not 'x' (see copas echo --help)"
          echo --port 65536,       "Invalid value for option '--port': a port is a number from 0 to 65535, not '65536' (see copas echo --help)"
          echo --port=-1,          "Invalid value for option '--port': a port is a number from 0 to 65535, not '-1' (see copas echo --help)"
          echo --port 0 --port 0,  "option '--port' (PORT) should be specified only once (see copas echo --help)"
          demo --clients 19,       "Invalid value for option '--clients': from 20 to 10000, not 19 (see copas demo --help)"
          demo --clients x,        "Invalid value for option '--clients': 'x' is not an int (see copas demo --help)"
          demo --seconds 4,        "Invalid value for option '--seconds': from 5 to 3600, not 4 (see copas demo --help)"
          run,                     "Missing required parameter: 'FILE.java' (see copas run --help)"
          run --,                  "Missing required parameter: 'FILE.java' (see copas run --help)"
          run --bad A.java,        "unknown option: '--bad' (see copas run --help)"
          run A.class --help,      "Invalid value for positional parameter at index 0 (FILE.java): a program is a Java source file, NAME.java, not 'A.class' (see copas run --help)"
          """)
  void argumentsThatMakeNoSenseAreOneLineAndExitCode2(String args, String message)
      throws Exception {
    var outcome = CliProcess.run(args.isEmpty() ? new String[0] : args.split(" "));
    assertEquals("copas: " + message, outcome.err().strip());
    assertEquals("", outcome.out());
    assertEquals(2, outcome.code());
  }

  @ParameterizedTest
  @ValueSource(strings = {"run %s", "run %s --help", "run -- %s --bad"})
  void aProgramThatIsNotThereIsOneLineAndExitCode1(String args) throws Exception {
    var outcome = CliProcess.run(args.formatted("no-such.java").split(" "));
    assertEquals("copas: no such file: no-such.java", outcome.err().strip());
    assertEquals("", outcome.out());
    assertEquals(1, outcome.code());
  }

  @Test
  void aFolderIsNoProgram(@TempDir Path folder) throws Exception {
    Path program = Files.createDirectory(folder.resolve("A.java"));
    var outcome = CliProcess.run("run", program.toString());
    assertEquals("copas: not a file: " + program, outcome.err().strip());
    assertEquals(1, outcome.code());
  }

  @Test
  void aProgramNeedsTheLauncher(@TempDir Path folder) throws Exception {
    Path program = Files.writeString(folder.resolve("A.java"), "void main() {}");
    var outcome = CliProcess.run("run", program.toString());
    assertEquals(
        "copas: programs are run by the launcher, so start ./copas run " + program,
        outcome.err().strip());
    assertEquals(1, outcome.code());
  }

  @Test
  void theDemoNeedsTheLauncher() throws Exception {
    var outcome = CliProcess.run("demo", "--plain");
    assertEquals(
        "copas: the demo needs the launcher, so start ./copas demo", outcome.err().strip());
    assertEquals("", outcome.out());
    assertEquals(1, outcome.code());
  }

  @Test
  void aPortInUseIsOneLineAndExitCode1() throws Exception {
    try (var other = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      String port = Integer.toString(other.getLocalPort());
      var outcome = CliProcess.run("echo", "--port", port);
      assertEquals("copas: Address already in use: 127.0.0.1:" + port, outcome.err().strip());
      assertEquals("", outcome.out());
      assertEquals(1, outcome.code());
    }
  }

  @Test
  void anUnknownHostIsOneLineAndExitCode1() throws Exception {
    var outcome = CliProcess.run("echo", "--host", "no-such-host.invalid");
    assertEquals("copas: unknown host: no-such-host.invalid", outcome.err().strip());
    assertEquals(1, outcome.code());
  }

  @Test
  void anAddressOfAnotherMachineIsOneLineAndExitCode1() throws Exception {
    var outcome = CliProcess.run("echo", "--host", "192.0.2.1", "--port", "0");
    assertTrue(outcome.err().matches("copas: .+: 192\\.0\\.2\\.1:0\\R"), outcome.err());
    assertEquals(1, outcome.code());
  }

  @Test
  void withoutTheFlagItSaysWhichOneIsMissing() throws Exception {
    try (var process = CliProcess.startWithoutFlags("echo", "--port", "0")) {
      var outcome = process.outcome();
      assertTrue(
          outcome.err().contains("--add-opens java.base/java.lang=dev.copas"), outcome.err());
      assertTrue(outcome.err().startsWith("copas: "), outcome.err());
      assertTrue(!outcome.err().contains("\tat "), "no stack trace: " + outcome.err());
      assertEquals(1, outcome.code());
    }
  }
}
