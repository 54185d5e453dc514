package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.Options;
import dev.copas.Task;
import dev.copas.TaskBody;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Ten thousand days of a chat server whose guests are not all well. */
class ChatTest {

  private static final int SEEDS = 10_000;
  private static final Set<String> ALL_TROUBLES =
      Set.of(
          "Broken pipe",
          "Connection reset",
          "Connection reset by peer",
          "Read timed out",
          "Socket closed",
          "Too slow",
          "Write timed out");
  private static final Options OPTIONS = Options.defaults().sendBufferBytes(64);

  @Test
  @Timeout(300)
  void tenThousandSeeds() {
    var troubles = new TreeSet<String>();
    Simulation.explore(1, SEEDS, OPTIONS, simulation -> new Day(simulation, troubles).run());
    assertEquals(ALL_TROUBLES, troubles);
  }

  private static final class Day {

    private static final int HEALTHY = 3;
    private static final int LINES = 5;
    private static final Duration LONGEST_BREAK = Duration.ofSeconds(2);
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final Faults MILD =
        Faults.none().latency(Duration.ZERO, Duration.ofMillis(100)).split(0.3);
    private static final Faults ROUGH = MILD.reset(0.2).halfClose(0.1).stall(0.2);

    private final Simulation simulation;
    private final Copas copas;
    private final ChatServer chat;
    private final Task host = Copas.current();
    private int joined;
    private int present;

    Day(Simulation simulation, Set<String> troubles) {
      this.simulation = simulation;
      this.copas = simulation.copas();
      this.chat = new ChatServer(copas, troubles);
    }

    void run() throws Exception {
      var server = copas.bind("127.0.0.1", 7777);
      chat.open(server);
      simulation.faults(MILD);
      for (int i = 0; i < HEALTHY; i++) {
        String name = "healthy-" + i;
        start(name, () -> healthy(name));
      }
      await(() -> joined == HEALTHY);
      simulation.faults(ROUGH);
      start("leaver", this::leavesAtOnce);
      start("resetter", this::resets);
      start("listener", this::onlyListens);
      start("deaf", this::neverReads);
      start("silent", this::saysNothing);
      await(() -> present == 0);
      Copas.pause(PATIENCE);
      assertTrue(chat.isEmpty(), "guests are left");
      copas.removeServer(server);
      simulation.atEnd(() -> assertEquals(List.of(), simulation.leaks()));
    }

    private void start(String name, TaskBody body) {
      present++;
      copas.addThread(
          name,
          () -> {
            try {
              body.run();
            } finally {
              present--;
              host.wakeup();
            }
          });
    }

    private interface Condition {
      boolean holds();
    }

    private void await(Condition condition) throws InterruptedException {
      while (!condition.holds()) {
        Copas.pauseForever();
      }
    }

    private void takeABreak() throws InterruptedException {
      Copas.pause(Duration.ofNanos(simulation.random().nextLong(LONGEST_BREAK.toNanos())));
    }

    private CopasSocket join(String name) throws IOException {
      CopasSocket socket = copas.connect("127.0.0.1", 7777);
      socket.setTimeouts(null, PATIENCE, PATIENCE);
      socket.send(name + "\n");
      return socket;
    }

    // ---- Guests who are well

    /** Says and hears everything, whatever happens to the others. */
    private void healthy(String name) throws Exception {
      try (CopasSocket socket = join(name)) {
        assertEquals("welcome", socket.receive());
        joined++;
        host.wakeup();
        Task me = Copas.current();
        var spoken = new boolean[1];
        copas.addThread(
            name + ":speaker",
            () -> {
              speak(socket);
              spoken[0] = true;
              me.wakeup();
            });
        hear(socket);
        await(() -> spoken[0]);
        leave(socket);
        assertTrue(simulation.now().compareTo(Duration.ofSeconds(20)) < 0, "it was held up");
      }
    }

    /** A close that leaves something unread would be a reset, and may cost the last lines. */
    private void leave(CopasSocket socket) throws IOException {
      socket.shutdownOutput();
      while (socket.receive() != null) {}
    }

    private void speak(CopasSocket socket) throws Exception {
      while (joined < HEALTHY) {
        Copas.pause(Duration.ofMillis(10));
      }
      for (int i = 0; i < LINES; i++) {
        takeABreak();
        socket.send(i + "\n");
      }
    }

    private void hear(CopasSocket socket) throws IOException {
      var heard = new HashMap<String, Integer>();
      for (int missing = (HEALTHY - 1) * LINES; missing > 0; ) {
        String line = socket.receive();
        assertTrue(line != null, "the chat is over before all was said");
        String[] words = line.split(" ", -1);
        assertEquals(heard.getOrDefault(words[0], 0), Integer.valueOf(words[1]), line);
        heard.merge(words[0], 1, Integer::sum);
        if (words[0].startsWith("healthy")) {
          missing--;
        }
      }
    }

    // ---- Guests who are not

    private void leavesAtOnce() throws IOException {
      copas.connect("127.0.0.1", 7777).close();
    }

    private void resets() throws Exception {
      try (CopasSocket socket = join("resetter")) {
        for (int i = 0; i < 2; i++) {
          takeABreak();
          socket.send(i + "\n");
        }
        takeABreak();
        socket.setSoLinger(true, 0);
      } catch (IOException e) {
        // The network was faster.
      }
    }

    private void onlyListens() throws IOException {
      try (CopasSocket socket = join("listener")) {
        socket.send("0\n");
        socket.shutdownOutput();
        while (socket.receive() != null) {}
      } catch (IOException e) {
        // The network.
      }
    }

    /** Has so little room that the chat must notice. */
    private void neverReads() throws Exception {
      try (CopasSocket socket = join("deaf")) {
        socket.setReceiveBufferSize(1);
        for (int i = 0; i < LINES; i++) {
          takeABreak();
          socket.send(i + "\n");
        }
        Copas.pause(PATIENCE);
      } catch (IOException e) {
        // Turned out, or the network.
      }
    }

    private void saysNothing() throws IOException {
      try (CopasSocket socket = join("silent")) {
        while (socket.receive() != null) {}
      } catch (IOException e) {
        // The network.
      }
    }
  }
}
