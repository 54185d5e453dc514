package dev.copas.examples;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.ServerOptions;
import dev.copas.Task;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Exceptions across waits: {@code try} is all there is to it. For every line that comes, the server
 * asks for two numbers, and divides them.
 *
 * <p>Takes the port as its argument; 0 is any free one.
 */
public final class Errors {

  private int open;

  // snippet: try
  private void serve(CopasSocket socket) throws IOException {
    open++;
    try {
      while (socket.receive() != null) {
        try {
          socket.send(divide(socket) + "\n");
        } catch (NumberFormatException e) {
          socket.send("that is no number\n"); // And on with the next line.
        }
      }
    } finally {
      open--; // However the connection ended, also when its task was cancelled.
      System.out.println(open + " open");
    }
  }

  private static int divide(CopasSocket socket) throws IOException {
    socket.send("divide what?\n");
    int what = Integer.parseInt(socket.receive()); // Waits, with both try around it.
    socket.send("by what?\n");
    int by = Integer.parseInt(socket.receive());
    return what / by;
  }

  // end: try

  // snippet: error handler
  /** Is told what no handler caught. The socket is still open, and closed after this. */
  private static void report(Throwable error, Task task, @Nullable CopasSocket socket) {
    System.out.println(task.name() + ": " + error);
    if (socket != null) {
      try {
        socket.send("sorry\n");
      } catch (IOException e) {
        // Then nobody will hear it.
      }
    }
  }

  // end: error handler

  public static void main(String[] args) throws IOException {
    var errors = new Errors();
    try (var copas = Copas.create()) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      // snippet: set error handler
      copas.setErrorHandler(Errors::report);
      copas.addServer(server, ServerOptions.defaults().name("divider"), errors::serve);
      // end: set error handler
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
