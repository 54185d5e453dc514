package dev.copas;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.sync.CopasQueue;
import dev.copas.sync.DestroyedException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The queue of Copas, and what is wrong in that of 4.11. */
@Timeout(60)
class SyncQueueTest {

  private static final Duration SHORT = Duration.ofMillis(5);

  private interface Body {
    void run(LoopFixture fixture, CopasQueue<Integer> queue) throws Exception;
  }

  private static void run(Body body) {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> body.run(fixture, new CopasQueue<>(fixture.copas)));
    }
  }

  private static Task popper(
      LoopFixture fixture, CopasQueue<Integer> queue, String name, List<String> order) {
    return fixture.add(() -> order.add(name + queue.pop()));
  }

  @Test
  void whatCameFirstGoesFirst() {
    run((_, queue) -> {
      IntStream.range(0, 5).forEach(queue::push);
      assertEquals(5, queue.getSize());
      for (int i = 0; i < 5; i++) {
        assertEquals(i, queue.pop());
      }
      assertEquals(Optional.empty(), queue.tryPop());
      assertEquals(Optional.empty(), queue.tryPop(Duration.ZERO));
      assertEquals(Optional.empty(), queue.tryPop(SHORT));
    });
  }

  @Test
  void whoWaitsFirstGetsTheFirstItemAndNobodyOvertakes() {
    run((fixture, queue) -> {
      var order = new ArrayList<String>();
      popper(fixture, queue, "a", order);
      popper(fixture, queue, "b", order);
      Copas.pause();
      queue.push(1);
      queue.push(2);
      assertEquals(0, queue.getSize());
      assertEquals(Optional.empty(), queue.tryPop());
      Copas.pause();
      assertEquals(List.of("a1", "b2"), order);
    });
  }

  @Test
  void aTaskThatIsCancelledTakesNoItemWithIt() {
    run((fixture, queue) -> {
      var order = new ArrayList<String>();
      Task first = popper(fixture, queue, "a", order);
      popper(fixture, queue, "b", order);
      Copas.pause();
      first.cancel();
      first.join();
      queue.push(1);
      Copas.pause();
      assertEquals(List.of("b1"), order);
    });
  }

  @Test
  void aTaskThatIsCancelledInTheSameTurnAsItsItemComesHasIt() {
    run((fixture, queue) -> {
      var order = new ArrayList<String>();
      Task popper = popper(fixture, queue, "a", order);
      Copas.pause();
      queue.push(1);
      popper.cancel();
      popper.join();
      assertEquals(List.of("a1"), order);
    });
  }

  @Test
  void aFullQueueTakesNoMoreAndKeepsTheOrderOfThoseWhoWait() {
    run((fixture, _) -> {
      var queue = new CopasQueue<Integer>(fixture.copas, 2);
      queue.push(0);
      assertTrue(queue.tryPush(1));
      assertFalse(queue.tryPush(9));
      assertFalse(queue.tryPush(9, Duration.ZERO));
      assertFalse(queue.tryPush(9, SHORT));
      LoopFixture.assertSays("full with 2", IllegalStateException.class, () -> queue.push(9));
      for (int i = 2; i < 5; i++) {
        int number = i;
        fixture.add(() -> assertTrue(queue.tryPush(number, null)));
      }
      Copas.pause();
      for (int i = 0; i < 5; i++) {
        assertFalse(queue.getSize() > 2);
        assertEquals(i, queue.pop());
      }
      assertEquals(0, queue.getSize());
    });
  }

  @Test
  void whoGivesUpWaitingForRoomLeavesNoItem() {
    run((fixture, _) -> {
      var queue = new CopasQueue<Integer>(fixture.copas, 1);
      queue.push(0);
      Task pusher = fixture.add(() -> queue.tryPush(1, null));
      Copas.pause();
      pusher.cancel();
      pusher.join();
      assertEquals(0, queue.pop());
      assertEquals(Optional.empty(), queue.tryPop());
    });
  }

  @Test
  void otherThreadsPushInTheirOrderAndATaskThatWaitsGetsIt() throws Exception {
    try (var fixture = new LoopFixture()) {
      var queue = new CopasQueue<Integer>(fixture.copas);
      int many = 10_000;
      Thread thread =
          Thread.ofPlatform().start(() -> IntStream.range(0, many).forEach(queue::push));
      fixture.loop(() -> {
        for (int i = 0; i < many; i++) {
          assertEquals(i, queue.pop());
        }
      });
      thread.join();
    }
  }

  @Test
  void twoThreadsNeverPutMoreIntoAQueueThanItHasRoomFor() throws Exception {
    try (var fixture = new LoopFixture()) {
      var queue = new CopasQueue<Integer>(fixture.copas, 3);
      Runnable eager =
          () -> {
            for (int i = 0; i < 1000; ) {
              if (queue.tryPush(i)) {
                i++;
              }
            }
          };
      var threads = List.of(Thread.ofPlatform().start(eager), Thread.ofPlatform().start(eager));
      fixture.loop(() -> {
        for (int i = 0; i < 2000; i++) {
          assertTrue(queue.getSize() <= 3);
          queue.pop();
        }
        assertEquals(0, queue.getSize());
      });
      for (Thread thread : threads) {
        thread.join();
      }
    }
  }

  @Test
  void whoWaitsForRoomGetsThatOfAnItemWhichPassesThroughToOneWhoWaits() {
    run((fixture, _) -> {
      var queue = new CopasQueue<Integer>(fixture.copas, 1);
      var popped = new ArrayList<Integer>();
      Task popper =
          fixture.add(() -> {
            popped.add(queue.pop());
            popped.add(queue.pop());
          });
      Copas.pause();
      Thread thread = Thread.ofPlatform().start(() -> queue.push(1));
      while (thread.isAlive()) {
        Thread.onSpinWait(); // The loop knows nothing of it yet: for now the queue is full.
      }
      assertTrue(queue.tryPush(2, Duration.ofSeconds(10)));
      popper.join();
      assertEquals(List.of(1, 2), popped);
    });
  }

  @Test
  void whatOtherThreadsPushedBeforeGoesBefore() {
    run((fixture, _) -> {
      var queue = new CopasQueue<Integer>(fixture.copas, 3);
      var order = new ArrayList<String>();
      popper(fixture, queue, "a", order);
      popper(fixture, queue, "b", order);
      Copas.pause();
      Thread thread = Thread.ofPlatform().start(() -> IntStream.range(0, 3).forEach(queue::push));
      while (thread.isAlive()) {
        Thread.onSpinWait(); // The loop knows nothing of it yet: for now the queue is full.
      }
      assertTrue(queue.tryPush(3), "there is room, for two are waiting");
      Copas.pause();
      assertEquals(List.of("a0", "b1"), order);
      assertEquals(2, queue.pop());
      assertEquals(3, queue.pop());
    });
  }

  @Test
  void aQueueThatWasStoppedTakesNothingAndIsDestroyedOnceItIsEmpty() {
    run((_, queue) -> {
      queue.push(1);
      queue.stop();
      queue.stop();
      LoopFixture.assertSays("stopped", IllegalStateException.class, () -> queue.push(2));
      assertEquals(1, queue.pop());
      assertThrows(DestroyedException.class, queue::pop);
      assertThrows(DestroyedException.class, () -> queue.push(3));
      assertThrows(DestroyedException.class, queue::getSize);
    });
  }

  @Test
  void stoppingEndsTheWaitForItemsAndForRoom() {
    run((fixture, queue) -> {
      Task popper = fixture.add(() -> assertThrows(DestroyedException.class, queue::pop));
      var full = new CopasQueue<Integer>(fixture.copas, 1);
      full.push(1);
      Task pusher =
          fixture.add(() ->
              LoopFixture.assertSays(
                  "stopped", IllegalStateException.class, () -> full.tryPush(2, null)));
      Copas.pause();
      queue.stop();
      full.stop();
      popper.join();
      pusher.join();
      assertEquals(1, full.pop());
    });
  }

  @Test
  void anotherThreadStopsItAfterWhatItPushed() {
    run((fixture, queue) -> {
      fixture.copas.offload(() -> {
        queue.push(1);
        queue.stop();
        assertThrows(IllegalStateException.class, () -> queue.push(2));
      });
      assertEquals(1, queue.pop());
      assertThrows(DestroyedException.class, queue::pop);
    });
  }

  /** In Lua a worker dies of its first error, and the item is lost. */
  @Test
  void aWorkerReportsItsErrorAndGoesOnWithTheNextItem() {
    try (var fixture = new LoopFixture()) {
      var errors = new ArrayList<String>();
      fixture.copas.setErrorHandler(
          (error, task, socket) -> errors.add(task.name() + ": " + error.getMessage()));
      var done = new ArrayList<Integer>();
      fixture.loop(() -> {
        var queue = new CopasQueue<Integer>(fixture.copas, 10, "jobs");
        queue.addWorker(item -> {
          if (item == 1) {
            throw new IOException("bad item");
          }
          done.add(item);
        });
        IntStream.range(0, 3).forEach(queue::push);
        assertTrue(queue.finish());
      });
      assertEquals(List.of(0, 2), done);
      assertEquals(List.of("jobs:worker_1: bad item"), errors);
    }
  }

  @Test
  void finishingWaitsForTheLastItemOfEachWorker() {
    run((_, queue) -> {
      var done = new ArrayList<Integer>();
      for (int i = 0; i < 3; i++) {
        queue.addWorker(item -> {
          Copas.pause(SHORT);
          done.add(item);
        });
      }
      assertEquals(3, queue.getWorkers().size());
      IntStream.range(0, 10).forEach(queue::push);
      assertTrue(queue.finish(null));
      assertEquals(10, done.size());
      assertTrue(queue.getWorkers().isEmpty());
    });
  }

  @Test
  void finishingInVainDestroysTheQueueUnlessItIsToBeKept() {
    run((_, queue) -> {
      queue.push(1);
      assertFalse(queue.awaitFinish(SHORT));
      assertEquals(1, queue.getSize());
      assertFalse(queue.finish(SHORT));
      assertThrows(DestroyedException.class, queue::tryPop);
    });
  }

  @Test
  void aWorkerMayFinishTheQueueItself() {
    run((_, queue) -> {
      var finished = new boolean[1];
      Task worker = queue.addWorker(item -> finished[0] = queue.finish(null));
      queue.push(1);
      worker.join();
      assertTrue(finished[0]);
    });
  }

  @Test
  void twoWorkersThatFinishTheQueueDoNotWaitForEachOther() {
    run((_, queue) -> {
      var finished = new ArrayList<Boolean>();
      var workers = new ArrayList<Task>();
      for (int i = 0; i < 2; i++) {
        workers.add(
            queue.addWorker(item -> {
              if (item == 1) {
                Copas.pause(); // The other one waits in there already.
              }
              finished.add(queue.finish(null));
            }));
      }
      queue.push(0);
      queue.push(1);
      for (Task worker : workers) {
        assertTrue(worker.join(Duration.ofSeconds(10)));
      }
      assertEquals(List.of(true, true), finished);
    });
  }

  @Test
  void aQueueThatIsDestroyedIsNotFinished() {
    run((fixture, queue) -> {
      queue.push(1);
      Task finisher =
          fixture.add(() -> assertThrows(DestroyedException.class, () -> queue.finish(null)));
      Copas.pause();
      assertSame(Task.State.WAITING, finisher.state());
      queue.destroy();
      finisher.join();
      assertThrows(DestroyedException.class, queue::finish);
      assertThrows(DestroyedException.class, queue::stop);
    });
  }

  @Test
  void whoWaitsForItsEndHasItWhenItIsDestroyedAfterThat() {
    run((fixture, queue) -> {
      queue.push(1);
      var finished = new ArrayList<Boolean>();
      Task finisher = fixture.add(() -> finished.add(queue.finish(null)));
      Copas.pause();
      assertEquals(1, queue.pop());
      queue.destroy();
      finisher.join();
      assertEquals(List.of(true), finished);
      assertTrue(queue.finish());
      queue.stop();
    });
  }

  @Test
  void itMayBeClosedWhileNobodyRunsTheLoop() {
    try (var fixture = new LoopFixture()) {
      var queue = new CopasQueue<Integer>(fixture.copas);
      Task popper =
          fixture.add(() -> assertThrows(DestroyedException.class, () -> queue.tryPop(null)));
      fixture.loop();
      queue.close();
      fixture.loop();
      assertSame(Task.State.ENDED, popper.state());
      assertThrows(DestroyedException.class, queue::getSize);
    }
  }

  @Test
  void destroyingItDropsItsItemsAndEndsItsWorkers() {
    run((_, queue) -> {
      var done = new ArrayList<Integer>();
      Task worker =
          queue.addWorker(item -> {
            Copas.pause();
            done.add(item);
          });
      queue.push(1);
      queue.push(2);
      Copas.pause();
      queue.destroy();
      queue.destroy();
      worker.join();
      assertEquals(List.of(1), done);
      assertThrows(DestroyedException.class, () -> queue.addWorker(item -> {}));
    });
  }

  @Test
  void aWorkerThatIsCancelledEndsAndOthersGoOn() {
    run((_, queue) -> {
      var done = new ArrayList<Integer>();
      Task first = queue.addWorker(item -> Copas.pauseForever());
      queue.addWorker(done::add);
      queue.push(1);
      queue.push(2);
      Copas.pause();
      first.cancel();
      first.join();
      queue.push(3);
      Copas.pause();
      assertEquals(List.of(2, 3), done);
      assertEquals(1, queue.getWorkers().size());
    });
  }

  @Test
  void workersThatWaitKeepNoLoopFromEnding() {
    try (var fixture = new LoopFixture()) {
      var queue = new CopasQueue<Integer>(fixture.copas);
      var done = new ArrayList<Integer>();
      queue.addWorker(done::add);
      queue.push(1);
      fixture.loop();
      queue.push(2);
      fixture.loop();
      assertEquals(List.of(1, 2), done);
    }
  }

  @Test
  void aWorkerThatIsLetGoBeforeItBeginsIsNoErrorAndIsForgotten() throws Exception {
    var errors = new LinkedBlockingQueue<String>();
    var latest = new AtomicReference<@Nullable CopasQueue<Integer>>();
    try (var _ = new LoopFixture.Log();
        var copas = Modes.create(Options.defaults().closeTimeout(Duration.ofMillis(50)))) {
      copas.setErrorHandler((error, task, socket) -> errors.add(error.toString()));
      copas.addThread(() -> {
        Task self = Copas.current();
        while (!self.isLetGo()) { // A worker in each turn: also in the last one.
          var queue = new CopasQueue<Integer>(copas);
          queue.addWorker(item -> errors.add("it works on " + item));
          queue.stop();
          latest.set(queue);
          pauseStubbornly();
        }
      });
      copas.start();
      assertFalse(copas.stop(Duration.ZERO));
    }
    LoopFixture.eventually(() -> requireNonNull(latest.get()).getWorkers().isEmpty());
    assertEquals(List.of(), List.copyOf(errors));
  }

  private static void pauseStubbornly() {
    try {
      Copas.pause();
    } catch (InterruptedException e) {
      // It is let go for that.
    }
  }

  @Test
  void pushingToAClosedLoopIsAnError() {
    var fixture = new LoopFixture();
    var queue = new CopasQueue<Integer>(fixture.copas);
    fixture.close();
    assertThrows(RejectedExecutionException.class, () -> queue.push(1));
    assertEquals(0, queue.getSize());
    queue.stop();
  }

  @Test
  void aTaskThatCleansUpWhileTheLoopClosesGetsWhatOtherThreadsPush() throws Exception {
    try (var fixture = new LoopFixture(Options.defaults().closeTimeout(Duration.ofSeconds(5)))) {
      var queue = new CopasQueue<Integer>(fixture.copas);
      var begun = new CountDownLatch(1);
      var cleaning = new CountDownLatch(1);
      var popped = new ArrayList<Integer>();
      fixture.add(() -> {
        begun.countDown();
        assertThrows(InterruptedException.class, Copas::pauseForever);
        cleaning.countDown();
        popped.add(queue.tryPop(null).orElseThrow());
        assertThrows(DestroyedException.class, queue::pop);
        popped.add(2);
      });
      fixture.start();
      begun.await();
      Thread closer = Thread.ofPlatform().start(fixture.copas::close);
      cleaning.await();
      queue.push(1);
      queue.stop();
      closer.join();
      assertEquals(List.of(1, 2), popped);
    }
  }

  @Test
  void itRefusesWhatMakesNoSense() {
    run((fixture, queue) -> {
      assertThrows(IllegalArgumentException.class, () -> new CopasQueue<>(fixture.copas, 0));
      assertThrows(IllegalArgumentException.class, () -> queue.tryPop(SHORT.negated()));
      assertThrows(IllegalArgumentException.class, () -> queue.finish(SHORT.negated()));
      fixture.copas.offload(() -> {
        LoopFixture.assertSays("to the tasks", IllegalStateException.class, queue::pop);
        LoopFixture.assertSays("to the tasks", IllegalStateException.class, queue::finish);
        LoopFixture.assertSays("to the tasks", IllegalStateException.class, queue::destroy);
        LoopFixture.assertSays(
            "to the tasks", IllegalStateException.class, () -> queue.tryPush(1, SHORT));
      });
    });
  }

  @Test
  void aHundredThousandTasksAreServedInOrder() {
    run((fixture, queue) -> {
      int many = 100_000;
      var begun = new int[1];
      var served = new int[1];
      for (int i = 0; i < many; i++) {
        fixture.add(() -> {
          int place = begun[0]++;
          assertEquals(place, queue.tryPop(null).orElseThrow());
          served[0]++;
        });
      }
      while (begun[0] < many) {
        Copas.pause();
      }
      for (int i = 0; i < many; i++) {
        queue.push(i);
      }
      while (served[0] < many) {
        Copas.pause();
      }
    });
  }
}
