package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.loop.Clock;
import dev.copas.loop.Environment;
import dev.copas.transport.Transport;
import dev.copas.transport.Transports;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How often a loop that always has something to do looks at its sockets. */
@Tag("native")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PollIntervalTest {

  private static final String LOCAL = "127.0.0.1";
  private static final int TURNS = 1000;
  private static final long INTERVAL = 100;

  private long now;
  private long interval = INTERVAL;
  private int polls;
  private boolean reachedTheEnd;

  /** Stands still but for what the test adds. */
  private final Clock clock =
      new Clock() {
        @Override
        public long nanoTime() {
          return now;
        }

        @Override
        public long pollInterval() {
          return interval;
        }

        @Override
        public void sleep(Transport transport, long nanos, boolean quiet) throws IOException {
          transport.poll(0);
        }
      };

  private Copas copas() throws IOException {
    var system = Environment.ofNativeMode(Transports.NIO);
    var environment = new Environment(system.carrier(), counting(system.transport()), clock);
    return Copas.create(Options.defaults().watchdogLimit(Duration.ZERO), environment);
  }

  private Transport counting(Transport transport) {
    return (Transport)
        Proxy.newProxyInstance(
            Transport.class.getClassLoader(),
            new Class<?>[] {Transport.class},
            (_, method, arguments) -> {
              if (method.getName().equals("poll")) {
                polls++;
              }
              return method.invoke(transport, arguments);
            });
  }

  private int pollsInTurnsOf(long nanos) throws IOException {
    var polledMeanwhile = new int[1];
    try (var copas = copas()) {
      copas.loop(() -> {
        int before = polls;
        for (int i = 0; i < TURNS; i++) {
          now += nanos;
          Copas.pause();
        }
        polledMeanwhile[0] = polls - before;
      });
    }
    return polledMeanwhile[0];
  }

  @Test
  void shortTurnsOfTasksThatAreReadyPassWithoutALook() throws Exception {
    int turnsForEachLook = 10;
    assertEquals(TURNS / turnsForEachLook, pollsInTurnsOf(INTERVAL / turnsForEachLook));
  }

  @Test
  void theTurnsTogetherTakeTheTimeThatPasses() throws Exception {
    try (var copas = copas()) {
      copas.addThread(() -> {
        for (int i = 0; i < TURNS; i++) {
          now += INTERVAL / 10;
          Copas.pause();
        }
      });
      copas.loop();
      assertEquals(now, copas.machine.turns().totalNanos());
    }
  }

  @Test
  void aLongTurnIsFollowedByALook() throws Exception {
    assertEquals(TURNS, pollsInTurnsOf(INTERVAL));
  }

  @Test
  void eachStepLooksHoweverShortItIs() throws Exception {
    try (var copas = copas()) {
      copas.addThread(Copas::pauseForever);
      copas.addThread(() -> {
        for (int i = 0; i < TURNS; i++) {
          Copas.pause();
        }
      });
      for (int i = 0; i < TURNS; i++) {
        assertTrue(copas.step(Duration.ZERO));
      }
      assertEquals(TURNS, polls);
    }
  }

  @Test
  void bytesThatCameInTimeAreReadThoughTheTimeIsOverAtTheNextLook() throws Exception {
    try (var copas = copas();
        var listener = new ServerSocket(0, 1, InetAddress.ofLiteral(LOCAL))) {
      copas.loop(() -> {
        CopasSocket socket = copas.connect(LOCAL, listener.getLocalPort());
        try (var peer = listener.accept()) {
          peer.getOutputStream().write('1');
          assertEquals('1', socket.getInputStream().read());
          Task busy = copas.addThread(this::pauses);
          Copas.pause(); // Here is a look.
          peer.getOutputStream().write('2');
          socket.setTimeouts(null, null, Duration.ofNanos(INTERVAL / 2));
          assertEquals('2', socket.getInputStream().read());
          busy.cancel();
        }
        reachedTheEnd = true;
      });
    }
    assertTrue(reachedTheEnd);
  }

  private void pauses() throws InterruptedException {
    while (true) {
      now += INTERVAL / 10;
      Copas.pause();
    }
  }

  @Test
  void withoutALookTimersFireAndOtherThreadsAreHeard() throws Exception {
    interval = Long.MAX_VALUE / 4;
    try (var copas = copas()) {
      copas.loop(() -> {
        Task busy = copas.addThread(this::pauses);
        Copas.pause(Duration.ofNanos(INTERVAL));
        var heard = new Semaphore(0);
        Thread.ofPlatform().start(() -> copas.execute(heard::release));
        while (!heard.tryAcquire()) {
          Copas.pause();
        }
        busy.cancel();
        Thread.ofPlatform().start(copas::exit);
        while (!copas.exiting()) {
          Copas.pause();
        }
        reachedTheEnd = true;
      });
    }
    assertTrue(reachedTheEnd);
  }

  @Test
  void aListenerThatATaskHasClosedIsGoneWhenCloseReturns() throws Exception {
    try (var copas = copas()) {
      copas.loop(() -> {
        for (int i = 0; i < 10; i++) {
          CopasServerSocket server = copas.bind(LOCAL, 0);
          int port = server.getLocalPort();
          copas.addServer(server, CopasSocket::close);
          Copas.pause();
          server.close();
          copas.bind(LOCAL, port).close();
        }
        reachedTheEnd = true;
      });
    }
    assertTrue(reachedTheEnd);
  }
}
