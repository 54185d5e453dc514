package dev.copas.examples;

import dev.copas.Copas;
import dev.copas.Options;
import java.io.IOException;

/**
 * Solo mode: an echo server in a JVM that was started without any flag.
 *
 * <p>Takes the port as its argument; 0 is any free one.
 */
public final class WithoutFlag {
  private WithoutFlag() {}

  public static void main(String[] args) throws IOException {
    // snippet: solo
    try (var copas = Copas.create(Options.defaults().solo())) {
      // end: solo
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(
          server,
          socket -> {
            for (String line; (line = socket.receive()) != null; ) {
              socket.send(line + "\n");
            }
          });
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
