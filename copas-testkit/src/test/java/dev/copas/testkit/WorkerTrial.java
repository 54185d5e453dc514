package dev.copas.testkit;

import static dev.copas.testkit.Crowd.check;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.Task;
import dev.copas.sync.CopasQueue;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Each item is worked on once, whatever becomes of the workers; and an end in order misses none.
 */
public final class WorkerTrial {

  private static final int ITEMS = 20;

  private final Copas copas;
  private final RandomGenerator random;
  private final CopasQueue<Integer> queue;
  private final List<Task> workers = new ArrayList<>();
  private final Set<Integer> begun = new HashSet<>();
  private int working;
  private int failures;
  private int reports;

  private WorkerTrial(Simulation simulation) {
    copas = simulation.copas();
    random = simulation.random();
    queue = new CopasQueue<>(copas);
  }

  /** Runs it with one seed. */
  public static void run(long seed) {
    Simulation.run(seed, simulation -> new WorkerTrial(simulation).run());
  }

  private void run() throws InterruptedException {
    for (int i = 0; i < 3; i++) {
      addWorker();
    }
    for (int item = 0; item < ITEMS; item++) {
      queue.push(item);
      Copas.pause(someTime());
      if (random.nextInt(8) == 0) {
        workers.get(random.nextInt(workers.size())).cancel();
        addWorker();
      }
    }
    finish();
    check(failures == reports, failures + " failures, and " + reports + " reports");
  }

  private Duration someTime() {
    return Duration.ofMillis(random.nextInt(4));
  }

  private void addWorker() {
    Task worker = queue.addWorker(this::work);
    worker.setErrorHandler(this::report);
    workers.add(worker);
  }

  private void report(Throwable error, Task worker, @Nullable CopasSocket socket) {
    if (error instanceof IOException) {
      reports++;
    } else {
      copas.getErrorHandler().handle(error, worker, socket);
    }
  }

  private void work(Integer item) throws Exception {
    check(begun.add(item), "twice: item " + item);
    working++;
    try {
      Copas.pause(someTime().multipliedBy(3));
      if (random.nextInt(4) == 0) {
        failures++;
        throw new IOException("item " + item);
      }
    } finally {
      working--;
    }
  }

  private void finish() throws InterruptedException {
    Duration atMost = random.nextInt(4) == 0 ? null : someTime().multipliedBy(8);
    boolean keeps = random.nextBoolean();
    long begin = copas.nanoTime();
    boolean done = keeps ? queue.awaitFinish(atMost) : queue.finish(atMost);
    var waited = Duration.ofNanos(copas.nanoTime() - begin);
    check(done || waited.equals(atMost), "it gave up after " + waited + ", not " + atMost);
    check(atMost == null || waited.compareTo(atMost) <= 0, "it took " + waited);
    Copas.pause(Duration.ofMinutes(1)); // What is left to the workers, if anything.
    check(working == 0 && queue.getWorkers().isEmpty(), "workers go on");
    check(
        workers.stream().allMatch(worker -> worker.state() == Task.State.ENDED), "they do not end");
    check(begun.size() == ITEMS || !(done || keeps), "only " + begun + " were worked on");
  }
}
