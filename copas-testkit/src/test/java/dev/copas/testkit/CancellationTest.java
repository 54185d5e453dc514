package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.CopasServerSocket;
import dev.copas.CopasSocket;
import dev.copas.Options;
import dev.copas.Task;
import dev.copas.TaskBody;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A task that is cancelled ends, at once, and takes nothing with it. */
@Timeout(120)
class CancellationTest {

  private static final int SEEDS = 500;
  private static final Options OPTIONS =
      Options.defaults().sendBufferBytes(64).receiveBufferBytes(64).operationsPerTurn(4);
  private static final Faults FAULTS =
      Faults.none().latency(Duration.ZERO, Duration.ofMillis(5)).split(0.4);

  private static void explore(Scenario scenario) {
    Simulation.explore(
        1,
        SEEDS,
        OPTIONS,
        simulation -> {
          simulation.faults(FAULTS);
          simulation.atEnd(() -> assertEquals(List.of(), simulation.leaks()));
          scenario.run(simulation);
        });
  }

  private static void pause(RandomGenerator random) throws InterruptedException {
    Copas.pause(Duration.ofNanos(random.nextLong(1, 5_000_000)));
  }

  /**
   * Starts the body again and again, and cancels it each time, until it has done what it should.
   */
  private static final class Cancelled {

    private final Simulation simulation;
    private boolean done;
    private int running;

    Cancelled(Simulation simulation) {
      this.simulation = simulation;
    }

    void untilDone(TaskBody body) throws InterruptedException {
      for (int tries = 0; !done; tries++) {
        assertTrue(tries < 10_000, "it does not get on");
        running++;
        Task task = simulation.copas().addThread("victim-" + tries, () -> run(body));
        pause(simulation.random());
        task.cancel();
        Copas.pause(); // It is woken in this turn.
        Copas.pause();
        assertEquals(0, running, "a cancelled task goes on");
      }
    }

    private void run(TaskBody body) throws Exception {
      try {
        body.run();
        done = true;
      } catch (SocketTimeoutException e) {
        throw new AssertionError(e);
      } catch (InterruptedIOException | InterruptedException e) {
        // As told.
      } finally {
        running--;
      }
    }
  }

  private record Pair(CopasSocket here, CopasSocket there) {

    static Pair of(Copas copas) throws IOException {
      try (CopasServerSocket listener = copas.bind("127.0.0.1", 0)) {
        var here = copas.connect("127.0.0.1", listener.getLocalPort());
        return new Pair(here, listener.accept());
      }
    }
  }

  @Test
  void aReceiverTakesNoBytesWithIt() {
    explore(simulation -> {
      var pair = Pair.of(simulation.copas());
      simulation
          .copas()
          .addThread(
              "speaker",
              () -> {
                for (int i = 0; i < 20; i++) {
                  pair.there().send("line " + i + "\n");
                  pause(simulation.random());
                }
                pair.there().close();
              });
      var lines = new ArrayList<String>();
      new Cancelled(simulation)
          .untilDone(() -> {
            for (String line; (line = pair.here().receive()) != null; ) {
              lines.add(line);
            }
          });
      assertEquals(20, lines.size());
      for (int i = 0; i < 20; i++) {
        assertEquals("line " + i, lines.get(i));
      }
      assertFalse(pair.here().isClosed());
      pair.here().close();
    });
  }

  @Test
  void aReceiverOfManyBytesTakesNoneWithIt() {
    explore(simulation -> {
      var pair = Pair.of(simulation.copas());
      byte[] sent = new byte[2000];
      simulation.random().nextBytes(sent);
      simulation
          .copas()
          .addThread(
              "speaker",
              () -> {
                for (int i = 0; i < sent.length; i += 100) {
                  pair.there().send(sent, i, 100);
                  pause(simulation.random());
                }
                pair.there().close();
              });
      var received = new ByteArrayOutputStream();
      new Cancelled(simulation)
          .untilDone(() -> {
            while (received.size() < sent.length) {
              int count = simulation.random().nextInt(1, 300);
              received.write(pair.here().receive(Math.min(count, sent.length - received.size())));
            }
          });
      assertArrayEquals(sent, received.toByteArray());
      pair.here().close();
    });
  }

  @Test
  void anAcceptorTakesNoConnectionWithIt() {
    explore(simulation -> {
      var copas = simulation.copas();
      var server = copas.bind("127.0.0.1", 7777);
      for (int i = 0; i < 5; i++) {
        String name = "guest-" + i;
        copas.addThread(
            name,
            () -> {
              pause(simulation.random());
              try (var guest = copas.connect("127.0.0.1", 7777)) {
                assertEquals("welcome", guest.receive());
              }
            });
      }
      var accepted = new int[1];
      new Cancelled(simulation)
          .untilDone(() -> {
            while (accepted[0] < 5) {
              try (var guest = server.accept()) {
                accepted[0]++;
                guest.trySend("welcome\n");
              }
            }
          });
      server.close();
    });
  }

  @Test
  void whoConnectsLeavesNothingBehind() {
    explore(simulation -> {
      var copas = simulation.copas();
      var server = copas.bind("127.0.0.1", 7777);
      copas.addServer(
          server,
          guest -> {
            try {
              guest.receive();
            } catch (SocketException e) {
              // Closed before it was connected: a reset.
            }
          });
      new Cancelled(simulation).untilDone(() -> copas.connect("127.0.0.1", 7777).close());
    });
  }

  @Test
  void aServerThatIsReplacedLosesNoGuest() {
    explore(simulation -> {
      var copas = simulation.copas();
      var server = copas.bind("127.0.0.1", 7777);
      var served = new int[1];
      copas.addServer(server, guest -> guest.send(served[0]++ + "\n"));
      var guests = new int[] {10};
      for (int i = guests[0]; i > 0; i--) {
        copas.addThread(
            "guest",
            () -> {
              pause(simulation.random());
              try (var guest = copas.connect("127.0.0.1", 7777)) {
                assertTrue(guest.receive() != null, "not served");
              }
              guests[0]--;
            });
      }
      while (guests[0] > 0) {
        Copas.pause(Duration.ofNanos(simulation.random().nextLong(1, 1_000_000)));
        assertTrue(copas.removeServer(server, true));
        copas.addServer(server, guest -> guest.send(served[0]++ + "\n"));
      }
      assertEquals(10, served[0]);
    });
  }

  @Test
  void aStopEndsEverythingInItsTime() {
    explore(simulation -> {
      var copas = simulation.copas();
      var server = copas.bind("127.0.0.1", 7777);
      var ended = new int[1];
      copas.addServer(
          server,
          guest -> {
            try {
              guest.receiveAll();
            } finally {
              ended[0]++;
            }
          });
      for (int i = 0; i < 3; i++) {
        copas.addThread(
            "guest",
            () -> {
              try (var guest = copas.connect("127.0.0.1", 7777)) {
                while (true) {
                  guest.send(new byte[50]);
                  pause(simulation.random());
                }
              } finally {
                ended[0]++;
              }
            });
      }
      copas.addThread(
          "waits for the exit",
          () -> {
            try {
              copas.waitForExit();
            } finally {
              ended[0]++;
            }
          });
      Copas.pause(Duration.ofMillis(50));
      copas.stop(Duration.ofMillis(simulation.random().nextInt(20)));
      simulation.atEnd(() -> {
        assertEquals(7, ended[0]);
        assertTrue(simulation.now().compareTo(Duration.ofSeconds(6)) < 0);
      });
    });
  }
}
