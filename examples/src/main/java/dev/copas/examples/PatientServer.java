package dev.copas.examples;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.ServerOptions;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Time-outs: a guest who says nothing for a while is asked once, and then has to go.
 *
 * <p>Takes the port as its argument, 0 is any free one; and how many milliseconds a while is.
 */
public final class PatientServer {
  private PatientServer() {}

  // snippet: receive
  private static void serve(CopasSocket socket) throws IOException {
    for (String line; (line = receivePatiently(socket)) != null; ) {
      socket.send(line + "\n");
    }
  }

  private static @Nullable String receivePatiently(CopasSocket socket) throws IOException {
    try {
      return socket.receive();
    } catch (SocketTimeoutException e) {
      socket.send("are you still there?\n");
      socket.setTimeouts(null, null, Duration.ofMinutes(1));
      return socket.receive(); // Begins with what came before the time-out: nothing is lost.
    }
  }

  // end: receive

  public static void main(String[] args) throws IOException {
    var patience = Duration.ofMillis(Long.parseLong(args[1]));
    try (var copas = Copas.create()) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      // snippet: options
      Duration toSend = Duration.ofSeconds(30);
      copas.addServer(
          server, ServerOptions.defaults().timeouts(toSend, patience), PatientServer::serve);
      // end: options
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
