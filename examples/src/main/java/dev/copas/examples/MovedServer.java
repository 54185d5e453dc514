package dev.copas.examples;

import dev.copas.Copas;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * {@link OldServer} moved over: the method {@code handle} is as it was.
 *
 * <p>Takes the port as its argument; 0 is any free one.
 */
public final class MovedServer {
  private MovedServer() {}

  // snippet: handler
  static void handle(Socket socket) throws IOException {
    try (socket;
        var in = reader(socket);
        var out = writer(socket)) {
      for (String line; (line = in.readLine()) != null; ) {
        out.println(new StringBuilder(line).reverse());
      }
    }
  }

  // end: handler

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
    try (var copas = Copas.create()) {
      // snippet: three lines
      var server = copas.bind("127.0.0.1", port);
      copas.addServer(server, MovedServer::handle);
      // end: three lines
      System.out.println("listening on " + server);
      // snippet: three lines
      copas.loop();
      // end: three lines
    }
  }
}
