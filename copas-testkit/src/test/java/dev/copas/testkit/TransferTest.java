package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.copas.Copas;
import dev.copas.CopasServerSocket;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** From socket to socket, when something else happens meanwhile. */
@Timeout(60)
class TransferTest {

  private static final int MUCH = 4_000_000;

  private static byte[] filledWith(char letter, int count) {
    byte[] bytes = new byte[count];
    Arrays.fill(bytes, (byte) letter);
    return bytes;
  }

  private static CopasServerSocket bind(Copas copas) throws IOException {
    return copas.bind("127.0.0.1", 0);
  }

  private static CopasSocket connect(Copas copas, CopasServerSocket server) throws IOException {
    return copas.connect("127.0.0.1", server.getLocalPort());
  }

  /** The one half of a proxy ends while the other waits for a peer that does not read. */
  @Test
  void aShutdownMeanwhileSendsNobodyElsesBytes() {
    Simulation.run(
        1,
        simulation -> {
          Copas copas = simulation.copas();
          CopasServerSocket sources = bind(copas);
          CopasServerSocket targets = bind(copas);
          CopasServerSocket others = bind(copas);
          copas.addServer(others, other -> other.receive(1)); // The rest stays in its buffer.
          copas.addServer(
              targets,
              slow -> {
                Copas.pause(Duration.ofSeconds(2));
                byte[] received = slow.receiveAll();
                assertArrayEquals(filledWith('a', received.length), received);
              });
          copas.addServer(
              sources,
              from -> {
                try (CopasSocket to = connect(copas, targets)) {
                  copas.addThread(() -> {
                    Copas.pause(Duration.ofSeconds(1));
                    from.shutdownInput();
                    for (int i = 0; i < 10; i++) {
                      CopasSocket other = connect(copas, others);
                      other.send(filledWith('b', 5_000));
                      other.flush();
                    }
                  });
                  from.getInputStream().transferTo(to.getOutputStream());
                }
              });
          copas.addThread(() -> {
            try (CopasSocket client = connect(copas, sources)) {
              client.setTimeouts(null, Duration.ofSeconds(5), null);
              client.send(filledWith('a', MUCH));
            } catch (IOException e) {
              // It was not read to its end.
            }
          });
          Copas.pause(Duration.ofSeconds(10));
        });
  }
}
