package dev.copas.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/**
 * A server of java.net whose connections are served by a pool of threads, without Copas. {@link
 * MovedPool} is what becomes of it.
 *
 * <p>Takes the port as its argument; 0 is any free one.
 */
public final class OldPool {
  private OldPool() {}

  // snippet: accept loop
  static void serve(ServerSocket server, Executor pool) throws IOException {
    while (true) {
      Socket socket = server.accept();
      pool.execute(() -> handle(socket));
    }
  }

  // end: accept loop

  private static void handle(Socket socket) {
    try (socket;
        var in = reader(socket);
        var out = writer(socket)) {
      for (String line; (line = in.readLine()) != null; ) {
        out.println(new StringBuilder(line).reverse());
      }
    } catch (IOException e) {
      System.err.println(socket + ": " + e);
    }
  }

  private static BufferedReader reader(Socket socket) throws IOException {
    return new BufferedReader(
        new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
  }

  private static PrintWriter writer(Socket socket) throws IOException {
    return new PrintWriter(
        new OutputStreamWriter(socket.getOutputStream(), StandardCharsets.UTF_8), true);
  }

  public static void main(String[] args) throws IOException {
    int port = Integer.parseInt(args[0]);
    // snippet: main
    try (var server = new ServerSocket(port, 50, InetAddress.ofLiteral("127.0.0.1"));
        var pool = Executors.newFixedThreadPool(50)) {
      // end: main
      System.out.println("listening on 127.0.0.1:" + server.getLocalPort());
      // snippet: main
      serve(server, pool);
    }
    // end: main
  }
}
