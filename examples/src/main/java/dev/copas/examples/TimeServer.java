package dev.copas.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.copas.Copas;
import dev.copas.CopasDatagramSocket;
import dev.copas.Datagram;
import java.io.IOException;
import java.time.LocalTime;
import java.time.ZoneId;

/**
 * Datagrams: tells whoever asks for the time what it is, and sends back what else comes.
 *
 * <p>Takes the port as its argument; 0 is any free one.
 */
public final class TimeServer {
  private TimeServer() {}

  // snippet: serve
  private static void serve(CopasDatagramSocket socket) throws IOException {
    while (true) {
      Datagram datagram = socket.receive();
      socket.send(answer(datagram.bytes()), datagram.sender());
    }
  }

  private static byte[] answer(byte[] question) {
    boolean wantsTime = new String(question, UTF_8).equals("time");
    return wantsTime ? LocalTime.now(ZoneId.systemDefault()).toString().getBytes(UTF_8) : question;
  }

  // end: serve

  public static void main(String[] args) throws IOException {
    int port = Integer.parseInt(args[0]);
    // snippet: server
    try (var copas = Copas.create()) {
      var server = copas.bindDatagram("127.0.0.1", port);
      copas.addServer(server, TimeServer::serve);
      // end: server
      System.out.println("listening on " + server);
      // snippet: server
      copas.loop();
    }
    // end: server
  }
}
