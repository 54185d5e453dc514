package dev.copas.examples;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;

/**
 * Several servers in one loop: one sends lines back, the other says how many it were. They share a
 * plain number, without a lock.
 *
 * <p>Takes the two ports as its arguments; 0 is any free one.
 */
public final class SeveralServers {

  // snippet: servers
  private int lines;

  private void echo(CopasSocket socket) throws IOException {
    for (String line; (line = socket.receive()) != null; ) {
      lines++;
      socket.send(line + "\n");
    }
  }

  private void count(CopasSocket socket) throws IOException {
    socket.send(lines + " lines\n");
  }

  private void run(int echoPort, int countPort) throws IOException {
    try (var copas = Copas.create()) {
      var echoServer = copas.bind("127.0.0.1", echoPort);
      var countServer = copas.bind("127.0.0.1", countPort);
      copas.addServer(echoServer, this::echo);
      copas.addServer(countServer, this::count);
      // end: servers
      System.out.println("listening on " + echoServer);
      System.out.println("listening on " + countServer);
      // snippet: servers
      copas.loop();
    }
  }

  // end: servers

  public static void main(String[] args) throws IOException {
    new SeveralServers().run(Integer.parseInt(args[0]), Integer.parseInt(args[1]));
  }
}
