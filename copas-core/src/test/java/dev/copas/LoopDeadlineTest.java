package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@link Copas#within}. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LoopDeadlineTest {

  /** In real time, since the JDK's own waits have to end, too. */
  private static final Duration SHORT = Duration.ofMillis(20);

  private static final Duration LONG = Duration.ofHours(1);

  enum Wait {
    PAUSE,
    PAUSE_FOREVER,
    RECEIVE,
    ACCEPT,
    JOIN,
    SLEEP,
    SEMAPHORE,
    QUEUE,
    OFFLOAD,
    WAIT_FOR_EXIT
  }

  private static void await(Wait wait, Copas copas) throws Exception {
    switch (wait) {
      case PAUSE -> Copas.pause(LONG);
      case PAUSE_FOREVER -> Copas.pauseForever();
      case RECEIVE -> {
        try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
            CopasSocket socket = copas.connect("127.0.0.1", silent.getLocalPort())) {
          socket.receive();
        }
      }
      case ACCEPT -> {
        try (CopasServerSocket server = copas.bind("127.0.0.1", 0)) {
          server.accept();
        }
      }
      case JOIN -> {
        Task other = copas.addThread(() -> Copas.pause(LONG));
        try {
          other.join();
        } finally {
          other.cancel();
        }
      }
      case SLEEP -> Thread.sleep(LONG);
      case SEMAPHORE -> new Semaphore(0).acquire();
      case QUEUE -> new LinkedBlockingQueue<String>().take();
      case OFFLOAD -> copas.offload(() -> Thread.sleep(LONG));
      case WAIT_FOR_EXIT -> copas.waitForExit();
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyWaitEndsWhenTheTimeIsOver(Wait wait) {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        assertThrows(
            TimeoutException.class, () -> Copas.within(SHORT, () -> await(wait, fixture.copas)));
        assertFalse(Thread.currentThread().isInterrupted());
        Copas.pause(); // Waits are as ever.
      });
    }
  }

  @Test
  void whatEndsInTimeIsPassedOn() {
    LoopFixture.run(() -> {
      assertEquals("done", Copas.within(LONG, () -> "done"));
      var mine = new IOException("mine");
      assertEquals(
          mine,
          assertThrows(
              IOException.class,
              () ->
                  Copas.within(
                      LONG,
                      () -> {
                        throw mine;
                      })));
    });
  }

  @Test
  void aResultThatComesLateIsNotLost() {
    LoopFixture.run(() -> {
      String result =
          Copas.within(
              SHORT,
              () -> {
                try {
                  Thread.sleep(LONG);
                } catch (InterruptedException e) {
                  // Goes on all the same.
                }
                return "late";
              });
      assertEquals("late", result);
      assertFalse(Thread.currentThread().isInterrupted());
    });
  }

  @Test
  void bytesThatCameInTimeStayReadable() throws Exception {
    try (var fixture = new LoopFixture()) {
      CopasServerSocket server = fixture.copas.bind("127.0.0.1", 0);
      fixture.copas.addServer(
          server,
          socket -> {
            socket.send("half a li");
            socket.flush();
            assertEquals("go on", socket.receive());
            socket.send("ne\n");
          });
      fixture.loop(() -> {
        CopasSocket socket = fixture.copas.connect("127.0.0.1", server.getLocalPort());
        var error =
            assertThrows(
                TimeoutException.class,
                () -> Copas.<@Nullable String, IOException>within(SHORT, socket::receive));
        assertInstanceOf(InterruptedIOException.class, error.getCause());
        assertFalse(error.getCause() instanceof SocketTimeoutException);
        socket.send("go on\n");
        assertEquals(
            "half a line", Copas.<@Nullable String, IOException>within(LONG, socket::receive));
        assertNull(socket.receive());
        socket.close();
        fixture.copas.removeServer(server);
      });
    }
  }

  /** PostgreSQL's driver does this with a time-out that it has not set itself. */
  @Test
  void codeThatTriesAgainAfterTimeOutsDoesNotOutliveItsTime() throws Exception {
    try (var fixture = new LoopFixture()) {
      CopasServerSocket server = fixture.copas.bind("127.0.0.1", 0);
      fixture.copas.addServer(server, socket -> Copas.pauseForever());
      fixture.loop(() -> {
        try (CopasSocket socket = fixture.copas.connect("127.0.0.1", server.getLocalPort())) {
          socket.setSoTimeout(1);
          assertThrows(
              TimeoutException.class, () -> Copas.within(SHORT, () -> receiveStubbornly(socket)));
        }
        fixture.copas.cancelAll();
      });
    }
  }

  private static void receiveStubbornly(CopasSocket socket) throws IOException {
    while (true) {
      try {
        socket.receive();
      } catch (SocketTimeoutException e) {
        // Never mind.
      }
    }
  }

  @Test
  void theShorterOfNestedTimesCounts() {
    LoopFixture.run(() -> {
      List<String> trace = new ArrayList<>();
      assertThrows(
          TimeoutException.class,
          () ->
              Copas.within(
                  SHORT,
                  () -> {
                    try {
                      Copas.within(LONG, () -> Copas.pause(LONG));
                    } catch (InterruptedException e) {
                      trace.add("the outer time");
                      throw e;
                    }
                  }));
      Copas.within(
          LONG,
          () -> {
            assertThrows(
                TimeoutException.class, () -> Copas.within(SHORT, () -> Copas.pause(LONG)));
            trace.add("the inner time");
            Copas.pause();
          });
      assertEquals(List.of("the outer time", "the inner time"), trace);
    });
  }

  @Test
  void whoSwallowsItCannotWaitAgainInThere() {
    LoopFixture.run(() -> {
      int[] swallowed = {0};
      assertThrows(
          TimeoutException.class,
          () ->
              Copas.within(
                  SHORT,
                  () -> {
                    while (swallowed[0] < 3) {
                      try {
                        Copas.pause(LONG);
                      } catch (InterruptedException e) {
                        swallowed[0]++;
                      }
                    }
                    Copas.pauseForever();
                  }));
      assertEquals(3, swallowed[0]);
    });
  }

  @Test
  void zeroOnlyLooks() throws Exception {
    try (var fixture = new LoopFixture()) {
      CopasServerSocket server = fixture.echo();
      fixture.loop(() -> {
        try (CopasSocket socket = fixture.copas.connect("127.0.0.1", server.getLocalPort())) {
          assertThrows(
              TimeoutException.class,
              () -> Copas.<@Nullable String, IOException>within(Duration.ZERO, socket::receive));
          socket.send("x\n");
          socket.send("y\n");
          assertEquals("x", socket.receive());
          assertEquals(
              "y", Copas.<@Nullable String, IOException>within(Duration.ZERO, socket::receive));
        }
        fixture.copas.removeServer(server);
      });
    }
  }

  @Test
  void aCancelledTaskIsCancelledAndNotOutOfTime() {
    try (var fixture = new LoopFixture()) {
      List<String> trace = new ArrayList<>();
      Task task =
          fixture.add(() -> {
            try {
              Copas.within(LONG, () -> Copas.pause(LONG));
            } catch (InterruptedException e) {
              trace.add("cancelled");
            }
          });
      fixture.loop(() -> {
        Copas.pause();
        task.cancel();
      });
      assertEquals(List.of("cancelled"), trace);
    }
  }

  @Test
  void aNegativeTimeAndAForeignThreadAreClearErrors() {
    LoopFixture.assertSays(
        "not a task", IllegalStateException.class, () -> Copas.within(SHORT, () -> {}));
    LoopFixture.run(() ->
        LoopFixture.assertSays(
            "negative",
            IllegalArgumentException.class,
            () -> Copas.within(Duration.ofNanos(-1), () -> {})));
  }

  @Test
  void aTaskThatTheLoopHadToLetGoMayLeaveItsScope() throws Exception {
    var left = new LinkedBlockingQueue<String>();
    var options = Options.defaults().closeTimeout(Duration.ofMillis(50));
    try (var log = new LoopFixture.Log()) {
      Copas copas = Modes.create(options);
      var permits = new Semaphore(0);
      copas.start();
      Task stubborn =
          copas.addThread(() -> {
            Copas.within(LONG, () -> permits.acquireUninterruptibly());
            left.add("left");
          });
      LoopFixture.eventually(() -> stubborn.state() == Task.State.WAITING);
      copas.close();
      log.await("did not end");
      permits.release();
      assertEquals("left", left.poll(20, TimeUnit.SECONDS));
      assertTrue(stubborn.join(LONG));
    }
  }

  @Test
  void aTaskThatWasCancelledBeforeHasItsTimeLikeAnyOther() {
    try (var fixture = new LoopFixture()) {
      List<String> trace = new ArrayList<>();
      Task task =
          fixture.add(() -> {
            try {
              Copas.pauseForever();
            } catch (InterruptedException e) {
              assertThrows(
                  TimeoutException.class, () -> Copas.within(SHORT, () -> Copas.pause(LONG)));
              assertThrows(
                  TimeoutException.class, () -> Copas.within(SHORT, () -> Thread.sleep(LONG)));
              assertFalse(Thread.currentThread().isInterrupted());
              trace.add("cleaned up in time");
            }
          });
      fixture.loop(() -> {
        Copas.pause();
        task.cancel();
      });
      assertEquals(List.of("cleaned up in time"), trace);
    }
  }

  @Test
  void anInnerTimeDoesNotTakeTheInterruptOfAnOuterOne() {
    LoopFixture.run(() -> {
      var permits = new Semaphore(0);
      assertThrows(
          TimeoutException.class,
          () ->
              Copas.within(
                  SHORT.multipliedBy(2),
                  () -> {
                    Copas.within(
                        SHORT,
                        () -> {
                          var late = new Thread(() -> releaseAfter(SHORT.multipliedBy(5), permits));
                          late.start();
                          permits.acquireUninterruptibly(); // Both times are over meanwhile.
                        });
                    Thread.sleep(LONG);
                  }));
      assertFalse(Thread.currentThread().isInterrupted());
    });
  }

  private static void releaseAfter(Duration time, Semaphore permits) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    permits.release();
  }
}
