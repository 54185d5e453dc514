package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Libraries that start threads of their own in a handler, and wait for them there. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OwnThreadsTest {

  private static final int TASKS = 20;

  /** How a library has several things done at once. */
  enum Way {
    VIRTUAL_THREADS {
      @Override
      void doAll(List<Callable<Integer>> works) throws Exception {
        List<Thread> threads = new ArrayList<>();
        for (Callable<Integer> work : works) {
          threads.add(Thread.ofVirtual().start(new FutureTask<>(work)));
        }
        for (Thread thread : threads) {
          thread.join();
        }
      }
    },
    VIRTUAL_THREAD_PER_TASK {
      @Override
      void doAll(List<Callable<Integer>> works) throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
          for (Future<Integer> future : threads.invokeAll(works)) {
            future.get();
          }
        }
      }
    },
    COMMON_POOL {
      @Override
      void doAll(List<Callable<Integer>> works) {
        works.stream()
            .map(work -> CompletableFuture.supplyAsync(() -> call(work)))
            .toList()
            .forEach(CompletableFuture::join);
      }
    },
    PARALLEL_STREAM {
      @Override
      void doAll(List<Callable<Integer>> works) {
        works.parallelStream().forEach(OwnThreadsTest::call);
      }
    };

    abstract void doAll(List<Callable<Integer>> works) throws Exception;
  }

  private static int call(Callable<Integer> work) {
    try {
      return work.call();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @EnumSource
  void tasksShareALockWithThreadsForWhichTheyWait(Way way) throws Exception {
    var lock = new ReentrantLock();
    int[] counted = {0};
    Callable<Integer> work =
        () -> {
          lock.lock();
          try {
            Thread.sleep(0, 1000);
            return counted[0]++;
          } finally {
            lock.unlock();
          }
        };
    try (var fixture = new LoopFixture()) {
      for (int i = 0; i < TASKS; i++) {
        fixture.add(() -> {
          way.doAll(List.of(work, work, work));
          work.call();
        });
      }
      fixture.loop();
    }
    assertEquals(4 * TASKS, counted[0]);
  }

  @ParameterizedTest
  @EnumSource
  void tasksWaitForThreadsThatAskServersOfTheSameLoop(Way way) throws Exception {
    try (var fixture = new LoopFixture()) {
      CopasServerSocket echo = fixture.echo();
      var answers = new AtomicInteger();
      Callable<Integer> asking =
          () -> {
            try (CopasSocket socket = fixture.copas.connect("127.0.0.1", echo.getLocalPort())) {
              socket.send("1\n");
              return answers.addAndGet(Integer.parseInt(String.valueOf(socket.receive())));
            }
          };
      fixture.loop(() -> {
        List<Task> tasks = new ArrayList<>();
        for (int i = 0; i < TASKS; i++) {
          tasks.add(fixture.add(() -> way.doAll(List.of(asking, asking, asking))));
        }
        for (Task task : tasks) {
          task.join();
        }
        fixture.copas.removeServer(echo);
      });
      assertEquals(3 * TASKS, answers.get());
    }
  }

  @Test
  void virtualThreadsOfATaskRunBesideTheLoopAndInSoloModeInTurnsWithIt() {
    LoopFixture.run(() -> {
      String loop = LoopFixture.carrier();
      var carrier = new FutureTask<>(LoopFixture::carrier);
      Thread.ofVirtual().start(carrier);
      assertEquals(Modes.SOLO, loop.equals(carrier.get()));
    });
  }
}
