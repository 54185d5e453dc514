package dev.copas.examples;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** An example in a JVM of its own. */
final class ExampleProcess implements AutoCloseable {

  private final Process process;
  private final BufferedReader out;

  private ExampleProcess(Process process) {
    this.process = process;
    this.out = process.inputReader(StandardCharsets.UTF_8);
  }

  /** Starts java with these arguments; what it says on standard error is the build's. */
  static ExampleProcess java(String... args) throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(args));
    return new ExampleProcess(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /** Starts the main class of an example on any free port, as a module. */
  static ExampleProcess module(Class<?> main) throws IOException {
    return java(
        "--add-opens",
        "java.base/java.lang=dev.copas",
        "--enable-native-access=dev.copas",
        "-p",
        System.getProperty("jdk.module.path"),
        "-m",
        "dev.copas.examples/" + main.getName(),
        "0");
  }

  /** Reads the line that says where it listens. */
  int port() throws IOException {
    String line = out.readLine();
    assertNotNull(line, "the example has ended");
    assertTrue(line.startsWith("listening on 127.0.0.1:"), line);
    return Integer.parseInt(line.substring(line.lastIndexOf(':') + 1));
  }

  boolean isAlive() {
    return process.isAlive();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }

  /** A client that speaks in lines. */
  static final class Client implements AutoCloseable {

    private final Socket socket;
    private final BufferedReader in;

    Client(int port) throws IOException {
      this.socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port);
      socket.setSoTimeout(10_000);
      this.in =
          new BufferedReader(
              new java.io.InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    void say(String line) throws IOException {
      socket.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    String hear() throws IOException {
      return String.valueOf(in.readLine());
    }

    String ask(String line) throws IOException {
      say(line);
      return hear();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }
}
