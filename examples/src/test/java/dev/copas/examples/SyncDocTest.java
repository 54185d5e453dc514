package dev.copas.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.Task;
import dev.copas.sync.CopasFuture;
import dev.copas.sync.CopasLock;
import dev.copas.sync.CopasQueue;
import dev.copas.sync.CopasScope;
import dev.copas.sync.CopasSemaphore;
import dev.copas.sync.CopasTimer;
import dev.copas.sync.DestroyedException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What docs/sync.md shows and says. */
@Timeout(60)
class SyncDocTest extends SnippetLoop {

  private static final Duration INTERVAL = Duration.ofMillis(1);

  @Test
  void timer() {
    loop(() -> {
      var server = copas.bind("127.0.0.1", 0);
      copas.addServer(server, guest -> greet(guest, INTERVAL));
      try (var client = copas.connect("127.0.0.1", server.getLocalPort())) {
        assertEquals("still there?", client.receive());
        assertEquals("still there?", client.receive());
        client.send("bye\n");
      }
      copas.removeServer(server);
    });
  }

  private void greet(CopasSocket guest, Duration interval) throws IOException {
    // snippet: timer
    try (var _ = CopasTimer.every(copas, interval, timer -> guest.send("still there?\n"))) {
      guest.receive(); // Meanwhile the timer calls.
    }
    // end: timer
  }

  @Test
  void lock() {
    loop(() -> {
      var server = copas.bind("127.0.0.1", 0);
      copas.addServer(
          server,
          guest -> {
            for (String line; (line = guest.receive()) != null; ) {
              Copas.pause(); // Let the others mix in, if they can.
              guest.send("answer to " + line + "\n");
            }
          });
      var connection = copas.connect("127.0.0.1", server.getLocalPort());
      var lock = new CopasLock(copas);
      try (var scope = CopasScope.open(copas)) {
        for (int i = 0; i < 5; i++) {
          String question = "question " + i;
          scope.fork(() -> assertEquals("answer to " + question, ask(lock, connection, question)));
        }
        scope.join();
      }
      connection.close();
      copas.removeServer(server);
    });
  }

  private static String ask(CopasLock lock, CopasSocket connection, String question)
      throws IOException, InterruptedException, TimeoutException {
    // snippet: lock
    try (var _ = lock.get()) {
      connection.send(question + "\n");
      return connection.receive(); // Nobody else's answer.
    }
    // end: lock
  }

  @Test
  void semaphore() {
    loop(() -> {
      var atMostTwo = new CopasSemaphore(copas, 2, 2);
      var most = new int[1];
      var inside = new int[1];
      for (int i = 0; i < 5; i++) {
        copas.addThread(() -> {
          // snippet: semaphore
          atMostTwo.take();
          try {
            most[0] = Math.max(most[0], ++inside[0]);
            Copas.pause(INTERVAL); // A call to a server that bears no more than two at a time.
          } finally {
            inside[0]--;
            atMostTwo.give();
          }
          // end: semaphore
        });
      }
      Copas.pause();
      atMostTwo.take(2);
      assertEquals(2, most[0]);
    });
  }

  @Test
  void queue() {
    loop(() -> {
      var written = new ArrayList<String>();
      // snippet: queue
      var lines = new CopasQueue<String>(copas, 100); // At most a hundred wait.
      lines.addWorker(line -> {
        Copas.pause(INTERVAL); // Slower than what comes.
        written.add(line);
      });
      subscribe(line -> lines.tryPush(line)); // On a thread of its own.
      boolean inTime = lines.finish(Duration.ofSeconds(10));
      // end: queue
      assertTrue(inTime);
      assertEquals(List.of("one", "two"), written);
    });
  }

  /** A library that calls back, on whatever thread it likes. */
  private static void subscribe(Consumer<String> callback) throws InterruptedException {
    Thread thread =
        Thread.ofPlatform()
            .start(() -> {
              callback.accept("one");
              callback.accept("two");
            });
    thread.join();
  }

  @Test
  void future() {
    loop(() -> {
      // snippet: future
      var first = new CopasFuture<String>(copas);
      subscribe(first::complete); // The first one counts.
      String line = first.get();
      // end: future
      assertEquals("one", line);
    });
  }

  @Test
  void scope() {
    loop(() -> {
      var server = copas.bind("127.0.0.1", 0);
      copas.addServer(server, guest -> guest.send("fast\n"));
      var silent = copas.bind("127.0.0.1", 0);
      // snippet: scope
      String answer =
          CopasScope.first(
              copas,
              List.of(
                  () -> lineFrom(server.getLocalPort()), () -> lineFrom(silent.getLocalPort())));
      // end: scope
      assertEquals("fast", answer);
      silent.close();
      copas.removeServer(server);
    });
  }

  private String lineFrom(int port) throws IOException {
    try (var socket = copas.connect("127.0.0.1", port)) {
      return socket.receive();
    }
  }

  // ---- What the table says

  @Test
  void whoWaitsIsEndedAsTheTableSays() {
    loop(() -> {
      var semaphore = new CopasSemaphore(copas, 1);
      assertFalse(semaphore.tryTake(1, INTERVAL));
      assertThrows(TimeoutException.class, () -> Copas.within(INTERVAL, () -> semaphore.take()));
      Task cancelled =
          copas.addThread(() -> assertThrows(InterruptedException.class, semaphore::take));
      Task destroyed =
          copas.addThread(() -> assertThrows(DestroyedException.class, semaphore::take));
      Copas.pause();
      cancelled.cancel();
      cancelled.join();
      semaphore.destroy();
      destroyed.join();
      copas.offload(() -> assertThrows(IllegalStateException.class, semaphore::give));
    });
  }
}
