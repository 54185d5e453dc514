package dev.copas.examples;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
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

  /** Starts the main class of an example as a module, on any free port unless told otherwise. */
  static ExampleProcess module(Class<?> main, String... args) throws IOException {
    var command =
        new ArrayList<String>(
            List.of(
                "--add-opens",
                "java.base/java.lang=dev.copas",
                "--enable-native-access=dev.copas",
                "-p",
                System.getProperty("jdk.module.path"),
                "-m",
                "dev.copas.examples/" + main.getName()));
    command.addAll(args.length == 0 ? List.of("0") : List.of(args));
    return java(command.toArray(new String[0]));
  }

  /** Reads the line that says where it listens. */
  int port() throws IOException {
    String line = says();
    assertTrue(line.startsWith("listening on 127.0.0.1:"), line);
    return Integer.parseInt(line.substring(line.lastIndexOf(':') + 1));
  }

  /** Reads the next line that it prints. */
  String says() throws IOException {
    String line = out.readLine();
    assertNotNull(line, "the example has ended");
    return line;
  }

  /** Reads on until it prints this line. */
  void saysAtLast(String line) throws IOException {
    String next;
    do {
      next = says();
    } while (!next.equals(line));
  }

  /** Asks it to end, as a user's Ctrl-C or a service manager does, and goes on reading from it. */
  void terminate() {
    process.toHandle().destroy();
  }

  int exitValue() throws InterruptedException {
    return process.waitFor();
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
      this(new Socket(InetAddress.ofLiteral("127.0.0.1"), port));
    }

    Client(Socket connected) throws IOException {
      this.socket = connected;
      socket.setSoTimeout(20_000);
      this.in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    /** One with little room for what it does not read. */
    static Client withLittleRoom(int port) throws IOException {
      var socket = new Socket();
      socket.setReceiveBufferSize(4096);
      socket.connect(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port));
      return new Client(socket);
    }

    void say(String line) throws IOException {
      sayPart(line + "\n");
    }

    void sayPart(String text) throws IOException {
      socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Will say no more. */
    void end() throws IOException {
      socket.shutdownOutput();
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
