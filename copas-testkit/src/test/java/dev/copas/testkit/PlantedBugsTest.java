package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * Would the seeds find a bug? Here are some of the worst, each planted into a core of its own; see
 * {@link WorkoutTest} and {@link SyncTrialsTest} for the core that has none.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // Some bugs never end.
class PlantedBugsTest {

  static final int SEEDS = 200;

  @ParameterizedTest
  @FieldSource({"dev.copas.testkit.PlantedBug#ALL", "dev.copas.testkit.PlantedSyncBugs#ALL"})
  void aSeedFindsIt(PlantedBug bug, TestReporter reporter) throws Throwable {
    try (var core = TamperedCore.with(bug)) {
      Class<?> finder = core.loadClass(bug.finder().getName());
      assertEquals(core, finder.getClassLoader());
      MethodHandle run =
          MethodHandles.publicLookup()
              .findStatic(finder, "run", MethodType.methodType(void.class, long.class));
      reporter.publishEntry(bug.name(), firstFailure(run));
    }
  }

  private static String firstFailure(MethodHandle run) throws Throwable {
    for (long seed = 1; seed <= SEEDS; seed++) {
      try {
        run.invokeExact(seed);
      } catch (AssertionError e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      }
    }
    return fail("no seed up to " + SEEDS + " finds it");
  }
}
