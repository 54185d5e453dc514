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

/**
 * The simplest server of java.net, without Copas: whoever connects while another is being served
 * waits until that one has gone.
 *
 * <p>Takes the port as its argument; 0 is any free one.
 */
public final class OneAtATime {
  private OneAtATime() {}

  static void handle(Socket socket) throws IOException {
    try (socket;
        var in = reader(socket);
        var out = writer(socket)) {
      for (String line; (line = in.readLine()) != null; ) {
        out.println(new StringBuilder(line).reverse());
      }
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
    try (var server = new ServerSocket(port, 50, InetAddress.ofLiteral("127.0.0.1"))) {
      System.out.println("listening on 127.0.0.1:" + server.getLocalPort());
      // snippet: accept loop
      while (true) {
        handle(server.accept());
      }
      // end: accept loop
    }
  }
}
