package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a handler may rely on: nobody comes in between, and everybody has a turn. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LoopGuaranteeTest {

  /** State that only survives because nothing runs between two waits. */
  private static final class Unsynchronised {

    private int busy;
    private int a;
    private int b;
    private @Nullable String carrier;

    void touch() {
      assertEquals(0, busy++, "another task is in the middle of this");
      assertEquals(a, b);
      a++;
      Thread.onSpinWait();
      b++;
      if (carrier == null) {
        carrier = LoopFixture.carrier();
      }
      assertEquals(carrier, LoopFixture.carrier());
      busy--;
    }
  }

  @Test
  void nothingRunsBetweenTwoWaits() throws Exception {
    int tasks = 3000;
    int rounds = 16;
    var state = new Unsynchronised();
    var lock = new ReentrantLock();
    var monitor = new Object();
    BlockingQueue<Integer> queue = new ArrayBlockingQueue<>(3);
    try (var fixture = new LoopFixture()) {
      for (int i = 0; i < tasks; i++) {
        int id = i;
        fixture.add(() -> {
          for (int round = 0; round < rounds; round++) {
            state.touch();
            // No task begins with a take: for every one that waits in one there is an item.
            waitSomehow((id % 7 + round) % 8, id, lock, monitor, queue, state);
            state.touch();
          }
        });
      }
      fixture.loop();
      assertEquals(0, fixture.copas.machine.liveCount());
    }
    // Two touches a round; one more in a lock and one in a monitor, each in every eighth round.
    assertEquals(tasks * rounds * 2 + tasks * rounds / 4, state.a);
    assertEquals(state.a, state.b);
    assertTrue(queue.isEmpty());
  }

  private static void waitSomehow(
      int how,
      int id,
      ReentrantLock lock,
      Object monitor,
      BlockingQueue<Integer> queue,
      Unsynchronised state)
      throws InterruptedException {
    switch (how) {
      case 0 -> Copas.pause();
      case 1 -> Copas.pause(Duration.ofNanos(1 + id % 1000));
      case 2 -> Thread.yield();
      case 3 -> Thread.sleep(0, 1 + id % 1000);
      case 4 -> {
        lock.lock();
        try {
          state.touch();
          Thread.yield();
        } finally {
          lock.unlock();
        }
      }
      case 5 -> {
        synchronized (monitor) {
          state.touch();
          Thread.yield();
        }
      }
      case 6 -> queue.put(id);
      default -> queue.take();
    }
  }

  @Test
  void nothingRunsBetweenTwoSocketCalls() throws Exception {
    int connections = 200;
    int rounds = 20;
    var state = new Unsynchronised();
    try (var fixture = new LoopFixture()) {
      CopasServerSocket server = fixture.copas.bind("127.0.0.1", 0);
      fixture.copas.addServer(
          server,
          socket -> {
            for (String line; (line = socket.receive()) != null; ) {
              state.touch();
              socket.send(line + "\n");
              state.touch();
            }
          });
      List<Task> clients = new ArrayList<>();
      for (int i = 0; i < connections; i++) {
        clients.add(
            fixture.add(() -> {
              try (CopasSocket socket = fixture.copas.connect("127.0.0.1", server.getLocalPort())) {
                for (int round = 0; round < rounds; round++) {
                  state.touch();
                  socket.send("line " + round + "\n");
                  state.touch();
                  assertEquals("line " + round, socket.receive());
                }
              }
            }));
      }
      fixture.add(() -> {
        for (Task client : clients) {
          client.join();
        }
        fixture.copas.removeServer(server);
      });
      fixture.loop();
    }
    assertEquals(4 * connections * rounds, state.a);
  }

  // ---- atomic

  @Test
  void atomicPassesWhatTheBodyReturnsAndThrows() {
    LoopFixture.run(() -> {
      assertEquals("x", Copas.atomic(() -> "x"));
      var ran = new AtomicReference<@Nullable String>();
      Copas.atomic(() -> ran.set("yes"));
      assertEquals("yes", ran.get());
      IOException thrown =
          assertThrows(
              IOException.class,
              () ->
                  Copas.<String, IOException>atomic(() -> {
                    throw new IOException("mine");
                  }));
      assertEquals("mine", thrown.getMessage());
    });
  }

  @Test
  void atomicThrowsWhenTheTaskGaveUpTheLoop() {
    LoopFixture.run(() -> {
      var lock = new ReentrantLock();
      // A free lock does not switch.
      Copas.atomic(() -> {
        assertTrue(lock.tryLock());
        lock.unlock();
      });
      LoopFixture.assertSays(
          Copas.current().name(),
          IllegalStateException.class,
          () -> Copas.<InterruptedException>atomic(() -> Copas.pause()));
      assertThrows(
          IllegalStateException.class,
          () -> Copas.<InterruptedException>atomic(() -> Thread.sleep(1)));
    });
  }

  @Test
  void atomicOutsideATaskIsAClearError() {
    LoopFixture.assertSays(
        "is not a task", IllegalStateException.class, () -> Copas.atomic(() -> 1));
  }

  // ---- Order

  @Test
  void pausingTasksTakeTurnsInTheOrderInWhichTheyWereAdded() {
    List<String> order = new ArrayList<>();
    try (var fixture = new LoopFixture()) {
      for (int task = 1; task <= 3; task++) {
        int id = task;
        fixture.add(() -> {
          for (int round = 1; round <= 2; round++) {
            order.add(id + ":" + round);
            Copas.pause();
          }
        });
      }
      fixture.loop();
    }
    assertEquals("1:1 2:1 3:1 1:2 2:2 3:2", String.join(" ", order));
  }

  @Test
  void wokenTasksRunInTheOrderOfTheirWakeUps() {
    List<Integer> order = new ArrayList<>();
    try (var fixture = new LoopFixture()) {
      List<Task> sleepers = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        int id = i;
        sleepers.add(
            fixture.add(() -> {
              Copas.pauseForever();
              order.add(id);
            }));
      }
      fixture.loop(() -> {
        Copas.pause();
        for (int i : new int[] {3, 0, 4, 1, 2}) {
          assertTrue(sleepers.get(i).wakeup());
        }
        order.add(-1); // None of them at once.
      });
    }
    assertEquals(List.of(-1, 3, 0, 4, 1, 2), order);
  }

  @Test
  void tasksParkedOnAnythingRunInTheOrderOfTheirWakeUps() {
    List<Integer> order = new ArrayList<>();
    try (var fixture = new LoopFixture()) {
      List<Task> parked = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        int id = i;
        parked.add(
            fixture.add(() -> {
              LockSupport.park();
              order.add(id);
            }));
      }
      fixture.loop(() -> {
        Copas.pause();
        for (int i : new int[] {3, 0, 4, 1, 2}) {
          LockSupport.unpark(parked.get(i).coroutine().thread());
        }
      });
    }
    assertEquals(List.of(3, 0, 4, 1, 2), order);
  }

  @Tag("native")
  @Test
  void whatBecomesReadyInATurnRunsInTheNext() {
    List<String> order = new ArrayList<>();
    try (var fixture = new LoopFixture()) {
      Copas copas = fixture.copas;
      copas.addThread(() -> {
        order.add("first");
        copas.addThread(() -> order.add("added by first"));
      });
      copas.addThread(() -> order.add("second"));
      assertTrue(copas.step());
      assertEquals(List.of("first", "second"), order);
      assertTrue(copas.step());
      assertEquals(List.of("first", "second", "added by first"), order);
    }
  }

  // ---- Nobody starves

  @Test
  void aTaskThatKeepsYieldingStarvesNeitherSocketsNorTimers() throws Exception {
    try (var fixture = new LoopFixture()) {
      CopasServerSocket server = fixture.echo();
      fixture.loop(() -> {
        var busy =
            fixture.add(() -> {
              while (true) {
                Copas.pause();
              }
            });
        try (CopasSocket socket = fixture.copas.connect("127.0.0.1", server.getLocalPort())) {
          for (int i = 0; i < 50; i++) {
            socket.send(i + "\n");
            assertEquals(String.valueOf(i), socket.receive());
            Copas.pause(Duration.ofMillis(1)); // Simulated time would stand still meanwhile.
          }
        }
        busy.cancel();
        fixture.copas.removeServer(server);
      });
    }
  }

  @Test
  void tasksThatAreAlwaysBusyDoNotStarveForeignWaits() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        List<Task> busy = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          busy.add(
              fixture.add(() -> {
                while (true) {
                  Copas.pause();
                }
              }));
        }
        for (int i = 0; i < 50; i++) {
          Thread.sleep(1);
        }
        busy.forEach(Task::cancel);
      });
    }
  }

  @Test
  void aTaskWhoseDataIsAlwaysThereLetsOthersRunAfterSoManyOperations() throws Exception {
    int limit = 10;
    int bytesAtOnce = 64;
    try (var fixture =
        new LoopFixture(
            Options.defaults().operationsPerTurn(limit).receiveBufferBytes(bytesAtOnce))) {
      CopasServerSocket server = fixture.copas.bind("127.0.0.1", 0);
      var allSent = new AtomicBoolean();
      fixture.copas.addServer(
          server,
          socket -> {
            socket.send("x".repeat(4001));
            socket.flush();
            allSent.set(true);
            assertNull(socket.receive());
          });
      fixture.loop(() -> {
        CopasSocket socket = fixture.copas.connect("127.0.0.1", server.getLocalPort());
        InputStream in = socket.getInputStream();
        assertEquals('x', in.read());
        while (!allSent.get()) {
          Copas.pause();
        }
        int[] others = {0};
        var other =
            fixture.add(() -> {
              while (true) {
                others[0]++;
                Copas.pause();
              }
            });
        Copas.pause();
        int before = others[0];
        int most = 0;
        for (int i = 0, run = 0, seen = before; i < 4000; i++) {
          assertEquals('x', in.read());
          run = others[0] == seen ? run + 1 : 0;
          seen = others[0];
          most = Math.max(most, run);
        }
        assertTrue(most <= limit, "without letting others run: " + most);
        assertTrue(others[0] - before >= 4000 / limit, "others ran " + (others[0] - before));
        other.cancel();
        socket.close();
        fixture.copas.removeServer(server);
      });
    }
  }
}
