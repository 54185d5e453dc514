package dev.copas.integration;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.copas.Copas;
import jakarta.activation.DataHandler;
import jakarta.mail.Flags;
import jakarta.mail.Folder;
import jakarta.mail.FolderClosedException;
import jakarta.mail.Message.RecipientType;
import jakarta.mail.MessagingException;
import jakarta.mail.Multipart;
import jakarta.mail.Session;
import jakarta.mail.Store;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeBodyPart;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import jakarta.mail.util.ByteArrayDataSource;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Properties;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import org.eclipse.angus.mail.imap.IMAPFolder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** SMTP and IMAP through Angus Mail. */
@ParameterizedClass
@EnumSource
@Timeout(60)
class MailTest extends LibraryTest {

  private final Sockets sockets;
  private MailServer server;

  MailTest(Sockets sockets) {
    this.sockets = sockets;
  }

  @BeforeEach
  void startServer() {
    server = new MailServer();
  }

  @AfterEach
  void stopServer() {
    server.stop();
  }

  private Session session(int smtpPort, int imapPort) {
    var properties = new Properties();
    properties.setProperty("mail.smtp.host", "127.0.0.1");
    properties.setProperty("mail.smtp.port", Integer.toString(smtpPort));
    properties.setProperty("mail.smtp.localhost", "localhost");
    properties.setProperty("mail.smtp.timeout", "20000");
    properties.setProperty("mail.from", "test@example.org");
    properties.setProperty("mail.store.protocol", "imap");
    properties.setProperty("mail.imap.host", "127.0.0.1");
    properties.setProperty("mail.imap.port", Integer.toString(imapPort));
    if (sockets == Sockets.OF_THE_LOOP) {
      useSocketsOf(loop.copas, properties);
    }
    return Session.getInstance(properties);
  }

  private static void useSocketsOf(Copas copas, Properties properties) {
    // snippet: sockets
    properties.put("mail.smtp.socketFactory", copas.socketFactory());
    properties.put("mail.smtp.socketFactory.fallback", "false"); // Or it tries without, too.
    // end: sockets
    properties.put("mail.imap.socketFactory", copas.socketFactory());
    properties.put("mail.imap.socketFactory.fallback", "false");
  }

  private Session session() {
    return session(server.smtpPort(), server.imapPort());
  }

  private static MimeMessage mail(Session session, String subject) throws MessagingException {
    var mail = new MimeMessage(session);
    mail.setFrom();
    mail.setRecipient(RecipientType.TO, new InternetAddress(MailServer.USER));
    mail.setSubject(subject, "UTF-8");
    mail.setText("grüß Gott", "UTF-8");
    return mail;
  }

  /** A connection to the mailbox. */
  private record Inbox(Store store, IMAPFolder folder) implements AutoCloseable {

    static Inbox of(Session session) throws MessagingException {
      Store store = session.getStore();
      store.connect(MailServer.USER, MailServer.PASSWORD);
      var folder = (IMAPFolder) store.getFolder("INBOX");
      folder.open(Folder.READ_WRITE);
      return new Inbox(store, folder);
    }

    @Override
    public void close() throws MessagingException {
      store.close();
    }
  }

  @Test
  void mailsOfManyHandlersAreSentTogether() throws Exception {
    try (var line = new SlowLine(server.smtpPort(), Duration.ofMillis(70))) {
      Session session = session(line.port(), server.imapPort());
      loop.run(HANDLERS, () -> Transport.send(mail(session, "hello")))
          .assertWaitedTogether(HANDLERS, Duration.ofMillis(400));
    }
    assertEquals(HANDLERS, server.mails());
  }

  @Test
  void manyHandlersWaitForMailTogether() throws Exception {
    Session session = session();
    loop.copas.addThread(() -> {
      while (true) { // One would do, but that the server may lose it to who begins to wait.
        Copas.pause(Duration.ofMillis(500));
        Transport.send(mail(session, "at last"));
      }
    });
    loop.run(
            HANDLERS,
            () -> {
              try (var inbox = Inbox.of(session)) {
                while (inbox.folder().getMessageCount() == 0) {
                  inbox.folder().idle(true);
                }
                assertEquals("at last", inbox.folder().getMessage(1).getSubject());
              }
            })
        .assertWaitedTogether(HANDLERS, Duration.ofMillis(400));
  }

  @Test
  void mailsComeBackByteForByte() throws Exception {
    byte[] file = new byte[20_000];
    new Random(1).nextBytes(file);
    Session session = session();
    loop.run(
        1,
        () -> {
          var text = new MimeBodyPart();
          text.setText("grüß Gott\r\n.\r\nAda", "UTF-8");
          var attachment = new MimeBodyPart();
          attachment.setDataHandler(
              new DataHandler(new ByteArrayDataSource(file, "application/octet-stream")));
          MimeMessage mail = mail(session, "für dich");
          mail.setContent(new MimeMultipart(text, attachment));
          Transport.send(mail);

          try (var inbox = Inbox.of(session)) {
            var received = inbox.folder().getMessage(1);
            assertEquals("für dich", received.getSubject());
            var parts = (Multipart) received.getContent();
            assertEquals("grüß Gott\r\n.\r\nAda", parts.getBodyPart(0).getContent());
            try (InputStream in = parts.getBodyPart(1).getInputStream()) {
              assertArrayEquals(file, in.readAllBytes());
            }
            received.setFlag(Flags.Flag.DELETED, true);
            inbox.folder().expunge();
            assertEquals(0, inbox.folder().getMessageCount());
          }
        });
  }

  @Test
  void aTimeOutEndsACall() throws Exception {
    try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Session session = session(silent.getLocalPort(), silent.getLocalPort());
      session.getProperties().setProperty("mail.smtp.timeout", "200");
      session.getProperties().setProperty("mail.imap.timeout", "200");
      loop.run(
          1,
          () -> {
            var e =
                assertThrows(
                    MessagingException.class, () -> Transport.send(mail(session, "hello")));
            assertInstanceOf(SocketTimeoutException.class, e.getCause());
            e = assertThrows(MessagingException.class, () -> Inbox.of(session));
            assertInstanceOf(SocketTimeoutException.class, e.getCause());
          });
    }
  }

  /** From a socket of the loop, Angus Mail takes the interrupt as a wish to end IDLE in order. */
  @Test
  void cancellingATaskEndsItsWait() throws Exception {
    Session session = session();
    Exception e =
        loop.cancelIn(
            "readIdleResponse",
            () -> {
              try (var inbox = Inbox.of(session)) {
                var folder = inbox.folder();
                // snippet: idle
                while (!Copas.current().isCancelled()) {
                  folder.idle(true);
                }
                // end: idle
                assertEquals(0, folder.getMessageCount());
              }
            });
    if (sockets == Sockets.OF_THE_LOOP) {
      assertNull(e);
    } else {
      assertInstanceOf(FolderClosedException.class, e);
    }
  }

  @Test
  void aDeadlineEndsACall() throws Exception {
    try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Session session = session(silent.getLocalPort(), silent.getLocalPort());
      loop.run(
          1,
          () ->
              assertThrows(
                  TimeoutException.class,
                  () ->
                      Copas.within(
                          Duration.ofMillis(200), () -> Transport.send(mail(session, "hello")))));
    }
  }
}
