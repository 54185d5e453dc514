package dev.copas.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CrowdTest {

  private static final int SIZE = 40;

  @Test
  void whoAsksWaitsForTheAnswerAndTheOthersGoOn() throws Exception {
    try (var backend = new Backend();
        var server = new CopasChat(backend);
        var crowd = new Crowd(server.port(), SIZE)) {
      backend.hang(Duration.ofSeconds(2));
      crowd.ask();
      while (crowd.waiting() < Crowd.asking(SIZE)) {
        Thread.sleep(1);
      }
      crowd.delays();
      while (crowd.delays().getTotalCount() == 0) {
        Thread.sleep(1);
      }
      assertEquals(Crowd.asking(SIZE), crowd.waiting());
      while (crowd.waiting() > 0) {
        Thread.sleep(1);
      }
    }
  }

  @Test
  void aClientThatLosesItsConnectionDoesNotGoUnnoticed() throws Exception {
    try (var server = new ServerSocket(0, SIZE, InetAddress.getLoopbackAddress());
        var crowd = new Crowd(server.getLocalPort(), SIZE)) {
      server.accept().close();
      var failure =
          assertThrows(
              IOException.class,
              () -> {
                while (true) {
                  crowd.delays();
                  Thread.sleep(1);
                }
              });
      assertTrue(
          String.valueOf(failure.getMessage()).startsWith("a client has failed: "),
          failure::toString);
    }
  }
}
