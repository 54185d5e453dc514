package com.example;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;

/** An echo server on the port that its argument says, or on 7777. */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws IOException {
    int port = args.length > 0 ? Integer.parseInt(args[0]) : 7777;
    try (var copas = Copas.create()) {
      var server = copas.bind("127.0.0.1", port);
      copas.addServer(server, Main::echo);
      System.out.println("listening on " + server);
      copas.loop();
    }
  }

  static void echo(CopasSocket socket) throws IOException {
    for (String line; (line = socket.receive()) != null; ) {
      if (line.equals("quit")) {
        break;
      }
      socket.send(line + "\n");
    }
  }
}
