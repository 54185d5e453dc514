package dev.copas.integration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.CheckedRunnable;
import dev.copas.Copas;
import dev.copas.sync.CopasScope;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A scope whose tasks wait in libraries. */
@Timeout(60)
class ScopeTest extends LibraryTest {

  private static final Duration PLENTY = Duration.ofSeconds(30);

  private static final String SOCKETS_OF_THE_LOOP = "&socketFactory=dev.copas.CopasSocketFactory";

  private static WebServer web;

  private final AtomicInteger waiting = new AtomicInteger();

  @BeforeAll
  static void startServer() throws Exception {
    web = new WebServer();
  }

  @AfterAll
  static void stopServer() throws Exception {
    web.stop();
  }

  private static String get(HttpClient client, String path)
      throws IOException, InterruptedException {
    var request = HttpRequest.newBuilder(web.page("http", path)).build();
    return client.send(request, BodyHandlers.ofString()).body();
  }

  private static void sleepInDatabase(String parameter) throws SQLException {
    try (Connection connection = DriverManager.getConnection(Postgres.url() + parameter);
        Statement statement = connection.createStatement()) {
      statement.execute("select pg_sleep(60)");
    }
  }

  private CheckedRunnable<Exception> waiting(CheckedRunnable<Exception> body) {
    return () -> {
      waiting.incrementAndGet();
      try {
        body.run();
      } finally {
        waiting.decrementAndGet();
      }
    };
  }

  private void failOnceTheyWait() throws Exception {
    Copas.pause(Duration.ofSeconds(1));
    assertEquals(3, waiting.get());
    throw new IOException("enough");
  }

  @Test
  void aFailureEndsRequestsAndQueries() throws Exception {
    Postgres.url(); // Which may take a while the first time.
    try (var client = HttpClient.newHttpClient()) {
      long begin = System.nanoTime();
      loop.run(
          1,
          () -> {
            try (var scope = CopasScope.open(loop.copas)) {
              scope.fork(waiting(() -> get(client, "/never")));
              scope.fork(waiting(() -> sleepInDatabase("")));
              scope.fork(waiting(() -> sleepInDatabase(SOCKETS_OF_THE_LOOP)));
              scope.fork(this::failOnceTheyWait);
              var failure = assertThrows(ExecutionException.class, scope::join);
              assertEquals("enough", Objects.requireNonNull(failure.getCause()).getMessage());
              assertEquals(0, waiting.get());
            }
          });
      assertTrue(System.nanoTime() - begin < PLENTY.toNanos());
    }
  }

  @Test
  void theFirstAnswerEndsTheOtherRequests() throws Exception {
    try (var client = HttpClient.newHttpClient()) {
      loop.run(
          1,
          () ->
              assertEquals(
                  "hello",
                  CopasScope.first(
                      loop.copas,
                      List.of(() -> get(client, "/never"), () -> get(client, "/hello")))));
    }
  }
}
