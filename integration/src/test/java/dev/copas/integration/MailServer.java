package dev.copas.integration;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;

/** A mail server, GreenMail: SMTP and IMAP, for the user {@link #USER}. */
final class MailServer {

  static final String USER = "ada@example.org";
  static final String PASSWORD = "secret";

  private final GreenMail server =
      new GreenMail(
          ServerSetup.dynamicPort(new ServerSetup[] {ServerSetup.SMTP, ServerSetup.IMAP}));

  MailServer() {
    server.start();
    server.setUser(USER, PASSWORD);
  }

  int smtpPort() {
    return server.getSmtp().getPort();
  }

  int imapPort() {
    return server.getImap().getPort();
  }

  int mails() {
    return server.getReceivedMessages().length;
  }

  void stop() {
    server.stop();
  }
}
