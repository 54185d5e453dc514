package dev.copas.testkit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WorkoutTest {

  @Test
  void aLoopThatNobodyHasTamperedWithPasses() {
    for (int seed = 1; seed <= PlantedBugsTest.SEEDS; seed++) {
      Workout.run(seed);
    }
  }
}
