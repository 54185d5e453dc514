package dev.copas.examples;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import jdk.net.ExtendedSocketOptions;

/**
 * A server that only programs on this machine can reach, and that knows whose they are.
 *
 * <p>Takes the path of its socket as its argument.
 */
public final class WhoAmI {

  private WhoAmI() {}

  // snippet: peer
  private static void answer(CopasSocket socket) throws IOException {
    var peer = socket.getOption(ExtendedSocketOptions.SO_PEERCRED);
    socket.send("You are " + peer.user().getName() + " of " + peer.group().getName() + "\n");
  }

  // end: peer

  public static void main(String[] args) throws IOException {
    // snippet: server
    try (var copas = Copas.create()) {
      var everybody = PosixFilePermissions.fromString("rw-rw-rw-");
      var server = copas.bindUnix(Path.of(args[0]), everybody);
      copas.addServer(server, WhoAmI::answer);
      // end: server
      System.out.println("listening on " + server);
      // snippet: server
      copas.loop();
    }
    // end: server
  }
}
