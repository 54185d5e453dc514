package dev.copas.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A server in a process of its own, on a core of its own. It ends when its input does. */
final class ServerProcess implements AutoCloseable {

  private final Process process;
  final int port;

  /** Starts it and returns as soon as it listens. */
  ServerProcess(List<String> command, String core, Path log) throws IOException {
    var pinned = new ArrayList<>(List.of("taskset", "-c", core));
    pinned.addAll(command);
    process =
        new ProcessBuilder(pinned)
            .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    String line = reader().readLine();
    if (line == null || !line.matches("port \\d+")) {
      process.destroyForcibly();
      throw new IOException("the server says \"" + line + "\" and no port; see " + log);
    }
    port = Integer.parseInt(line.substring("port ".length()));
  }

  private BufferedReader reader() {
    return new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  long cpuNanos() throws IOException {
    return Posix.cpuNanos(process.pid());
  }

  /** Bytes. */
  long resident() throws IOException {
    try (var lines = Files.lines(Path.of("/proc", "" + process.pid(), "smaps_rollup"))) {
      String rss = lines.filter(line -> line.startsWith("Rss:")).findFirst().orElseThrow();
      return Long.parseLong(rss.replaceAll("\\D", "")) * 1024;
    }
  }

  /** Has a JVM give back what it does not need. */
  void collectGarbage() throws IOException, InterruptedException {
    Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
    new ProcessBuilder(jcmd.toString(), "" + process.pid(), "GC.run")
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
  }

  @Override
  public void close() throws IOException {
    process.getOutputStream().close();
    try {
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
