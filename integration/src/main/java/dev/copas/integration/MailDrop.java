package dev.copas.integration;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import jakarta.mail.Message.RecipientType;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.MimeMessage;
import java.io.IOException;
import java.util.Properties;

/**
 * SMTP through Angus Mail: mails each line that it is told.
 *
 * <p>Takes the port to listen on, 0 is any free one; the port of the mail server; and who gets the
 * mails.
 */
public final class MailDrop {
  private MailDrop() {}

  // snippet: handler
  private static void serve(CopasSocket socket, Session session, String recipient)
      throws IOException, MessagingException {
    for (String line; (line = socket.receive()) != null; ) {
      var mail = new MimeMessage(session);
      mail.setFrom();
      mail.setRecipients(RecipientType.TO, recipient);
      mail.setSubject("A line for you");
      mail.setText(line, "UTF-8");
      Transport.send(mail); // Talks with the mail server; other handlers go on.
      socket.send("sent\n");
    }
  }

  // end: handler

  public static void main(String... args) throws IOException {
    // snippet: session
    var properties = new Properties();
    properties.setProperty("mail.smtp.host", "127.0.0.1");
    properties.setProperty("mail.smtp.port", args[1]);
    properties.setProperty("mail.smtp.timeout", "30000"); // Milliseconds; for ever by default.
    // Without these two it looks this machine's name up.
    properties.setProperty("mail.smtp.localhost", "localhost");
    properties.setProperty("mail.from", "drop@localhost");
    Session session = Session.getInstance(properties);
    // end: session
    try (var copas = Copas.create()) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(server, socket -> serve(socket, session, args[2]));
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
