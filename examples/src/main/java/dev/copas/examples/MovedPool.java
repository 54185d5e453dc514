package dev.copas.examples;

import dev.copas.Copas;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executor;

/**
 * {@link OldPool} moved over with its accept loop: that is a task of the loop now, and the loop is
 * the pool.
 *
 * <p>Takes the port as its argument; 0 is any free one.
 */
public final class MovedPool {
  private MovedPool() {}

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
    try (var copas = Copas.create();
        var server = copas.bind("127.0.0.1", port)) {
      // end: main
      System.out.println("listening on " + server);
      // snippet: main
      copas.loop(() -> serve(server, copas));
    }
    // end: main
  }
}
