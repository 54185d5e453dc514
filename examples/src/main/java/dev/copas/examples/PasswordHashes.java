package dev.copas.examples;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/**
 * What would hold the loop goes to another thread: the hash of a password, which takes its time on
 * purpose.
 *
 * <p>Takes the port as its argument, 0 is any free one. Answers each line with its hash.
 */
public final class PasswordHashes {
  private PasswordHashes() {}

  // snippet: offload
  private static void serve(Copas copas, CopasSocket socket) throws Exception {
    for (String line; (line = socket.receive()) != null; ) {
      String password = line;
      String hash = copas.offload(() -> hash(password)); // What hash throws, is thrown here.
      socket.send(hash + "\n");
    }
  }

  // end: offload

  private static String hash(String password) throws GeneralSecurityException {
    byte[] salt = "a server has one for each user".getBytes(StandardCharsets.UTF_8);
    var spec = new PBEKeySpec(password.toCharArray(), salt, 200_000, 256);
    var factory = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256");
    return HexFormat.of().formatHex(factory.generateSecret(spec).getEncoded());
  }

  public static void main(String[] args) throws IOException {
    try (var copas = Copas.create()) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(server, socket -> serve(copas, socket));
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
