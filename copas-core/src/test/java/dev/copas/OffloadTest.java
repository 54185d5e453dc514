package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What would hold the loop, and is done on another thread. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OffloadTest {

  @Test
  void theValueComesFromAnotherThread() {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        String loop = LoopFixture.carrier();
        Thread other = fixture.copas.offload(Thread::currentThread);
        assertTrue(!other.getName().equals(loop) && !other.isVirtual());
        var ran = new AtomicInteger();
        fixture.copas.offload(() -> {
          ran.incrementAndGet();
        });
        assertEquals(1, ran.get());
      });
    }
  }

  @Test
  void theThreadsOfOffloadEndWithTheLoop() throws Exception {
    Thread[] other = new Thread[1];
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> other[0] = fixture.copas.offload(Thread::currentThread));
      assertTrue(other[0].isAlive());
    }
    assertTrue(other[0].join(Duration.ofSeconds(5)), "shorter than a thread without work waits");
  }

  @Test
  void whatTheCallThrowsIsThrown() {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        var mine = new FileNotFoundException("mine");
        assertSame(
            mine,
            assertThrows(
                FileNotFoundException.class,
                () ->
                    fixture.copas.<IOException>offload(() -> {
                      throw mine;
                    })));
        assertSame(
            mine,
            assertThrows(
                FileNotFoundException.class, () -> fixture.copas.offload(() -> throwIt(mine))));
        var error = new AssertionError("mine");
        assertSame(
            error,
            assertThrows(
                AssertionError.class,
                () ->
                    fixture.copas.<RuntimeException>offload(() -> {
                      throw error;
                    })));
      });
    }
  }

  private static void throwIt(FileNotFoundException e) throws FileNotFoundException {
    throw e;
  }

  @Test
  void theLoopGoesOnMeanwhile() {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        var others = new CountDownLatch(3);
        for (int i = 0; i < 3; i++) {
          fixture.add(others::countDown);
        }
        // Ends only when the others have run meanwhile.
        fixture.copas.offload(() -> others.await());
      });
    }
  }

  @Test
  void cancellingATaskInterruptsWhatItOffloaded() throws Exception {
    var interrupted = new CountDownLatch(1);
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        var begun = new CountDownLatch(1);
        Task task =
            fixture.add(() ->
                fixture.copas.offload(() -> {
                  begun.countDown();
                  try {
                    Thread.sleep(Duration.ofDays(1));
                  } catch (InterruptedException e) {
                    interrupted.countDown();
                    throw e;
                  }
                }));
        begun.await();
        task.cancel();
        task.join();
      });
    }
    interrupted.await();
  }

  /** It may wait in the queue for a thread, and nobody waits for it any more. */
  @Test
  void aCallOfACancelledTaskThatHadNoThreadYetIsNeverMade() throws Exception {
    try (var fixture = new LoopFixture(Options.defaults().offloadThreads(1))) {
      fixture.loop(() -> {
        var begun = new CountDownLatch(1);
        var end = new CountDownLatch(1);
        Task busy =
            fixture.add(() ->
                fixture.copas.offload(() -> {
                  begun.countDown();
                  end.await();
                }));
        begun.await();
        var made = new AtomicInteger();
        Task late = fixture.add(() -> fixture.copas.offload(made::incrementAndGet));
        LoopFixture.eventually(() -> late.state() == Task.State.WAITING);
        late.cancel();
        late.join();
        end.countDown();
        busy.join();
        fixture.copas.offload(() -> assertEquals(0, made.get()));
      });
    }
  }

  @Test
  void noMoreCallsAreMadeAtOnceThanThereAreThreads() throws Exception {
    int most = 3;
    var inside = new AtomicInteger();
    var mostInside = new AtomicInteger();
    var full = new CountDownLatch(most);
    try (var fixture = new LoopFixture(Options.defaults().offloadThreads(most))) {
      for (int i = 0; i < 4 * most; i++) {
        fixture.add(() ->
            fixture.copas.offload(() -> {
              mostInside.accumulateAndGet(inside.incrementAndGet(), Math::max);
              full.countDown();
              full.await();
              inside.decrementAndGet();
            }));
      }
      fixture.loop();
    }
    assertEquals(most, mostInside.get());
  }

  @Test
  void onAPlatformThreadItIsAPlainCall() throws Exception {
    try (var fixture = new LoopFixture()) {
      assertSame(Thread.currentThread(), fixture.copas.offload(Thread::currentThread));
    }
  }

  @Test
  void aVirtualThreadThatIsNoTaskKeepsItsCarrierFreeToo() throws Exception {
    try (var fixture = new LoopFixture()) {
      Thread thread =
          SocketFixture.get(
              SocketFixture.onThread(
                  Thread.ofVirtual(), () -> fixture.copas.offload(Thread::currentThread)));
      assertFalse(thread.isVirtual());
    }
  }

  @Tag("native")
  @Test
  void aTaskOfAnotherLoopDoesNotHoldItsOwn() throws Exception {
    try (var fixture = new LoopFixture();
        var other = new LoopFixture()) {
      other.loop(() -> {
        var others = new CountDownLatch(1);
        other.add(others::countDown);
        fixture.copas.offload(() -> others.await());
      });
    }
  }

  @Test
  void aCallThatIsUnderWayWhenTheLoopIsClosedIsInterruptedAndGoesOnToItsEnd() throws Exception {
    var begun = new CountDownLatch(1);
    var end = new CountDownLatch(1);
    var outcome = new CompletableFuture<String>();
    try (var fixture = new LoopFixture()) {
      fixture.start();
      fixture.add(() ->
          fixture.copas.offload(() -> {
            begun.countDown();
            try {
              Thread.sleep(Duration.ofDays(1));
            } catch (InterruptedException e) {
              end.await();
              outcome.complete("done");
            }
          }));
      begun.await();
    }
    assertFalse(outcome.isDone());
    end.countDown();
    assertEquals("done", outcome.get());
  }

  @Test
  void aTaskThatItsClosedLoopHasLetGoMakesTheCallItself() throws Exception {
    var closed = new CountDownLatch(1);
    var made = new CompletableFuture<Thread>();
    Options impatient = Options.defaults().closeTimeout(Duration.ofMillis(50));
    try (var log = new LoopFixture.Log()) {
      try (var fixture = new LoopFixture(impatient)) {
        fixture.start();
        Task stubborn =
            fixture.add(() -> {
              awaitWhateverHappens(closed);
              made.complete(fixture.copas.offload(Thread::currentThread));
            });
        LoopFixture.eventually(() -> stubborn.state() == Task.State.WAITING);
      }
      log.await("did not end within");
      closed.countDown();
      assertTrue(made.get().isVirtual());
    }
  }

  private static void awaitWhateverHappens(CountDownLatch latch) {
    while (latch.getCount() > 0) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        // A task that will not be told.
      }
    }
  }
}
