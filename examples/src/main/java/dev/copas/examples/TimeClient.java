package dev.copas.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.copas.Copas;
import java.io.IOException;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.time.Duration;

/**
 * A client for datagrams: question and answer may be lost, so it asks again.
 *
 * <p>Takes the port of a {@link TimeServer} as its argument.
 */
public final class TimeClient {
  private TimeClient() {}

  // snippet: ask
  private static String ask(Copas copas, InetAddress host, int port) throws IOException {
    try (var socket = copas.datagramSocket()) {
      socket.connect(host, port);
      socket.setTimeouts(null, Duration.ofMillis(500));
      for (int tries = 0; tries < 5; tries++) {
        socket.send("time".getBytes(UTF_8));
        try {
          return new String(socket.receive().bytes(), UTF_8);
        } catch (SocketTimeoutException e) {
          // One of the two was lost.
        }
      }
      throw new IOException("no answer from port " + port);
    }
  }

  // end: ask

  public static void main(String[] args) {
    int port = Integer.parseInt(args[0]);
    try (var copas = Copas.create()) {
      copas.loop(() -> System.out.println(ask(copas, InetAddress.getLoopbackAddress(), port)));
    }
  }
}
