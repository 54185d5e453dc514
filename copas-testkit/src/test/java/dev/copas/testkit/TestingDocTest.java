package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What docs/testing.md shows. */
@Timeout(60)
class TestingDocTest {

  // snippet: server
  /** Adds up the numbers of its guests. Who says nothing for an hour is turned away. */
  static final class Adder {

    private long sum;

    void serve(CopasSocket guest) throws IOException {
      guest.setTimeouts(null, null, Duration.ofHours(1));
      try {
        for (String line; (line = guest.receive()) != null; ) {
          sum += Long.parseLong(line);
          guest.send(sum + "\n");
        }
      } catch (SocketTimeoutException e) {
        guest.send("bye\n");
      }
    }
  }

  // end: server

  // snippet: an hour
  @Test
  void turnsASilentGuestAway() {
    Simulation.run(
        1,
        simulation -> {
          Copas copas = simulation.copas();
          copas.addServer(copas.bind("127.0.0.1", 7777), new Adder()::serve);
          try (var guest = copas.connect("127.0.0.1", 7777)) {
            assertEquals("bye", guest.receive());
            assertNull(guest.receive());
          }
          assertEquals(Duration.ofHours(1), simulation.now());
        });
  }

  // end: an hour

  // snippet: seeds
  @Test
  void forgetsNobodysNumber() {
    Simulation.explore(
        500,
        simulation -> {
          simulation.faults(Faults.none().latency(Duration.ZERO, Duration.ofSeconds(1)).split(0.5));
          Copas copas = simulation.copas();
          var adder = new Adder();
          copas.addServer(copas.bind("127.0.0.1", 7777), adder::serve);
          for (int i = 1; i <= 10; i++) {
            int number = i;
            copas.addThread(
                "guest-" + i,
                () -> {
                  try (var guest = copas.connect("127.0.0.1", 7777)) {
                    guest.send(number + "\n");
                    guest.receive();
                  }
                });
          }
          simulation.atEnd(() -> assertEquals(55, adder.sum));
        });
  }

  // end: seeds
}
