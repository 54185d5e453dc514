package dev.copas.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The command in a process of its own, started as the launcher does it or through the launcher. */
final class CliProcess implements AutoCloseable {

  /** What a run said, and its exit code. */
  record Outcome(int code, String out, String err) {}

  private static final int SIGINT = 2;
  private static final Pattern LISTENING = Pattern.compile("listening on (.+):([0-9]+)");

  /** Small, so that a test can tell whether memory grows with what is sent. */
  private static final String HEAP = "-Xmx24m";

  private static final List<String> FLAGS =
      List.of(
          "--add-opens", "java.base/java.lang=dev.copas", "--enable-native-access=dev.copas", HEAP);

  private static final Set<String> JVM_VARIABLES =
      Set.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS");

  private final Process process;
  private final BufferedReader out;

  private CliProcess(Process process) {
    this.process = process;
    this.out = process.inputReader(StandardCharsets.UTF_8);
  }

  static CliProcess start(String... args) throws IOException {
    return start(FLAGS, args);
  }

  static CliProcess startWithoutFlags(String... args) throws IOException {
    return start(List.of(), args);
  }

  static CliProcess start(List<String> flags, String... args) throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(List.of("-p", System.getProperty("jdk.module.path")));
    command.addAll(List.of("-m", "dev.copas.cli/dev.copas.cli.Main"));
    command.addAll(List.of(args));
    return new CliProcess(builder(command).start());
  }

  /**
   * Without what the developer's own environment tells every JVM, and the JVM then tells of on
   * stderr.
   */
  static ProcessBuilder builder(List<String> command) {
    var builder = new ProcessBuilder(command);
    builder.environment().keySet().removeAll(JVM_VARIABLES);
    return builder;
  }

  /** Starts the command of a checkout in a folder, which relative names begin at. */
  static CliProcess launch(
      Checkout checkout, Path folder, Map<String, String> environment, String... args)
      throws IOException {
    var command = new ArrayList<>(List.of(checkout.launcher().toString()));
    command.addAll(List.of(args));
    var builder = builder(command).directory(folder.toFile());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().putAll(environment);
    return new CliProcess(builder.start());
  }

  static Outcome run(String... args) throws Exception {
    try (var process = start(args)) {
      return process.outcome();
    }
  }

  /** Reads the next line, which must say that it listens; returns the port. */
  int port() throws IOException {
    Matcher line = listening();
    return Integer.parseInt(line.group(2));
  }

  /** Reads the next line, which must say that it listens: group 1 is the host, 2 the port. */
  Matcher listening() throws IOException {
    String line = String.valueOf(out.readLine());
    Matcher matcher = LISTENING.matcher(line);
    assertTrue(matcher.matches(), () -> line + " " + errors());
    return matcher;
  }

  Socket connect(int port) throws IOException {
    var socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port);
    socket.setSoTimeout(10_000);
    return socket;
  }

  /** Writes all that there is to read for it. */
  void type(String text) throws IOException {
    try (var in = process.outputWriter(StandardCharsets.UTF_8)) {
      in.write(text);
    }
  }

  /** Sends a signal, by its name as kill(1) knows it. */
  void signal(String name) throws Exception {
    var kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
    assertEquals(0, kill.waitFor());
  }

  /**
   * Whether it ignores SIGINT because it was told to at birth: a shell without job control does
   * that to what it starts in the background, and all that this starts inherits it.
   */
  boolean ignoresInterrupts() throws IOException {
    return ignoresInterrupts(process.pid());
  }

  static boolean ignoresInterrupts(long pid) throws IOException {
    Path status = Path.of("/proc", Long.toString(pid), "status");
    if (!Files.exists(status)) {
      return false;
    }
    try (Stream<String> lines = Files.lines(status)) {
      return lines
          .filter(line -> line.startsWith("SigIgn:"))
          .map(line -> Long.parseUnsignedLong(line.substring("SigIgn:".length()).strip(), 16))
          .anyMatch(ignored -> (ignored & 1L << (SIGINT - 1)) != 0);
    }
  }

  /** Waits for the end. */
  Outcome outcome() throws Exception {
    String rest = out.readAllAsString();
    String errors = errors();
    assertTrue(process.waitFor(20, TimeUnit.SECONDS), "it ended");
    return new Outcome(process.exitValue(), rest, errors);
  }

  private String errors() {
    try {
      return process.errorReader(StandardCharsets.UTF_8).readAllAsString();
    } catch (IOException e) {
      return e.toString();
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
