package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.copas.sync.CopasFuture;
import dev.copas.sync.CopasLock;
import dev.copas.sync.CopasQueue;
import dev.copas.sync.CopasScope;
import dev.copas.sync.CopasSemaphore;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several tasks as one piece of work. */
@Timeout(60)
class SyncScopeTest {

  private static final Duration SHORT = Duration.ofMillis(5);

  private interface Body {
    void run(LoopFixture fixture) throws Exception;
  }

  private static void run(Body body) {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> body.run(fixture));
    }
  }

  /** What the error handler is told meanwhile. */
  private static List<String> errorsOf(Body body) {
    try (var fixture = new LoopFixture()) {
      var errors = new ArrayList<String>();
      fixture.copas.setErrorHandler((error, task, socket) -> errors.add(error.getMessage()));
      fixture.loop(() -> body.run(fixture));
      return errors;
    }
  }

  /** Waits for ever, in its own way, and says when it has ended. */
  private static <T> CheckedCallable<T, Exception> forever(List<String> ended, TaskBody wait) {
    return () -> {
      try {
        wait.run();
        throw new AssertionError("it was waiting for ever");
      } finally {
        ended.add("ended");
      }
    };
  }

  private static CheckedRunnable<RuntimeException> late(List<String> done) {
    return () -> done.add("late");
  }

  private static Throwable causeOf(ExecutionException failure) {
    return Objects.requireNonNull(failure.getCause());
  }

  private static <T> T failing(String message) throws IOException {
    throw new IOException(message);
  }

  @Test
  void joiningWaitsForAllOfThem() {
    run(fixture -> {
      try (var scope = CopasScope.open(fixture.copas)) {
        CopasFuture<String> slow =
            scope.fork(
                "slow",
                () -> {
                  Copas.pause(SHORT);
                  return Copas.current().name();
                });
        CopasFuture<Integer> fast = scope.fork(() -> 1);
        scope.join();
        assertEquals("slow", slow.resultNow());
        assertEquals(1, fast.resultNow());
        scope.join(); // Nothing to wait for.
      }
    });
  }

  @Test
  void aFailureCancelsTheRestWhateverTheyWaitForAndIsTheCause() {
    run(fixture -> {
      var ended = new ArrayList<String>();
      var never = new CountDownLatch(1);
      var lock = new CopasLock(fixture.copas, null);
      lock.get();
      var permits = new CopasSemaphore(fixture.copas, 1, 0, null);
      var items = new CopasQueue<String>(fixture.copas);
      var result = new CopasFuture<String>(fixture.copas);
      var foreign = new LinkedBlockingQueue<String>();
      CopasServerSocket silent = fixture.copas.bind("127.0.0.1", 0);
      CopasServerSocket lonely = fixture.copas.bind("127.0.0.1", 0);
      try (var scope = CopasScope.open(fixture.copas);
          var socket = fixture.copas.connect("127.0.0.1", silent.getLocalPort())) {
        var _ = scope.fork(forever(ended, Copas::pauseForever));
        var _ = scope.fork(forever(ended, socket::receive));
        var _ = scope.fork(forever(ended, lonely::accept));
        var _ = scope.fork(forever(ended, lock::get));
        var _ = scope.fork(forever(ended, permits::take));
        var _ = scope.fork(forever(ended, () -> items.tryPop(null)));
        var _ = scope.fork(forever(ended, result::get));
        var _ = scope.fork(forever(ended, foreign::take));
        var _ = scope.fork(forever(ended, () -> readPlain(silent.getLocalPort())));
        var _ = scope.fork(forever(ended, never::await));
        var _ = scope.fork(forever(ended, () -> Thread.sleep(Duration.ofDays(1))));
        var _ =
            scope.<String>fork(() -> {
              Copas.pause(SHORT);
              return failing("first");
            });
        var failure = assertThrows(ExecutionException.class, scope::join);
        assertEquals("first", causeOf(failure).getMessage());
        assertEquals(11, ended.size());
        assertTrue(scope.fork(() -> 1).isCancelled());
      }
      lock.release();
      silent.close();
      lonely.close();
    });
  }

  /** With a socket of the JDK's. */
  private static void readPlain(int port) throws IOException {
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.getInputStream().read();
    }
  }

  @Test
  void leavingTheBlockCancelsAndWaitsForThoseThatStillRun() {
    run(fixture -> {
      var ended = new ArrayList<String>();
      try (var scope = CopasScope.open(fixture.copas)) {
        scope.fork(() -> {
          try {
            Copas.pauseForever();
          } catch (InterruptedException e) {
            Copas.pause(SHORT); // It takes its time.
            ended.add("ended");
          }
        });
        Copas.pause();
      }
      assertEquals(List.of("ended"), ended);
    });
  }

  @Test
  void leavingTheBlockCancelsThoseWhoseFutureHasAnOutcomeAlready() {
    run(fixture -> {
      var ended = new ArrayList<String>();
      Task owner =
          fixture.add(() -> {
            try (var scope = CopasScope.open(fixture.copas)) {
              CopasFuture<String> dropped = scope.fork(forever(ended, Copas::pauseForever));
              CopasFuture<String> cached = scope.fork(forever(ended, Copas::pauseForever));
              CopasFuture<String> stubborn =
                  scope.fork(
                      forever(
                          ended,
                          () -> {
                            assertThrows(InterruptedException.class, Copas::pauseForever);
                            Copas.pauseForever();
                          }));
              Copas.pause();
              assertTrue(dropped.cancel(false));
              assertTrue(cached.complete("cached"));
              assertTrue(stubborn.cancel());
              Copas.pause();
              assertEquals(0, ended.size());
            }
          });
      assertTrue(owner.join(Duration.ofSeconds(10)));
      assertEquals(3, ended.size());
    });
  }

  @Test
  void nothingOutlivesItWhenItsOwnerIsCancelled() {
    run(fixture -> {
      var ended = new ArrayList<String>();
      Task owner =
          fixture.add(() -> {
            try (var scope = CopasScope.open(fixture.copas)) {
              var _ = scope.fork(forever(ended, Copas::pauseForever));
              scope.join();
            } finally {
              assertEquals(1, ended.size());
              ended.add("owner");
            }
          });
      Copas.pause();
      Copas.pause();
      owner.cancel();
      owner.join();
      assertEquals(List.of("ended", "owner"), ended);
    });
  }

  @Test
  void nothingOutlivesItWhenTheTimeOfItsOwnerIsOver() {
    run(fixture -> {
      var steps = new ArrayList<String>();
      var scope = CopasScope.open(fixture.copas);
      scope.fork(() -> {
        steps.add("begun");
        try {
          Copas.pauseForever();
        } catch (InterruptedException e) {
          Copas.pause(SHORT); // Longer than the owner's time.
          steps.add("ended");
        }
      });
      while (steps.isEmpty()) {
        Copas.pause();
      }
      assertThrows(
          TimeoutException.class,
          () ->
              Copas.within(
                  SHORT,
                  () -> {
                    try (scope) {
                      scope.join();
                    }
                  }));
      assertEquals(List.of("begun", "ended"), steps);
      Copas.pause(SHORT); // It is not cancelled.
    });
  }

  @Test
  void allGivesTheResultsInTheOrderOfTheCalls() {
    run(fixture -> {
      List<String> results =
          CopasScope.all(
              fixture.copas,
              List.of(
                  () -> {
                    Copas.pause(SHORT);
                    return "a";
                  },
                  () -> "b"));
      assertEquals(List.of("a", "b"), results);
      assertEquals(List.of(), CopasScope.<String>all(fixture.copas, List.of()));
    });
  }

  @Test
  void allFailsWithTheFirstFailureAndLeavesNothingRunning() {
    run(fixture -> {
      var ended = new ArrayList<String>();
      var failure =
          assertThrows(
              ExecutionException.class,
              () ->
                  CopasScope.<String>all(
                      fixture.copas,
                      List.of(
                          forever(ended, Copas::pauseForever),
                          () -> {
                            Copas.pause();
                            return failing("boom");
                          })));
      assertEquals("boom", causeOf(failure).getMessage());
      assertEquals(1, ended.size());
    });
  }

  @Test
  void firstGivesTheFirstResultAndCancelsTheOthers() {
    run(fixture -> {
      var ended = new ArrayList<String>();
      String result =
          CopasScope.first(
              fixture.copas,
              List.of(
                  forever(ended, Copas::pauseForever),
                  () -> failing("not this one"),
                  () -> {
                    Copas.pause(SHORT);
                    return "winner";
                  }));
      assertEquals("winner", result);
      assertEquals(1, ended.size());
    });
  }

  /** One asks with a socket of ours, one with a socket of the JDK's. */
  @Test
  void theFirstServerThatAnswersEndsTheWaitForTheOthers() {
    run(fixture -> {
      var ended = new ArrayList<String>();
      CopasServerSocket silent = fixture.copas.bind("127.0.0.1", 0);
      CopasServerSocket echo = fixture.echo();
      String answer =
          CopasScope.first(
              fixture.copas,
              List.of(
                  forever(ended, () -> ask(fixture.copas, silent)),
                  forever(ended, () -> readPlain(silent.getLocalPort())),
                  () -> ask(fixture.copas, echo)));
      assertEquals("hello", answer);
      assertEquals(2, ended.size());
      silent.close();
      fixture.copas.removeServer(echo);
    });
  }

  private static String ask(Copas copas, CopasServerSocket server) throws IOException {
    try (var socket = copas.connect("127.0.0.1", server.getLocalPort())) {
      socket.send("hello\n");
      return Objects.requireNonNull(socket.receive());
    }
  }

  @Test
  void firstFailsWhenAllOfThemHave() {
    run(fixture -> {
      var failure =
          assertThrows(
              ExecutionException.class,
              () ->
                  CopasScope.<String>first(
                      fixture.copas, List.of(() -> failing("a"), () -> failing("b"))));
      assertEquals("a", causeOf(failure).getMessage());
      assertEquals("b", causeOf(failure).getSuppressed()[0].getMessage());
      assertThrows(
          IllegalArgumentException.class, () -> CopasScope.<String>first(fixture.copas, List.of()));
    });
  }

  @Test
  void aTaskThatSomebodyCancelledHasFailed() {
    run(fixture -> {
      try (var scope = CopasScope.open(fixture.copas)) {
        CopasFuture<String> future = scope.fork(forever(new ArrayList<>(), Copas::pauseForever));
        Copas.pause();
        future.cancel();
        var failure = assertThrows(ExecutionException.class, scope::join);
        assertSame(CancellationException.class, causeOf(failure).getClass());
      }
    });
  }

  /** As one writes it without a join: the first result that is asked for is of one cancelled. */
  @Test
  void aFailureThatNobodyHeardOfIsReportedAndTheCauseOfWhatTheOthersSay() {
    List<String> errors =
        errorsOf(fixture -> {
          var failure =
              assertThrows(
                  CancellationException.class,
                  () -> {
                    try (var scope = CopasScope.open(fixture.copas)) {
                      CopasFuture<String> a =
                          scope.fork(forever(new ArrayList<>(), Copas::pauseForever));
                      CopasFuture<String> b = scope.fork(() -> failing("the real error"));
                      fail(a.get() + b.get());
                    }
                  });
          assertEquals("the real error", Objects.requireNonNull(failure.getCause()).getMessage());
        });
    assertEquals(List.of("the real error"), errors);
  }

  @Test
  void aFailureIsReportedOnceHoweverOftenTheScopeIsClosed() {
    List<String> errors =
        errorsOf(fixture -> {
          var scope = CopasScope.open(fixture.copas);
          var _ = scope.<String>fork(() -> failing("the real error"));
          Copas.pause();
          scope.close();
          scope.close();
        });
    assertEquals(List.of("the real error"), errors);
  }

  @Test
  void aFailureThatSomebodyHeardOfIsNotReported() {
    run(fixture -> {
      try (var scope = CopasScope.open(fixture.copas)) {
        CopasFuture<String> failing = scope.fork(() -> failing("heard"));
        assertThrows(ExecutionException.class, failing::get);
      }
      try (var scope = CopasScope.open(fixture.copas)) {
        var _ = scope.<String>fork(() -> failing("heard"));
        assertThrows(ExecutionException.class, scope::join);
      }
    });
  }

  @Test
  void aFailureInOneThatNobodyClosesIsReported() {
    List<String> errors =
        errorsOf(fixture -> {
          var scope = CopasScope.open(fixture.copas);
          var _ = scope.<String>fork(() -> failing("the real error"));
          Copas.pause();
        });
    assertEquals(List.of("the real error"), errors);
  }

  @Test
  void whatIsNotClosedEndsWithTheTaskThatOpenedIt() {
    run(fixture -> {
      var ended = new ArrayList<String>();
      var tasks = new ArrayList<Task>();
      fixture
          .add(() -> {
            var scope = CopasScope.open(fixture.copas);
            tasks.add(scope.fork(forever(ended, Copas::pauseForever)).task());
            Copas.pause();
          })
          .join();
      assertTrue(tasks.getFirst().join(Duration.ofSeconds(10)));
      assertEquals(List.of("ended"), ended);
    });
  }

  @Test
  void itsTasksMayForkAndTheScopeWaitsForThoseToo() {
    run(fixture -> {
      var done = new ArrayList<String>();
      try (var scope = CopasScope.open(fixture.copas)) {
        scope.fork(() ->
            scope.fork(() -> {
              Copas.pause(SHORT);
              done.add("grandchild");
            }));
        scope.join();
        assertEquals(List.of("grandchild"), done);
      }
    });
  }

  @Test
  void joiningWaitsForOneThatIsForkedInTheSameTurnAsTheLastOneEnds() {
    run(fixture -> {
      CopasScope[] leaked = new CopasScope[1];
      var done = new ArrayList<String>();
      var last = new CopasFuture<Integer>(fixture.copas);
      Task owner =
          fixture.add(() -> {
            try (var scope = CopasScope.open(fixture.copas)) {
              leaked[0] = scope;
              Task forked = Objects.requireNonNull(scope.fork(() -> last.get()).task());
              forked.addEndHook(() -> leaked[0].fork("late", late(done))); // After the scope's.
              scope.join();
              assertEquals(List.of("late"), done);
            }
          });
      Copas.pause();
      Copas.pause();
      last.complete(1);
      owner.join();
      assertEquals(List.of("late"), done);
    });
  }

  @Test
  void itBelongsToTheTaskThatOpenedIt() {
    run(fixture -> {
      CopasScope[] leaked = new CopasScope[1];
      try (var scope = CopasScope.open(fixture.copas)) {
        leaked[0] = scope;
        fixture
            .add(() -> {
              LoopFixture.assertSays("opened it", IllegalStateException.class, scope::join);
              LoopFixture.assertSays("opened it", IllegalStateException.class, scope::close);
            })
            .join();
      }
      leaked[0].close();
      LoopFixture.assertSays(
          "is closed", IllegalStateException.class, () -> leaked[0].fork(() -> 1));
      fixture.copas.offload(() ->
          LoopFixture.assertSays(
              "to the tasks", IllegalStateException.class, () -> CopasScope.open(fixture.copas)));
    });
  }

  @Test
  void joiningUninterruptiblyKeepsACancellationForLater() {
    run(fixture -> {
      Task slow = fixture.add(() -> Copas.pause(SHORT.multipliedBy(4)));
      var ended = new boolean[1];
      var told = new boolean[1];
      Task waiter =
          fixture.add(() -> {
            slow.joinUninterruptibly();
            ended[0] = slow.state() == Task.State.ENDED;
            assertThrows(InterruptedException.class, Copas::pause);
            told[0] = true;
          });
      Copas.pause();
      Copas.pause();
      waiter.cancel();
      waiter.join();
      assertTrue(ended[0]);
      assertTrue(told[0]);
      assertFalse(Thread.currentThread().isInterrupted());
      slow.joinUninterruptibly(); // At once.
      fixture.copas.offload(slow::joinUninterruptibly);
    });
  }

  /** The end of what is joined cannot wake who is awake already. */
  @Test
  void joiningUninterruptiblyEndsWhenTheTimeIsOverInTheSameTurnAsTheTask() {
    run(fixture -> {
      Task slow = fixture.add(() -> Copas.pause(SHORT));
      var joined = new boolean[1];
      Task waiter =
          fixture.add(() ->
              Copas.within(
                  SHORT,
                  () -> {
                    slow.joinUninterruptibly();
                    joined[0] = true;
                  }));
      Copas.pause();
      spin(SHORT.multipliedBy(2)); // All timers are due in the next turn.
      assertTrue(waiter.join(Duration.ofSeconds(10)));
      assertTrue(joined[0]);
    });
  }

  @Test
  void aJoinWhoseTimeIsOverInTheSameTurnAsTheTaskIsInTime() {
    run(fixture -> {
      Task slow = fixture.add(() -> Copas.pause(SHORT));
      var joined = new boolean[1];
      Task waiter = fixture.add(() -> joined[0] = slow.join(SHORT));
      Copas.pause();
      spin(SHORT.multipliedBy(2));
      waiter.join();
      assertTrue(joined[0]);
    });
  }

  private static void spin(Duration duration) {
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < duration.toNanos()) {
      Thread.onSpinWait();
    }
  }

  @Test
  void anEndHookRunsWhenItsTaskHasEndedUnlessItWasTakenBack() {
    run(fixture -> {
      var order = new ArrayList<String>();
      Task task = fixture.add(() -> order.add("body"));
      Runnable other = () -> order.add("taken back");
      task.addEndHook(() -> order.add("hook"));
      task.addEndHook(other);
      assertTrue(task.removeEndHook(other));
      assertFalse(task.removeEndHook(other));
      task.join();
      assertEquals(List.of("body", "hook"), order);
      task.addEndHook(() -> order.add("at once"));
      assertEquals(3, order.size());
    });
  }
}
