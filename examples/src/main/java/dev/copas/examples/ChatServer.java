package dev.copas.examples;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Everybody reads what anybody writes.
 *
 * <p>The handlers share a plain list without a lock: between two calls that can block, nothing else
 * of the loop runs. {@code trySend} never blocks, so nobody comes or goes while a line goes round.
 * Whoever reads too slowly misses lines, and holds up nobody.
 *
 * <p>Takes the port as its argument; 0 is any free one.
 */
public final class ChatServer {

  // snippet: shared state
  private final List<CopasSocket> guests = new ArrayList<>();

  private void serve(CopasSocket guest) throws IOException {
    guests.add(guest);
    try {
      for (String line; (line = guest.receive()) != null; ) {
        tellEverybody(line);
      }
    } finally {
      guests.remove(guest);
    }
  }

  private void tellEverybody(String line) {
    for (CopasSocket guest : guests) {
      try {
        guest.trySend(line + "\n");
      } catch (IOException e) {
        // The guest is gone, which is not the speaker's business.
      }
    }
  }

  // end: shared state

  public static void main(String[] args) throws IOException {
    var chat = new ChatServer();
    try (var copas = Copas.create()) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(server, chat::serve);
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
