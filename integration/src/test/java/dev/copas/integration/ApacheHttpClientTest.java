package dev.copas.integration;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.copas.Copas;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SchemePortResolver;
import org.apache.hc.client5.http.async.methods.SimpleHttpRequest;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.async.HttpAsyncClients;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.DefaultHttpClientConnectionOperator;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.io.HttpClientConnectionOperator;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.client5.http.ssl.TlsSocketStrategy;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpVersion;
import org.apache.hc.core5.http.URIScheme;
import org.apache.hc.core5.http.config.RegistryBuilder;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.util.Timeout;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Apache HttpClient 5. */
@org.junit.jupiter.api.Timeout(60)
class ApacheHttpClientTest extends LibraryTest {

  private static WebServer server;

  @BeforeAll
  static void startServer() throws Exception {
    server = new WebServer();
  }

  @AfterAll
  static void stopServer() throws Exception {
    server.stop();
  }

  private CloseableHttpClient client(Sockets sockets, int connections) {
    var builder =
        sockets == Sockets.OF_THE_LOOP
            ? new PoolWithSocketsOf(loop.copas)
            : PoolingHttpClientConnectionManagerBuilder.create();
    var pool =
        builder
            .setMaxConnPerRoute(connections)
            .setMaxConnTotal(connections)
            .setTlsSocketStrategy(new DefaultClientTlsStrategy(TlsKey.CONTEXT))
            .build();
    return HttpClients.custom().setConnectionManager(pool).disableAutomaticRetries().build();
  }

  // snippet: sockets
  /** In place of {@code PoolingHttpClientConnectionManagerBuilder.create()}. */
  private static final class PoolWithSocketsOf extends PoolingHttpClientConnectionManagerBuilder {

    private final Copas copas;

    PoolWithSocketsOf(Copas copas) {
      this.copas = copas;
    }

    @Override
    protected HttpClientConnectionOperator createConnectionOperator(
        SchemePortResolver ports, DnsResolver names, TlsSocketStrategy tls) {
      return new DefaultHttpClientConnectionOperator(
          proxy -> copas.socketFactory().createSocket(),
          ports,
          names,
          RegistryBuilder.<TlsSocketStrategy>create().register(URIScheme.HTTPS.id, tls).build());
    }
  }

  // end: sockets

  private static String text(CloseableHttpClient client, HttpUriRequestBase request)
      throws IOException {
    return client.execute(request, response -> EntityUtils.toString(response.getEntity()));
  }

  private static HttpGet get(String path) {
    return new HttpGet(server.page("http", path));
  }

  @ParameterizedTest
  @CsvSource({"OF_THE_LIBRARY, https", "OF_THE_LOOP, http"})
  void requestsOfManyHandlersWaitTogether(Sockets sockets, String scheme) throws Exception {
    try (var client = client(sockets, HANDLERS)) {
      loop.run(
              HANDLERS,
              () -> {
                var request = new HttpGet(server.page(scheme, "/slow"));
                assertEquals("at last", text(client, request));
              })
          .assertWaitedTogether(HANDLERS, WebServer.SLOW);
    }
  }

  @ParameterizedTest
  @EnumSource
  void handlersShareAPoolThatIsSmallerThanTheyAreMany(Sockets sockets) throws Exception {
    try (var client = client(sockets, 2)) {
      loop.run(
          HANDLERS,
          () -> {
            for (int i = 0; i < 5; i++) {
              assertEquals("hello", text(client, get("/hello")));
            }
          });
    }
  }

  @ParameterizedTest
  @CsvSource({"OF_THE_LIBRARY, http", "OF_THE_LOOP, https"})
  void bodiesComeBackByteForByte(Sockets sockets, String scheme) throws Exception {
    byte[] body = new byte[300_000];
    new Random(1).nextBytes(body);
    try (var client = client(sockets, 5)) {
      loop.run(
          5,
          () -> {
            var request = new HttpPost(server.page(scheme, "/echo"));
            request.setEntity(new ByteArrayEntity(body, ContentType.APPLICATION_OCTET_STREAM));
            byte[] answer =
                client.execute(request, response -> EntityUtils.toByteArray(response.getEntity()));
            assertArrayEquals(body, answer);
          });
    }
  }

  @ParameterizedTest
  @EnumSource
  void aTimeOutEndsARequest(Sockets sockets) throws Exception {
    var impatient = RequestConfig.custom().setResponseTimeout(Timeout.ofMilliseconds(200)).build();
    try (var client = client(sockets, 1)) {
      loop.run(
          1,
          () -> {
            HttpGet request = get("/never");
            request.setConfig(impatient);
            assertThrows(SocketTimeoutException.class, () -> text(client, request));
            assertEquals("hello", text(client, get("/hello")));
          });
    }
  }

  /** The client closes the broken connection, and its place in the pool is free again. */
  @ParameterizedTest
  @EnumSource
  void cancellingATaskEndsItsRequestAndLeavesThePoolInOrder(Sockets sockets) throws Exception {
    try (var client = client(sockets, 1)) {
      Exception e = loop.cancelIn("receiveResponseHeader", () -> text(client, get("/never")));
      assertInstanceOf(sockets.onCancel, e);
      loop.run(1, () -> assertEquals("hello", text(client, get("/hello"))));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aDeadlineEndsARequest(Sockets sockets) throws Exception {
    try (var client = client(sockets, 1)) {
      loop.run(
          1,
          () -> {
            assertThrows(
                TimeoutException.class,
                () -> Copas.within(Duration.ofMillis(200), () -> text(client, get("/never"))));
            assertEquals("hello", text(client, get("/hello")));
          });
    }
  }

  /** Its client for HTTP/2 has threads of its own, and a task waits for the future. */
  @Test
  void futuresOfTheAsynchronousClientWaitTogether() throws Exception {
    try (var client = HttpAsyncClients.createHttp2Default()) {
      client.start();
      loop.run(
              HANDLERS,
              () -> {
                var request = SimpleHttpRequest.create("GET", server.page("http", "/slow"));
                var response = client.execute(request, null).get();
                assertEquals("at last", response.getBodyText());
                assertEquals(HttpVersion.HTTP_2, response.getVersion());
              })
          .assertWaitedTogether(HANDLERS, WebServer.SLOW);
    }
  }
}
