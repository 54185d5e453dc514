package dev.copas.integration;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.RedisClient;

/** Runs every example as its reader would, and talks to it. They have the flag of native mode. */
@Tag("native")
@Timeout(60)
class ExamplesTest {

  @Test
  void redisGatewayTellsWhatIsStored() throws Exception {
    try (var redis = RedisClient.create(Redis.address())) {
      redis.set("greeting", "grüß Gott");
    }
    try (var example = new ExampleProcess(RedisGateway.class, Redis.address().getPort())) {
      assertEquals("grüß Gott\nnothing\n", example.ask("greeting\nno such key\n"));
    }
  }

  @Test
  void webFetchersSendThePage() throws Exception {
    var server = new WebServer();
    try (var example = new ExampleProcess(WebFetcher.class);
        var apache = new ExampleProcess(ApacheWebFetcher.class)) {
      String line = server.page("http", "/hello") + "\n";
      assertEquals("hello", example.ask(line));
      assertEquals("hello", apache.ask(line));
    } finally {
      server.stop();
    }
  }

  @Test
  void whatMailDropSendsMailSubjectsReads() throws Exception {
    var server = new MailServer();
    try (var drop = new ExampleProcess(MailDrop.class, server.smtpPort(), MailServer.USER);
        var subjects =
            new ExampleProcess(
                MailSubjects.class, server.imapPort(), MailServer.USER, MailServer.PASSWORD)) {
      assertEquals("sent\nsent\n", drop.ask("hello\ngrüß Gott\n"));
      assertEquals("A line for you\nA line for you\n", subjects.ask(""));
    } finally {
      server.stop();
    }
  }

  @Test
  void ftpFetcherSendsTheFile(@TempDir Path files) throws Exception {
    var server = new FileServer(files);
    Files.writeString(files.resolve("greeting.txt"), "grüß\r\nGott\n");
    try (var example = new ExampleProcess(FtpFetcher.class, server.port(), "fast", "")) {
      assertEquals("grüß\r\nGott\n", example.ask("greeting.txt\n"));
    } finally {
      server.stop();
    }
  }
}
