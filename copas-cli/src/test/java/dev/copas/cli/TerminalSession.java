package dev.copas.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The command in a terminal that script(1) of Linux makes, with somebody who types and looks. */
final class TerminalSession implements AutoCloseable {

  private static final Path SCRIPT = Path.of("/usr/bin/script");

  private static final String SESSION =
      """
      trap : INT
      stty rows 24 cols 80
      echo "terminal: $(tty)"
      echo "before: $(stty -g)"
      "$LAUNCHER" "$@"
      echo "exit code: $?"
      echo "after: $(stty -g)"
      """;

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final String CLEAR_SCREEN = "\033[2J";
  private static final String CONTROL = "\033\\[[0-9;?]*[A-Za-z]";

  private final Process process;
  private final Path typescript;
  private final long begin = System.nanoTime();
  private int rows = 24;

  static boolean isPossible() {
    return Files.isExecutable(SCRIPT);
  }

  /** Starts the launcher of a checkout with some arguments, in a folder that has room for files. */
  static TerminalSession launch(Checkout checkout, Path folder, String terminal, String args)
      throws IOException {
    Files.writeString(folder.resolve("session.sh"), SESSION);
    Path typescript = Files.createTempFile(folder, "typescript", "");
    var builder =
        CliProcess.builder(
            List.of(SCRIPT.toString(), "-q", "-f", "-c", "sh session.sh " + args, "" + typescript));
    builder.directory(folder.toFile());
    builder.redirectOutput(Redirect.DISCARD).redirectError(Redirect.DISCARD);
    builder.environment().put("TERM", terminal);
    builder.environment().put("LAUNCHER", checkout.launcher().toString());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    return new TerminalSession(builder.start(), typescript);
  }

  private TerminalSession(Process process, Path typescript) {
    this.process = process;
    this.typescript = typescript;
  }

  void type(String keys) throws IOException {
    process.getOutputStream().write(keys.getBytes(StandardCharsets.US_ASCII));
    process.getOutputStream().flush();
  }

  /** All that was printed. */
  String output() throws IOException {
    return new String(Files.readAllBytes(typescript), StandardCharsets.UTF_8);
  }

  /** Waits until something is in the picture. */
  void awaitPicture(String regex) throws Exception {
    Pattern pattern = Pattern.compile(regex, Pattern.MULTILINE);
    while (!pattern.matcher(picture()).find()) {
      resize();
      pause(Duration.ofMillis(600)); // It looks for another size twice a second.
    }
  }

  private String picture() throws IOException {
    String output = output();
    int begin = Math.max(0, output.lastIndexOf(CLEAR_SCREEN));
    return output.substring(begin).replaceAll(CONTROL, "\n");
  }

  /** A terminal of another size is drawn anew; else there are only differences to be seen. */
  private void resize() throws Exception {
    rows = rows == 24 ? 25 : 24;
    String terminal = awaitOutput("terminal: (\\S+)");
    var stty = new ProcessBuilder("stty", "-F", terminal, "rows", Integer.toString(rows)).start();
    assertEquals(0, stty.waitFor(), output());
  }

  /** Waits for the end of the command, which leaves the terminal's settings as they were. */
  void awaitEnd(int exitCode) throws Exception {
    assertEquals(Integer.toString(exitCode), awaitOutput("exit code: (\\S+)"));
    assertEquals(awaitOutput("before: (\\S+)"), awaitOutput("after: (\\S+)"));
  }

  /** Waits for some output with a blank behind it, and returns what group 1 is in it. */
  String awaitOutput(String regex) throws Exception {
    Pattern pattern = Pattern.compile(regex + "\\s");
    while (true) {
      Matcher matcher = pattern.matcher(output());
      if (matcher.find()) {
        return matcher.group(1);
      }
      pause(Duration.ofMillis(10));
    }
  }

  private void pause(Duration time) throws Exception {
    assertTrue(System.nanoTime() - begin < PATIENCE.toNanos(), output());
    Thread.sleep(time);
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }
}
