package dev.copas.integration;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

/**
 * The JDK's HttpClient: sends the page whose address is in the client's line.
 *
 * <p>Takes the port to listen on, 0 is any free one.
 */
public final class WebFetcher {
  private WebFetcher() {}

  // snippet: handler
  private static void serve(CopasSocket socket, HttpClient http) throws Exception {
    String url = socket.receive();
    if (url != null) {
      var request = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(30)).build();
      var page = http.send(request, BodyHandlers.ofByteArray()); // Waits; other handlers go on.
      socket.send(page.body());
    }
  }

  // end: handler

  public static void main(String... args) throws IOException {
    try (var copas = Copas.create();
        var http = HttpClient.newHttpClient()) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(server, socket -> serve(socket, http));
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
