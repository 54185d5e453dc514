package dev.copas;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Runs a program, mostly one of {@link LoopChildPrograms}, in a JVM of its own, on the class path.
 */
final class LoopChildJvm {

  /** How a program ended, and what it printed on both streams. */
  record Result(int exitCode, String output) {}

  /** The developer's own; a JVM tells of them on stderr, and some bring a flag along. */
  private static final Set<String> JVM_VARIABLES =
      Set.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS");

  private static final List<String> FLAGS =
      Modes.SOLO
          ? List.of()
          : List.of(
              "--add-opens=java.base/java.lang=ALL-UNNAMED", "--enable-native-access=ALL-UNNAMED");

  private final List<String> command = new ArrayList<>();

  private LoopChildJvm() {}

  /** What the mode of the suite needs: the flag, or nothing but to be asked for. */
  static LoopChildJvm inMode(String... more) {
    var child = new LoopChildJvm();
    child.java();
    child.inThisMode();
    child.command.addAll(List.of(more));
    return child;
  }

  static LoopChildJvm withoutFlag() {
    var child = new LoopChildJvm();
    child.java();
    return child;
  }

  /** With these flags and no others, whatever the mode of the suite. */
  static LoopChildJvm with(String... flags) {
    var child = new LoopChildJvm();
    child.java();
    child.command.addAll(List.of(flags));
    return child;
  }

  /** With so many descriptors at most. */
  static LoopChildJvm withDescriptors(int most) {
    var child = new LoopChildJvm();
    child.command.addAll(List.of("sh", "-c", "ulimit -n " + most + "; exec \"$@\"", "sh"));
    child.java();
    child.inThisMode();
    return child;
  }

  /** With files that everybody may write to, unless it takes care. */
  static LoopChildJvm withoutUmask() {
    var child = new LoopChildJvm();
    child.command.addAll(List.of("sh", "-c", "umask 0; exec \"$@\"", "sh"));
    child.java();
    child.inThisMode();
    return child;
  }

  private void inThisMode() {
    command.add("-Dcopas.mode=" + Modes.MODE);
    command.addAll(FLAGS);
  }

  private void java() {
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xshare:auto");
  }

  Process start(String program) throws IOException {
    return start(program, LoopChildPrograms.class);
  }

  Process start(String program, Class<?> main) throws IOException {
    return builder(program, main).redirectErrorStream(true).start();
  }

  /** With streams of its own. */
  ProcessBuilder builder(String program, Class<?> main) {
    command.addAll(
        List.of(
            "-cp",
            root(Copas.class) + System.getProperty("path.separator") + root(LoopChildJvm.class),
            main.getName(),
            program));
    var builder = new ProcessBuilder(command);
    builder.environment().keySet().removeAll(JVM_VARIABLES);
    return builder;
  }

  Result run(String program) throws Exception {
    return result(start(program));
  }

  Result run(String program, Class<?> main) throws Exception {
    return result(start(program, main));
  }

  /** Waits for the end; a program that does not come to one is ended. */
  static Result result(Process process) throws Exception {
    CompletableFuture<String> output = CompletableFuture.supplyAsync(() -> read(process));
    try {
      assertTrue(process.waitFor(80, TimeUnit.SECONDS), "the program does not end");
      return new Result(process.exitValue(), output.get());
    } finally {
      process.destroyForcibly();
    }
  }

  private static String read(Process process) {
    try {
      return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "unreadable: " + e;
    }
  }

  /** Where the class was loaded from, also when it patches a module. */
  private static String root(Class<?> type) {
    try {
      URL url = type.getResource(type.getSimpleName() + ".class");
      assertTrue(url != null && url.getProtocol().equals("file"), "classes in a directory");
      String file = Path.of(url.toURI()).toString();
      return file.substring(0, file.length() - type.getName().length() - ".class".length() - 1);
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }
}
