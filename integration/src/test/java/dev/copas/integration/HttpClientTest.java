package dev.copas.integration;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.copas.Copas;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The JDK's own HTTP client. */
@Timeout(60)
class HttpClientTest extends LibraryTest {

  private static WebServer server;

  @BeforeAll
  static void startServer() throws Exception {
    server = new WebServer();
  }

  @AfterAll
  static void stopServer() throws Exception {
    server.stop();
  }

  private static HttpClient client(Version version) {
    return HttpClient.newBuilder().version(version).sslContext(TlsKey.CONTEXT).build();
  }

  private static HttpRequest.Builder request(String path) {
    return request("http", path);
  }

  private static HttpRequest.Builder request(String scheme, String path) {
    return HttpRequest.newBuilder(server.page(scheme, path));
  }

  @ParameterizedTest
  @CsvSource({"HTTP_1_1, http", "HTTP_2, http", "HTTP_2, https"})
  void requestsOfManyHandlersWaitTogether(Version version, String scheme) throws Exception {
    try (var client = client(version)) {
      // With HTTP/2 that is the connection for all of them.
      client.send(request(scheme, "/hello").build(), BodyHandlers.discarding());
      loop.run(
              HANDLERS,
              () -> {
                var request = request(scheme, "/slow").build();
                var response = client.send(request, BodyHandlers.ofString());
                assertEquals("at last", response.body());
                assertEquals(version, response.version());
              })
          .assertWaitedTogether(HANDLERS, WebServer.SLOW);
    }
  }

  @ParameterizedTest
  @CsvSource({"HTTP_1_1, http", "HTTP_2, https"})
  void bodiesComeBackByteForByte(Version version, String scheme) throws Exception {
    byte[] body = new byte[300_000];
    new Random(1).nextBytes(body);
    try (var client = client(version)) {
      loop.run(
          5,
          () -> {
            var request = request(scheme, "/echo").POST(BodyPublishers.ofByteArray(body)).build();
            var response = client.send(request, BodyHandlers.ofByteArray());
            assertArrayEquals(body, response.body());
            var streamed = client.send(request, BodyHandlers.ofInputStream());
            try (var in = streamed.body()) {
              assertArrayEquals(body, in.readAllBytes());
            }
          });
    }
  }

  @Test
  void aTimeOutEndsARequest() throws Exception {
    try (var client = HttpClient.newHttpClient()) {
      var request = request("/never").timeout(Duration.ofMillis(200)).build();
      loop.run(
          1,
          () ->
              assertThrows(
                  HttpTimeoutException.class,
                  () -> client.send(request, BodyHandlers.discarding())));
    }
  }

  @Test
  void cancellingATaskEndsItsRequest() throws Exception {
    try (var client = HttpClient.newHttpClient()) {
      var request = request("/never").build();
      Exception e = loop.cancelIn("send", () -> client.send(request, BodyHandlers.discarding()));
      assertInstanceOf(InterruptedException.class, e);
    }
  }

  @Test
  void aDeadlineEndsARequest() throws Exception {
    try (var client = HttpClient.newHttpClient()) {
      var request = request("/never").build();
      loop.run(
          1,
          () ->
              assertThrows(
                  TimeoutException.class,
                  () ->
                      Copas.within(
                          Duration.ofMillis(200),
                          () -> client.send(request, BodyHandlers.discarding()))));
    }
  }

  /** What is chained to a future runs on the client's threads, unless it is told where to run. */
  @Test
  void whatFollowsAnAnswerRunsOnTheLoopIfToldSo() throws Exception {
    try (var client = HttpClient.newHttpClient()) {
      var answer = client.sendAsync(request("/hello").build(), BodyHandlers.ofString());
      var name = answer.thenApplyAsync(response -> Copas.current().name(), loop.copas);
      assertEquals("task-1", name.get(20, TimeUnit.SECONDS));
    }
  }

  /** Closing it waits for its threads, while others are served. */
  @Test
  void tasksCanHaveClientsOfTheirOwn() throws Exception {
    loop.run(
        3,
        () -> {
          try (var client = HttpClient.newHttpClient()) {
            var response = client.send(request("/hello").build(), BodyHandlers.ofString());
            assertEquals("hello", response.body());
          }
        });
  }
}
