package dev.copas.cli.demo;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LagProbeTest {

  private static final Duration SHORT = Duration.ofMillis(100);
  private static final Duration LONG = Duration.ofMillis(200);

  /** What the loop that is watched has to run. Nobody does unless a test says so. */
  private final BlockingQueue<Runnable> loop = new LinkedBlockingQueue<>();

  private final LagProbe probe = new LagProbe(loop::add);
  private final Copas watcher = Copas.create();

  @BeforeEach
  void watch() {
    watcher.addThread(probe::watch);
    watcher.start();
  }

  @AfterEach
  void stop() {
    watcher.close();
  }

  @Test
  void aLoopThatDoesNotRunHasALagThatGrows() throws Exception {
    loop.take();
    Thread.sleep(SHORT);
    assertTrue(probe.longest().compareTo(SHORT) >= 0);
    Thread.sleep(SHORT);
    assertTrue(probe.longest().compareTo(LONG) >= 0);
  }

  @Test
  void aLagIsToldOfOnceWhenTheLoopRunsAgain() throws Exception {
    Runnable late = loop.take();
    Thread.sleep(LONG);
    late.run();
    assertTrue(probe.longest().compareTo(LONG) >= 0);
    do {
      loop.take().run();
    } while (probe.longest().compareTo(LONG) >= 0);
  }
}
