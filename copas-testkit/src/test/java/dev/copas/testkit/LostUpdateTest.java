package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.Options;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The bug that users write: a state is read, others may run, and what was read is written. */
@Timeout(60)
class LostUpdateTest {

  private static final int SEEDS = 200;
  private static final int GUESTS = 5;
  private static final Faults LATENCY = Faults.none().latency(Duration.ZERO, Duration.ofSeconds(1));

  /** What an adder does between the look at its sum and the change, and lets others run in. */
  @FunctionalInterface
  private interface Gap {
    void pass(CopasSocket guest) throws Exception;
  }

  private static final Gap SEND = guest -> guest.send("wait\n");
  private static final Gap PAUSE = guest -> Copas.pause();
  private static final Gap NONE = guest -> {};

  @Test
  void isFoundAroundASend() {
    assertFound(Faults.none(), SEND);
    assertFound(Faults.none().split(0.5), SEND);
    assertFound(LATENCY, SEND);
  }

  @Test
  void isFoundAroundAPauseWhateverTheLatency() {
    assertFound(Faults.none(), PAUSE);
    assertFound(LATENCY, PAUSE);
    assertFound(LATENCY.split(0.5), PAUSE);
  }

  @Test
  void isNotFoundWhereThereIsNone() {
    Simulation.explore(SEEDS, simulation -> addUp(simulation, LATENCY, NONE));
  }

  @Test
  void theNumberOfOperationsThatOnesOptionsSayIsKept() {
    Options options = Options.defaults().operationsPerTurn(63);
    Simulation.explore(1, SEEDS, options, simulation -> addUp(simulation, Faults.none(), SEND));
  }

  private static void assertFound(Faults faults, Gap gap) {
    var failure =
        assertThrows(
            SimulationFailure.class,
            () -> Simulation.explore(SEEDS, simulation -> addUp(simulation, faults, gap)));
    String message = String.valueOf(failure.getMessage());
    assertTrue(message.contains("a check at the end failed"), message);
  }

  private static void addUp(Simulation simulation, Faults faults, Gap gap) throws Exception {
    simulation.faults(faults);
    Copas copas = simulation.copas();
    var sum = new int[1];
    copas.addServer(
        copas.bind("127.0.0.1", 7777),
        guest -> {
          for (String line; (line = guest.receive()) != null; ) {
            int seen = sum[0];
            gap.pass(guest);
            sum[0] = seen + Integer.parseInt(line);
            guest.send("done\n");
          }
        });
    for (int i = 0; i < GUESTS; i++) {
      copas.addThread(() -> {
        try (var guest = copas.connect("127.0.0.1", 7777)) {
          guest.send("1\n");
          while (!"done".equals(guest.receive())) {}
        }
      });
    }
    simulation.atEnd(() -> assertEquals(GUESTS, sum[0]));
  }
}
