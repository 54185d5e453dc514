package dev.copas.examples;

import dev.copas.Copas;
import java.io.IOException;
import java.time.Duration;

/**
 * A program with a loop of its own, such as a game, that also serves connections: it says how many
 * rounds it has played.
 *
 * <p>Takes the port as its argument; 0 is any free one.
 */
public final class OwnLoop {

  private static final Duration FRAME = Duration.ofMillis(10);

  private int rounds;

  public static void main(String[] args) throws IOException {
    new OwnLoop().run(Integer.parseInt(args[0]));
  }

  private void run(int port) throws IOException {
    try (var copas = Copas.create()) {
      var server = copas.bind("127.0.0.1", port);
      // snippet: step
      copas.addServer(server, socket -> socket.send("round " + rounds + "\n"));
      // end: step
      System.out.println("listening on " + server);
      // snippet: step
      while (!copas.finished()) {
        rounds++;
        copas.step(FRAME);
      }
      // end: step
    }
  }
}
