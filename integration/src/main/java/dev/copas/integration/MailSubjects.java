package dev.copas.integration;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import jakarta.mail.Folder;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.Store;
import java.io.IOException;
import java.util.Properties;

/**
 * IMAP through Angus Mail: tells the subjects of the mails in a mailbox.
 *
 * <p>Takes the port to listen on, 0 is any free one; the port of the mail server; user and
 * password.
 */
public final class MailSubjects {
  private MailSubjects() {}

  // snippet: handler
  private static void serve(CopasSocket socket, Session session, String user, String password)
      throws IOException, MessagingException {
    try (Store store = session.getStore("imap")) {
      store.connect(user, password);
      try (Folder inbox = store.getFolder("INBOX")) {
        inbox.open(Folder.READ_ONLY);
        for (Message mail : inbox.getMessages()) {
          socket.send(mail.getSubject() + "\n"); // Fetched here; other handlers go on.
        }
      }
    }
  }

  // end: handler

  public static void main(String... args) throws IOException {
    var properties = new Properties();
    properties.setProperty("mail.imap.host", "127.0.0.1");
    properties.setProperty("mail.imap.port", args[1]);
    properties.setProperty("mail.imap.timeout", "30000");
    Session session = Session.getInstance(properties);
    try (var copas = Copas.create()) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(server, socket -> serve(socket, session, args[2], args[3]));
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
