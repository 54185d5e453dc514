package dev.copas;

import dev.copas.loop.Reports;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.LogRecord;

/**
 * What became of a loop while some of its tasks made a call.
 *
 * @param longestWait how long another task, that wanted to go on every millisecond, had to wait
 * @param took how long it took until all had made the call
 * @param reports what the watchdog said meanwhile
 * @param failures what they threw
 */
record Observation(
    Duration longestWait, Duration took, List<LogRecord> reports, List<Throwable> failures) {

  /** How long a task may hold the loop until the watchdog says so. */
  static final Duration LIMIT = Duration.ofMillis(100);

  private static final Duration BEAT = Duration.ofMillis(1);

  /** What the tasks are called, with a number. */
  static final String CALLER = "caller";

  static Observation of(int tasks, TaskBody call) throws Exception {
    try (var log = new LoopFixture.Log();
        var copas = Modes.create(Options.defaults().watchdogLimit(LIMIT))) {
      var failures = new ArrayList<Throwable>();
      copas.setErrorHandler((error, task, socket) -> failures.add(error));
      var longest = new Duration[] {Duration.ZERO};
      var took = new Duration[] {Duration.ZERO};
      copas.loop(() -> {
        Task heart = copas.addThread("heart", () -> beat(longest));
        Copas.pause(BEAT.multipliedBy(5));
        long begin = System.nanoTime();
        for (Task caller : start(copas, tasks, call)) {
          caller.join();
        }
        took[0] = Duration.ofNanos(System.nanoTime() - begin);
        Copas.pause(BEAT.multipliedBy(5)); // Until the last beat was late, if it was.
        heart.cancel();
      });
      Reports.flush();
      return new Observation(longest[0], took[0], log.soFar(), failures);
    }
  }

  private static List<Task> start(Copas copas, int count, TaskBody call) {
    List<Task> tasks = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      tasks.add(copas.addThread(CALLER + "-" + i, call));
    }
    return tasks;
  }

  private static void beat(Duration[] longest) throws InterruptedException {
    while (true) {
      Duration pause = Copas.pause(BEAT).minus(BEAT);
      if (pause.compareTo(longest[0]) > 0) {
        longest[0] = pause;
      }
    }
  }
}
