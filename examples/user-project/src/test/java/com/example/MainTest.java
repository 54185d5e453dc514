package com.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class MainTest {

  // snippet: test
  @Test
  void echoesLinesUntilQuit() throws IOException {
    try (var copas = Copas.create()) {
      var server = copas.bind("127.0.0.1", 0);
      copas.addServer(server, Main::echo);
      copas.start();

      try (var client = new Socket("127.0.0.1", server.getLocalPort())) {
        client.getOutputStream().write("hello\nquit\n".getBytes(StandardCharsets.UTF_8));
        var answers =
            new BufferedReader(
                new InputStreamReader(client.getInputStream(), StandardCharsets.UTF_8));
        assertEquals("hello", answers.readLine());
        assertNull(answers.readLine());
      }
      assertTrue(copas.stop(Duration.ofSeconds(5)));
    }
  }
  // end: test
}
