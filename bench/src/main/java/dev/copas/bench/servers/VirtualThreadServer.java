package dev.copas.bench.servers;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/**
 * The JDK alone: a virtual thread for each connection. That they have one carrier is said on the
 * command line, since the JVM reads it there.
 */
public final class VirtualThreadServer {

  private interface Handler {
    void serve(Socket socket) throws IOException;
  }

  private VirtualThreadServer() {}

  public static void main(String[] args) throws IOException {
    Handler handler =
        Contract.isLines(args[0]) ? VirtualThreadServer::lines : VirtualThreadServer::raw;
    InetAddress host = InetAddress.ofLiteral(Contract.HOST);
    try (var server = new ServerSocket(0, Contract.BACKLOG, host)) {
      Contract.listensOn(server.getLocalPort());
      while (true) {
        Socket socket = server.accept();
        Thread.startVirtualThread(() -> serve(socket, handler));
      }
    }
  }

  private static void serve(Socket accepted, Handler handler) {
    try (Socket socket = accepted) {
      socket.setTcpNoDelay(true);
      handler.serve(socket);
    } catch (IOException e) {
      // The client has gone without a word.
    }
  }

  private static void raw(Socket socket) throws IOException {
    InputStream in = socket.getInputStream();
    OutputStream out = socket.getOutputStream();
    var buffer = new byte[Contract.READ_BYTES];
    for (int count; (count = in.read(buffer)) >= 0; ) {
      out.write(buffer, 0, count);
    }
  }

  private static void lines(Socket socket) throws IOException {
    var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
    var out = new BufferedWriter(new OutputStreamWriter(socket.getOutputStream(), UTF_8));
    for (String line; (line = in.readLine()) != null; ) {
      out.write(line);
      out.write('\n');
      out.flush();
    }
  }
}
