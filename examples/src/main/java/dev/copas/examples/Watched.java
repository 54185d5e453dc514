package dev.copas.examples;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.Status;
import dev.copas.Task;
import java.io.IOException;

/**
 * A server that tells what it is doing: "dump" and "status" are answered, other lines echoed.
 *
 * <p>Takes the port as its argument; 0 is any free one.
 */
public final class Watched {

  private final Copas copas;

  private Watched(Copas copas) {
    this.copas = copas;
  }

  // snippet: serve
  private void serve(CopasSocket socket) throws IOException {
    for (String line; (line = socket.receive()) != null; ) {
      switch (line) {
        case "dump" -> socket.send(copas.dump());
        case "status" -> socket.send(summary(copas.status()) + "\n");
        default -> socket.send(line + "\n");
      }
    }
  }

  // end: serve

  // snippet: status
  private static String summary(Status status) {
    long received = 0;
    for (Status.SocketStatus socket : status.sockets()) {
      received += socket.received();
    }
    return "%d connections, %d bytes in, %d tasks wait, longest turn %d ms"
        .formatted(
            status.sockets().size(),
            received,
            status.tasks(Task.State.WAITING).size(),
            status.turns().longest().toMillis());
  }

  // end: status

  public static void main(String[] args) throws IOException {
    try (var copas = Copas.create()) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(server, new Watched(copas)::serve);
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
