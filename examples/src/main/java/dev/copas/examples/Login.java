package dev.copas.examples;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A deadline for several calls together: who has not said name and password in time has to go.
 *
 * <p>Takes the port as its argument, 0 is any free one; and how many milliseconds the time is.
 */
public final class Login {
  private Login() {}

  private static void serve(CopasSocket socket, Duration time) throws IOException {
    // snippet: within
    String name;
    try {
      name = Copas.<@Nullable String, IOException>within(time, () -> logIn(socket));
    } catch (TimeoutException e) {
      socket.send("too slow\n");
      return;
    }
    // end: within
    socket.send(name == null ? "wrong\n" : "welcome, " + name + "\n");
  }

  private static @Nullable String logIn(CopasSocket socket) throws IOException {
    socket.send("your name?\n");
    String name = socket.receive();
    socket.send("your password?\n");
    return "sesame".equals(socket.receive()) ? name : null;
  }

  public static void main(String[] args) throws IOException {
    var time = Duration.ofMillis(Long.parseLong(args[1]));
    try (var copas = Copas.create()) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(server, socket -> serve(socket, time));
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
