package dev.copas.examples;

import dev.copas.Copas;
import java.io.IOException;

/** The shortest server there is: sends every line back. */
public final class EchoServer {
  private EchoServer() {}

  public static void main(String[] args) throws IOException {
    // snippet: server
    try (var copas = Copas.create()) {
      copas.addServer(
          copas.bind("127.0.0.1", 7777),
          socket -> {
            for (String line; (line = socket.receive()) != null; ) {
              socket.send(line + "\n");
            }
          });
      copas.loop();
    }
    // end: server
  }
}
