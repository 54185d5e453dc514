package dev.copas.integration;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;

/** A line to a server of this machine on which each answer of the server takes its time. */
final class SlowLine implements AutoCloseable {

  private final int serverPort;
  private final Duration delay;
  private final ServerSocket listener = new ServerSocket(0, 1024, InetAddress.getLoopbackAddress());

  SlowLine(int serverPort, Duration delay) throws IOException {
    this.serverPort = serverPort;
    this.delay = delay;
    start(this::accept);
  }

  /** Where clients connect to instead of the server. */
  int port() {
    return listener.getLocalPort();
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listener.accept();
        Socket server = new Socket(InetAddress.getLoopbackAddress(), serverPort);
        start(() -> pass(client, server, Duration.ZERO));
        start(() -> pass(server, client, delay));
      }
    } catch (IOException e) {
      // Closed: no more clients.
    }
  }

  private static void pass(Socket from, Socket to, Duration delay) {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] buffer = new byte[8192];
      for (int count; (count = in.read(buffer)) >= 0; ) {
        Thread.sleep(delay);
        out.write(buffer, 0, count);
      }
    } catch (IOException | InterruptedException e) {
      // One of the two has closed the connection, and so it ends on both sides.
    }
  }

  private static void start(Runnable body) {
    Thread.ofPlatform().daemon().name("slow-line").start(body);
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }
}
