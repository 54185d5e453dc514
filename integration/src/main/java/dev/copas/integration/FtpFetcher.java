package dev.copas.integration;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;
import org.apache.commons.net.ftp.FTP;
import org.apache.commons.net.ftp.FTPClient;

/**
 * FTP through Commons Net: passes on the file whose name is in the client's line.
 *
 * <p>Takes the port to listen on, 0 is any free one; the port of the FTP server; user and password.
 */
public final class FtpFetcher {
  private FtpFetcher() {}

  // snippet: handler
  private static void serve(CopasSocket socket, int ftpPort, String user, String password)
      throws IOException {
    String name = socket.receive();
    if (name == null) {
      return;
    }
    var ftp = new FTPClient();
    ftp.connect("127.0.0.1", ftpPort);
    try {
      ftp.login(user, password);
      ftp.enterLocalPassiveMode();
      ftp.setFileType(FTP.BINARY_FILE_TYPE);
      ftp.retrieveFile(name, socket.getOutputStream()); // Waits for both; other handlers go on.
    } finally {
      ftp.disconnect();
    }
  }

  // end: handler

  public static void main(String... args) throws IOException {
    int ftpPort = Integer.parseInt(args[1]);
    try (var copas = Copas.create()) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(server, socket -> serve(socket, ftpPort, args[2], args[3]));
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
