package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class StopAndCloseTest {

  /** What whoever stops a loop tries when another thread closes it just then. */
  @Test
  void takingTheLastTurnsOfAClosedLoopIsNoError() {
    var copas = Modes.create();
    copas.close();
    assertFalse(copas.machine.runIfFree(copas.lifecycle.new Run(false, () -> {})));
    assertThrows(
        IllegalStateException.class,
        () -> copas.machine.run(copas.lifecycle.new Run(false, () -> {})));
  }

  /** As a shutdown hook does it that was installed early. */
  @RepeatedTest(100)
  void aStopThatComesBeforeTheLoopIsNoError() throws Exception {
    try (var copas = Modes.create()) {
      copas.addServer(copas.bind("127.0.0.1", 0), CopasSocket::receive);
      var stopping = new FutureTask<>(() -> copas.stop(Duration.ofSeconds(1)));
      Thread.ofPlatform().start(stopping);
      copas.loop();
      assertTrue(stopping.get());
    }
  }

  /** As a shutdown hook does it, while main closes what it ran. */
  @RepeatedTest(100)
  void aLoopMayBeClosedWhileItsStopIsNotYetOver() throws Exception {
    FutureTask<Boolean> stopping;
    try (var copas = Modes.create()) {
      copas.addServer(copas.bind("127.0.0.1", 0), CopasSocket::receive);
      stopping = new FutureTask<>(() -> copas.stop(Duration.ofSeconds(1)));
      copas.loop(() -> Thread.ofPlatform().start(stopping));
    }
    assertTrue(stopping.get());
  }

  /** What waits for a wake-up when the loop is about to return, is cancelled and has not failed. */
  @RepeatedTest(300)
  void aCloseMayMeetALoopThatIsAboutToReturn() {
    var failures = new ConcurrentLinkedQueue<Throwable>();
    var copas = Modes.create();
    copas.setErrorHandler((error, task, socket) -> failures.add(error));
    copas.addThread(Copas::pauseForever);
    copas.start();
    copas.exit();
    copas.close();
    assertEquals(List.of(), List.copyOf(failures));
  }
}
