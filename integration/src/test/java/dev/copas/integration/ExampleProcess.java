package dev.copas.integration;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** An example in a JVM of its own, started as its reader would; it listens on any free port. */
final class ExampleProcess implements AutoCloseable {

  private final Process process;
  private final int port;

  ExampleProcess(Class<?> main, Object... args) throws IOException {
    var command =
        new ArrayList<String>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-opens",
                "java.base/java.lang=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName(),
                "0"));
    for (Object arg : args) {
      command.add(arg.toString());
    }
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    port = readPort();
  }

  /** Its first line says where it listens. */
  private int readPort() throws IOException {
    BufferedReader out = process.inputReader(UTF_8);
    for (String line; (line = out.readLine()) != null; ) {
      if (line.startsWith("listening on 127.0.0.1:")) {
        return Integer.parseInt(line.substring(line.lastIndexOf(':') + 1));
      }
    }
    throw new IOException("it has ended");
  }

  /** Sends it a text, and returns all that comes back. */
  String ask(String text) throws IOException {
    try (var socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port)) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(text.getBytes(UTF_8));
      socket.shutdownOutput();
      return new String(socket.getInputStream().readAllBytes(), UTF_8);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
