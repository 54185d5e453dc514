package dev.copas.examples;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * One protocol in three notations, for handlers that are given a java.net.Socket: lines are sent
 * back until one says "quit".
 *
 * <p>Takes three ports as its arguments; 0 is any free one.
 */
public final class EchoHandlers {
  private EchoHandlers() {}

  // snippet: functions
  static void withFunctions(Socket socket) throws IOException {
    for (String line; (line = Copas.receive(socket)) != null; ) {
      if (line.equals("quit")) {
        break;
      }
      Copas.send(socket, line + "\n");
    }
  }

  // end: functions

  // snippet: wrap
  static void wrapped(Socket plain) throws IOException {
    CopasSocket socket = Copas.wrap(plain);
    for (String line; (line = socket.receive()) != null; ) {
      if (line.equals("quit")) {
        break;
      }
      socket.send(line + "\n");
    }
  }

  // end: wrap

  // snippet: streams
  static void withStreams(Socket socket) throws IOException {
    var in =
        new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    var out = socket.getOutputStream();
    for (String line; (line = in.readLine()) != null; ) {
      if (line.equals("quit")) {
        break;
      }
      out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    }
  }

  // end: streams

  public static void main(String[] args) throws IOException {
    try (var copas = Copas.create()) {
      var functions = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      var wrapped = copas.bind("127.0.0.1", Integer.parseInt(args[1]));
      var streams = copas.bind("127.0.0.1", Integer.parseInt(args[2]));
      copas.addServer(functions, EchoHandlers::withFunctions);
      copas.addServer(wrapped, EchoHandlers::wrapped);
      copas.addServer(streams, EchoHandlers::withStreams);
      System.out.println("listening on " + functions);
      System.out.println("listening on " + wrapped);
      System.out.println("listening on " + streams);
      copas.loop();
    }
  }
}
