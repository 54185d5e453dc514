package dev.copas.testkit;

import java.util.function.LongConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Timers, locks, semaphores, queues, futures and scopes, each against a plain model of it; see
 * {@link PlantedBugsTest} for whether that would find a bug.
 */
@Timeout(120)
class SyncTrialsTest {

  private static final int SEEDS = 2000;

  /** A thread for each call from elsewhere takes longer than all the rest. */
  private static final int SEEDS_WITH_THREADS = 300;

  private static void explore(int seeds, LongConsumer trial) {
    Long only = Long.getLong(Simulation.SEED_PROPERTY);
    if (only != null) {
      trial.accept(only);
      return;
    }
    for (int seed = 1; seed <= seeds; seed++) {
      trial.accept(seed);
    }
  }

  @Test
  void timer() {
    explore(SEEDS, TimerTrial::run);
  }

  @Test
  void lock() {
    explore(SEEDS, LockTrial::run);
  }

  @Test
  void semaphore() {
    explore(SEEDS, SemaphoreTrial::run);
  }

  @Test
  void queue() {
    explore(SEEDS, QueueTrial::run);
  }

  @Test
  void queueThatOtherThreadsUse() {
    explore(SEEDS_WITH_THREADS, ArrivalTrial::run);
  }

  @Test
  void queueWithWorkers() {
    explore(SEEDS, WorkerTrial::run);
  }

  @Test
  void future() {
    explore(SEEDS_WITH_THREADS, FutureTrial::run);
  }

  @Test
  void scope() {
    explore(SEEDS, ScopeTrial::run);
  }
}
