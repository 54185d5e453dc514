package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two loops in one program, whose tasks wait for each other, both ways at once. */
@Tag("native")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TwoLoopsTest {

  private static final int TASKS = 10;
  private static final int ROUNDS = 20;

  private final LoopFixture here = new LoopFixture();
  private final LoopFixture there = new LoopFixture();

  @BeforeEach
  void start() throws InterruptedException {
    here.start();
    there.start();
  }

  @AfterEach
  void close() {
    here.close();
    there.close();
  }

  /** A body that knows on which loop it runs. */
  @FunctionalInterface
  private interface Body {
    void run(LoopFixture own, LoopFixture other) throws Exception;
  }

  /** Runs the body in many tasks of both loops at once. */
  private void onBoth(Body body) throws Exception {
    List<Task> tasks = new ArrayList<>();
    for (int i = 0; i < TASKS; i++) {
      tasks.add(here.add(() -> body.run(here, there)));
      tasks.add(there.add(() -> body.run(there, here)));
    }
    for (Task task : tasks) {
      assertTrue(task.join(Duration.ofSeconds(40)), task::toString);
    }
    here.check();
    there.check();
  }

  @Test
  void tasksAskTheServerOfTheOtherLoop() throws Exception {
    int portHere = here.echo().getLocalPort();
    int portThere = there.echo().getLocalPort();
    onBoth((own, other) -> {
      int port = own == here ? portThere : portHere;
      for (int i = 0; i < ROUNDS; i++) {
        try (CopasSocket socket = own.copas.connect("127.0.0.1", port)) {
          socket.send(i + "\n");
          assertEquals(String.valueOf(i), socket.receive());
        }
      }
    });
  }

  @Test
  void tasksUseSocketsOfTheOtherLoop() throws Exception {
    int port = here.echo().getLocalPort();
    onBoth((own, other) -> {
      for (int i = 0; i < ROUNDS; i++) {
        try (CopasSocket socket = other.copas.connect("127.0.0.1", port)) {
          socket.send(i + "\n");
          assertEquals(String.valueOf(i), socket.receive());
        }
      }
    });
  }

  /** To answer, a server asks the other one, and that asks the first, so many times. */
  @Test
  void handlersAskEachOtherDeeply() throws Exception {
    var servers = new CopasServerSocket[2];
    servers[0] = here.copas.bind("127.0.0.1", 0);
    servers[1] = there.copas.bind("127.0.0.1", 0);
    here.copas.addServer(servers[0], socket -> countDown(here.copas, socket, servers[1]));
    there.copas.addServer(servers[1], socket -> countDown(there.copas, socket, servers[0]));
    onBoth((own, other) -> {
      int port = servers[own == here ? 1 : 0].getLocalPort();
      assertEquals(ROUNDS, ask(own.copas, port, ROUNDS));
    });
  }

  private static void countDown(Copas own, CopasSocket socket, CopasServerSocket other)
      throws Exception {
    int depth = Integer.parseInt(String.valueOf(socket.receive()));
    int answer = depth == 0 ? 0 : 1 + ask(own, other.getLocalPort(), depth - 1);
    socket.send(answer + "\n");
  }

  private static int ask(Copas own, int port, int depth) throws Exception {
    try (CopasSocket socket = own.connect("127.0.0.1", port)) {
      socket.send(depth + "\n");
      return Integer.parseInt(String.valueOf(socket.receive()));
    }
  }

  @Test
  void tasksOfBothTakeTheSameTwoLocks() throws Exception {
    var outer = new ReentrantLock();
    var inner = new Object();
    int[] entered = {0};
    onBoth((own, other) -> {
      for (int i = 0; i < ROUNDS; i++) {
        outer.lock();
        try {
          Copas.pause();
          synchronized (inner) {
            Copas.pause(Duration.ofNanos(1000));
            entered[0]++;
          }
        } finally {
          outer.unlock();
        }
      }
    });
    assertEquals(2 * TASKS * ROUNDS, entered[0]);
  }

  @Test
  void tasksWaitForWhatTheOtherLoopCompletes() throws Exception {
    onBoth((own, other) -> {
      for (int i = 0; i < ROUNDS; i++) {
        var answer = new CompletableFuture<Integer>();
        int number = i;
        other.copas.execute(() -> answer.complete(number));
        assertEquals(i, answer.get());
      }
    });
  }

  @Test
  void tasksHandThingsOverToTheOtherLoop() throws Exception {
    var queue = new SynchronousQueue<Integer>();
    var sum = new AtomicInteger();
    onBoth((own, other) -> {
      for (int i = 0; i < ROUNDS; i++) {
        if (own == here) {
          queue.put(1);
        } else {
          sum.addAndGet(queue.take());
        }
      }
    });
    assertEquals(TASKS * ROUNDS, sum.get());
  }

  @Test
  void tasksJoinTasksOfTheOtherLoopThatJoinTasksOfTheirs() throws Exception {
    onBoth((own, other) -> {
      for (int i = 0; i < ROUNDS; i++) {
        int[] ended = {0};
        Task there =
            other.add(() -> {
              own.add(() -> ended[0]++).join();
              ended[0]++;
            });
        there.join();
        assertEquals(2, ended[0]);
      }
    });
  }

  @Test
  void tasksMakeAndCloseThingsOnTheOtherLoop() throws Exception {
    onBoth((own, other) -> {
      for (int i = 0; i < ROUNDS; i++) {
        CopasServerSocket server = other.copas.bind("127.0.0.1", 0);
        other.copas.addServer(server, LoopFixture::echo);
        try (CopasSocket socket = own.copas.connect("127.0.0.1", server.getLocalPort())) {
          socket.send("x\n");
          assertEquals("x", socket.receive());
        }
        other.copas.removeServer(server);
      }
    });
  }

  @Test
  void loopsWhoseTasksCloseEachOtherBothEnd() throws Exception {
    var both = new CyclicBarrier(2);
    Body closing =
        (own, other) -> {
          both.await();
          other.copas.close();
        };
    here.add(() -> closing.run(here, there));
    there.add(() -> closing.run(there, here));
    LoopFixture.eventually(() -> here.copas.machine.isClosed() && there.copas.machine.isClosed());
  }
}
