package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.Task;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Deadlines are exact, which only a clock that does not run by itself can show. */
@Timeout(60)
class DeadlinesTest {

  private static final Duration SECOND = Duration.ofSeconds(1);

  @Test
  void theTimeOfAScopeIsForAllItsWaitsTogether() {
    Simulation.run(
        1,
        simulation -> {
          assertThrows(
              TimeoutException.class,
              () ->
                  Copas.within(
                      SECOND.multipliedBy(10),
                      () -> {
                        while (true) {
                          Copas.pause(SECOND.multipliedBy(3));
                        }
                      }));
          assertEquals(SECOND.multipliedBy(10), simulation.now());
        });
  }

  @Test
  void theShorterOfNestedScopesEndsFirstAndTheLongerInItsTime() {
    Simulation.run(
        1,
        simulation -> {
          assertThrows(
              TimeoutException.class,
              () ->
                  Copas.within(
                      SECOND.multipliedBy(5),
                      () -> {
                        assertThrows(
                            TimeoutException.class,
                            () -> Copas.within(SECOND, () -> Copas.pauseForever()));
                        assertEquals(SECOND, simulation.now());
                        Copas.within(SECOND.multipliedBy(60), () -> Copas.pauseForever());
                      }));
          assertEquals(SECOND.multipliedBy(5), simulation.now());
        });
  }

  @Test
  void aTimeThatIsOverLeavesNoTimerBehind() {
    Simulation.run(
        1,
        simulation -> {
          Copas.within(SECOND, () -> {});
          assertEquals(SECOND.multipliedBy(2), Copas.pause(SECOND.multipliedBy(2)));
          assertFalse(Thread.currentThread().isInterrupted());
          Copas.within(Duration.ofDays(300_000), () -> Copas.pause(SECOND));
        });
  }

  @Test
  void aReceiveTakesTheTimeOfItsScopeOrItsOwnWhateverIsShorter() {
    Simulation.run(
        1,
        simulation -> {
          var copas = simulation.copas();
          var server = copas.bind("127.0.0.1", 7777);
          copas.addServer(server, CopasSocket::receive);
          try (CopasSocket socket = copas.connect("127.0.0.1", 7777)) {
            socket.setTimeouts(null, null, SECOND.multipliedBy(2));
            var error =
                assertThrows(
                    TimeoutException.class,
                    () -> Copas.<@Nullable String, IOException>within(SECOND, socket::receive));
            assertInstanceOf(InterruptedIOException.class, error.getCause());
            assertEquals(SECOND, simulation.now());
            assertThrows(
                SocketTimeoutException.class,
                () ->
                    Copas.<@Nullable String, IOException>within(
                        SECOND.multipliedBy(9), socket::receive));
            assertEquals(SECOND.multipliedBy(3), simulation.now());
          }
        });
  }

  @Test
  void theTimeOfAReceiveIsForTheWholeCallAndNotForEachChunk() {
    Simulation.run(
        1,
        simulation -> {
          var copas = simulation.copas();
          copas.addServer(
              copas.bind("127.0.0.1", 7777),
              guest -> {
                for (int i = 0; i < 20; i++) {
                  guest.send("x");
                  Copas.pause(SECOND);
                }
              });
          try (CopasSocket socket = copas.connect("127.0.0.1", 7777)) {
            var timeout = Duration.ofMillis(10_500);
            socket.setTimeouts(null, null, timeout);
            assertThrows(SocketTimeoutException.class, socket::receive);
            assertEquals(timeout, simulation.now());
            socket.setTimeouts(null, null, null);
            assertEquals("x".repeat(20), socket.receive());
          }
        });
  }

  @Test
  void aTimeoutOfTheListeningSocketDoesNotEndItsServer() {
    Simulation.run(
        1,
        simulation -> {
          var copas = simulation.copas();
          var server = copas.bind("127.0.0.1", 7777);
          server.setSoTimeout(100);
          copas.addServer(server, guest -> guest.send("here\n"));
          Copas.pause(SECOND);
          try (CopasSocket socket = copas.connect("127.0.0.1", 7777)) {
            assertEquals("here", socket.receive());
          }
          copas.removeServer(server);
        });
  }

  @Test
  void pausesEndInTheOrderOfTheirDeadlines() {
    Simulation.explore(
        100,
        simulation -> {
          var ended = new ArrayList<Duration>();
          for (int i = 0; i < 20; i++) {
            Duration pause = Duration.ofMillis(simulation.random().nextInt(100));
            simulation
                .copas()
                .addThread(() -> {
                  Copas.pause(pause);
                  assertEquals(pause, simulation.now());
                  ended.add(pause);
                });
          }
          simulation.atEnd(() -> {
            assertEquals(20, ended.size());
            assertEquals(ended.stream().sorted().toList(), ended);
          });
        });
  }

  @Test
  void aPauseThatIsWokenSaysHowLongItReallyWas() {
    Simulation.run(
        1,
        simulation -> {
          Task scenario = Copas.current();
          simulation
              .copas()
              .addThread(() -> {
                Copas.pause(SECOND);
                scenario.wakeup();
              });
          assertEquals(SECOND, Copas.pause(Duration.ofDays(1)));
        });
  }

  @Test
  void aJoinWaitsAsLongAsItMayAndNoLonger() {
    Simulation.run(
        1,
        simulation -> {
          Task hour = simulation.copas().addThread(() -> Copas.pause(Duration.ofHours(1)));
          assertEquals(false, hour.join(SECOND));
          assertEquals(SECOND, simulation.now());
          hour.join();
          assertEquals(Duration.ofHours(1), simulation.now());
        });
  }
}
