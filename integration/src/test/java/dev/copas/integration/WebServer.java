package dev.copas.integration;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/** A web server, Jetty, that speaks HTTP/1.1 and HTTP/2, on one port with TLS and one without. */
final class WebServer {

  /** How long "/slow" takes. */
  static final Duration SLOW = Duration.ofMillis(500);

  private final Server server = new Server();
  private final ServerConnector plain;
  private final ServerConnector secure;

  WebServer() throws Exception {
    var config = new HttpConfiguration();
    var http1 = new HttpConnectionFactory(config);
    plain = listen(http1, new HTTP2CServerConnectionFactory(config));

    var key = new SslContextFactory.Server();
    key.setSslContext(TlsKey.CONTEXT);
    var negotiation = new ALPNServerConnectionFactory();
    negotiation.setDefaultProtocol(HttpVersion.HTTP_1_1.asString());
    secure =
        listen(
            new SslConnectionFactory(key, negotiation.getProtocol()),
            negotiation,
            new HTTP2ServerConnectionFactory(config),
            http1);

    server.setHandler(new Pages());
    server.start();
  }

  private ServerConnector listen(ConnectionFactory... protocols) {
    var connector = new ServerConnector(server, protocols);
    connector.setHost("127.0.0.1");
    connector.setAcceptQueueSize(1024);
    server.addConnector(connector);
    return connector;
  }

  /** Where a page is; the scheme is http or https. */
  URI page(String scheme, String path) {
    int port = (scheme.equals("https") ? secure : plain).getLocalPort();
    return URI.create(scheme + "://127.0.0.1:" + port + path);
  }

  private static final class Pages extends Handler.Abstract.NonBlocking {

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      switch (Request.getPathInContext(request)) {
        case "/hello" -> Content.Sink.write(response, true, "hello", callback);
        case "/slow" -> slowly(request, response, callback);
        case "/never" -> {}
        case "/echo" -> Content.copy(request, response, callback);
        default -> {
          return false;
        }
      }
      return true;
    }

    private static void slowly(Request request, Response response, Callback callback) {
      request
          .getComponents()
          .getScheduler()
          .schedule(
              () -> Content.Sink.write(response, true, "at last", callback),
              SLOW.toMillis(),
              TimeUnit.MILLISECONDS);
    }
  }

  void stop() throws Exception {
    server.stop();
  }
}
