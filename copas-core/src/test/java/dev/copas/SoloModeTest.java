package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.condition.OS;

/** What only solo mode has: its limits, and how it says so. */
@EnabledIfSystemProperty(named = "copas.mode", matches = "solo")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SoloModeTest {

  @Test
  void stepSaysThatItNeedsNativeMode() {
    try (var copas = Modes.create()) {
      var before = copas.addThread(() -> {});
      LoopFixture.assertSays("native mode", IllegalStateException.class, copas::step);
      LoopFixture.assertSays(
          "--add-opens", IllegalStateException.class, () -> copas.step(Duration.ofMillis(1)));
      assertEquals(Task.State.ACTIVE, before.state());
    }
  }

  @Test
  void aSecondLoopSaysThatItNeedsNativeModeAndTheFirstGoesOn() {
    try (var copas = Modes.create()) {
      LoopFixture.assertSays("one loop at a time", IllegalStateException.class, Modes::create);
      var ran = new ArrayList<String>();
      copas.loop(() -> ran.add("first"));
      assertEquals(List.of("first"), ran);
    }
    Modes.create().close();
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void whatIsRefusedTakesNoDescriptors() {
    var system = (UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    Copas open = Modes.create();
    try {
      long before = system.getOpenFileDescriptorCount();
      for (int i = 0; i < 50; i++) {
        assertThrows(IllegalStateException.class, Modes::create);
      }
      assertTrue(system.getOpenFileDescriptorCount() <= before + 10);
    } finally {
      open.close();
    }
  }

  @Test
  void anInterruptThatComesAsTheLoopReturnsIsNoExitOfTheNext() throws Exception {
    try (var copas = Modes.create()) {
      for (int i = 0; i < 300; i++) {
        Thread me = Thread.currentThread();
        int spins = i;
        Thread other =
            Thread.ofPlatform()
                .start(() -> {
                  for (int spin = 0; spin < spins * 20; spin++) {
                    Thread.onSpinWait();
                  }
                  me.interrupt();
                });
        copas.loop(() -> {});
        assertFalse(copas.exiting());
        while (other.isAlive()) {
          Thread.onSpinWait();
        }
        Thread.interrupted();
      }
    }
  }

  @Test
  void otherVirtualThreadsTakeTurnsWithTheTasks() throws Exception {
    try (var fixture = new LoopFixture()) {
      int[] inside = {0};
      int[] most = {0};
      Runnable section =
          () -> {
            for (int i = 0; i < 1000; i++) {
              most[0] = Math.max(most[0], ++inside[0]);
              inside[0]--;
              Thread.yield();
            }
          };
      Thread other = Thread.startVirtualThread(section);
      fixture.loop(section::run);
      other.join();
      assertEquals(1, most[0]);
    }
  }

  /** The scheduler looks at nothing else before both of them wait. */
  @Test
  void tasksThatGiveEachOtherNoRestAreReported() throws Exception {
    var over = new AtomicBoolean();
    try (var log = new LoopFixture.Log();
        var fixture = new LoopFixture(Options.defaults().watchdogLimit(Duration.ofMillis(100)))) {
      var queue = new SynchronousQueue<Integer>();
      fixture.start();
      fixture.add(() -> {
        while (!over.get()) {
          queue.put(1);
        }
        queue.put(0);
      });
      Task taker =
          fixture.copas.addThread(
              "taker",
              () -> {
                while (queue.take() == 1) {
                  // The next one.
                }
              });
      assertTrue(log.await("has held the loop").getThrown().getStackTrace().length > 0);
      over.set(true);
      taker.join();
    } finally {
      over.set(true);
    }
  }

  @Test
  void aTaskThatIsWokenWhileNobodyRunsTheLoopGoesOnWithTheNext() throws Exception {
    try (var fixture = new LoopFixture()) {
      boolean[] woken = {false};
      Task waiter =
          fixture.add(() -> {
            try {
              Copas.pauseForever();
            } catch (InterruptedException e) {
              woken[0] = true;
            }
          });
      fixture.loop();
      waiter.cancel();
      Thread.startVirtualThread(() -> {}).join(); // Whatever was woken before has run by now.
      assertFalse(woken[0]);
      fixture.loop();
      assertTrue(woken[0]);
    }
  }

  @Test
  void afterTheFirstVirtualThreadItSaysThatItIsTooLate() throws Exception {
    var result = LoopChildJvm.withoutFlag().run("soloTooLate");
    assertTrue(result.output().contains("the scheduler has begun already"), result.output());
    assertTrue(
        result.output().contains("-Djdk.virtualThreadScheduler.parallelism=1"), result.output());
    assertTrue(
        result.output().contains("--add-opens java.base/java.lang=ALL-UNNAMED"), result.output());
    assertEquals(1, result.exitCode());
  }

  @Test
  void withTheJvmsOptionsItIsNeverTooLate() throws Exception {
    var result =
        LoopChildJvm.inMode(
                "-Djdk.virtualThreadScheduler.parallelism=1",
                "-Djdk.virtualThreadScheduler.maxPoolSize=1")
            .run("soloTooLate");
    assertEquals(0, result.exitCode(), result.output());
  }
}
