package dev.copas.integration;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ClassicHttpResponse;

/**
 * Apache HttpClient: passes on the page whose address is in the client's line, however long it is.
 *
 * <p>Takes the port to listen on, 0 is any free one.
 */
public final class ApacheWebFetcher {
  private ApacheWebFetcher() {}

  // snippet: handler
  private static void serve(CopasSocket socket, CloseableHttpClient http) throws IOException {
    String url = socket.receive();
    if (url != null) {
      http.execute(new HttpGet(url), page -> passOn(page, socket));
    }
  }

  /** Waits for the web server and for the client in turn, while other handlers go on. */
  private static boolean passOn(ClassicHttpResponse page, CopasSocket socket) throws IOException {
    page.getEntity().writeTo(socket.getOutputStream());
    return true;
  }

  // end: handler

  public static void main(String... args) throws IOException {
    // snippet: pool
    var pool =
        PoolingHttpClientConnectionManagerBuilder.create()
            .setMaxConnPerRoute(50) // 5 by default; whoever finds none, waits.
            .setMaxConnTotal(100)
            .build();
    // end: pool
    try (var copas = Copas.create();
        var http = HttpClients.custom().setConnectionManager(pool).build()) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(server, socket -> serve(socket, http));
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
