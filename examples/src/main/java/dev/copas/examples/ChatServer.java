package dev.copas.examples;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.Options;
import java.io.IOException;
import java.net.SocketException;
import java.util.HashMap;
import java.util.Map;

/**
 * Everybody reads what anybody writes. The first line that a guest sends is its name.
 *
 * <p>The handlers share a plain map without a lock: between two calls that can block, nothing else
 * of the loop runs. {@code trySend} never blocks, so nobody comes or goes while a line goes round.
 * A guest who does not read what it is sent would hold up those who speak, or eat memory; here it
 * has to leave.
 *
 * <p>Takes the port as its argument; 0 is any free one.
 */
public final class ChatServer {

  // snippet: shared state
  private final Map<String, CopasSocket> guests = new HashMap<>();

  private void serve(CopasSocket guest) throws IOException {
    String name = guest.receive();
    if (name == null) {
      return;
    }
    if (guests.putIfAbsent(name, guest) != null) {
      guest.send("this name is taken\n");
      return;
    }
    try {
      tellEverybody(name + " is here");
      for (String line; (line = guest.receive()) != null; ) {
        tellEverybody(name + ": " + line);
      }
    } catch (SocketException e) {
      // Gone without a word, or shown the door: in a chat that is nothing special.
    } finally {
      guests.remove(name);
      tellEverybody(name + " has left");
    }
  }

  private void tellEverybody(String line) {
    for (CopasSocket guest : guests.values()) {
      tell(guest, line);
    }
  }

  /** Neither trySend nor close ever waits. */
  private static void tell(CopasSocket guest, String line) {
    try {
      if (!guest.trySend(line + "\n")) {
        guest.close(); // It does not read. Its handler's receive ends now.
      }
    } catch (IOException e) {
      // It is gone already, which is not the speaker's business.
    }
  }

  // end: shared state

  public static void main(String[] args) throws IOException {
    var chat = new ChatServer();
    try (var copas = Copas.create(Options.defaults().maxLineBytes(1000))) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(server, chat::serve);
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
