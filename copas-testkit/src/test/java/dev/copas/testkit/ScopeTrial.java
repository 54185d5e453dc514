package dev.copas.testkit;

import static dev.copas.testkit.Crowd.check;

import dev.copas.CheckedCallable;
import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.Task;
import dev.copas.sync.CopasFuture;
import dev.copas.sync.CopasScope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future.State;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** No task outlives its scope, the first failure is the one that is told, and the rest end. */
public final class ScopeTrial {

  /** How a task of the scope has ended; the exception is null when it returned. */
  private record Ended(int number, @Nullable Throwable exception) {}

  private static final class Failure extends Exception {

    private static final long serialVersionUID = 1;

    Failure(int number) {
      super("task " + number);
    }
  }

  private final Copas copas;
  private final RandomGenerator random;
  private final List<Ended> ended = new ArrayList<>();
  private final List<Task> tasks = new ArrayList<>();
  private int lastNumber;
  private int running;

  /** Whether a result, and not a failure, ends the rest. */
  private boolean firstWins;

  /** When that came about. */
  private @Nullable Long decided;

  /** Whether a task has gone on after that. */
  private boolean goesOn;

  private ScopeTrial(Simulation simulation) {
    copas = simulation.copas();
    random = simulation.random();
  }

  /** Runs it with one seed. */
  public static void run(long seed) {
    Simulation.run(seed, simulation -> new ScopeTrial(simulation).run());
  }

  private void run() throws Exception {
    Task owner = copas.addThread("owner", this::own);
    Copas.pause(Duration.ofMillis(random.nextInt(16)));
    switch (random.nextInt(4)) {
      case 0 -> owner.cancel();
      case 1 -> cancelOne();
      default -> {}
    }
    check(owner.join(Duration.ofHours(1)), "the owner waits for ever");
    int atTheEnd = lastNumber;
    Copas.pause(Duration.ofHours(1));
    check(!goesOn, "it was decided, and a task went on");
    check(atTheEnd == lastNumber, "a task began after the end of its scope");
  }

  private void cancelOne() {
    if (!tasks.isEmpty()) {
      tasks.get(random.nextInt(tasks.size())).cancel();
    }
  }

  private Duration someTime() {
    return Duration.ofMillis(random.nextInt(4));
  }

  private boolean oneIn(int number) {
    return random.nextInt(number) == 0;
  }

  /** Within a limit, since all of the tasks may wait for ever. */
  private void own() throws Exception {
    Duration limit = Duration.ofMillis(random.nextInt(4, 12));
    try {
      Copas.within(
          limit,
          () -> {
            switch (random.nextInt(4)) {
              case 0 -> all();
              case 1 -> first();
              default -> block();
            }
          });
    } catch (TimeoutException | InterruptedException e) {
      check(true, "an end like any other");
    } finally {
      check(running == 0, running + " tasks outlive their scope");
    }
  }

  // ---- What the owner does

  private void block() throws InterruptedException {
    try (var scope = CopasScope.open(copas)) {
      List<CopasFuture<Integer>> futures = new ArrayList<>();
      for (int i = random.nextInt(5); i > 0; i--) {
        futures.add(scope.fork(task(scope)));
        if (oneIn(4)) {
          Copas.pause(someTime());
        }
      }
      if (oneIn(6)) {
        return; // It joins nobody.
      }
      join(scope);
      futures.forEach(future -> check(future.state() == State.SUCCESS, future + " is joined"));
    } catch (ExecutionException e) {
      checkFirstFailure(e);
    }
  }

  private void join(CopasScope scope) throws InterruptedException, ExecutionException {
    try {
      scope.join();
    } catch (ExecutionException e) {
      check(running == 0, "it failed, and " + running + " tasks go on");
      throw e;
    }
    check(running == 0, "it is joined, and " + running + " tasks go on");
  }

  private void all() throws InterruptedException {
    try {
      List<Integer> results = CopasScope.all(copas, calls());
      List<Integer> numbers = new ArrayList<>(results);
      numbers.sort(null);
      check(numbers.equals(results), "the results are in disorder: " + results);
      check(ended.size() == results.size(), ended + " gave only " + results);
    } catch (ExecutionException e) {
      checkFirstFailure(e);
    }
  }

  private void first() throws InterruptedException {
    List<CheckedCallable<Integer, Exception>> calls = calls();
    if (calls.isEmpty()) {
      return;
    }
    firstWins = true;
    try {
      Integer result = CopasScope.first(copas, calls);
      Ended winner = ended.stream().filter(end -> end.exception == null).findFirst().orElseThrow();
      check(winner.number == result, winner + " was the first, not " + result);
    } catch (ExecutionException e) {
      check(ended.stream().noneMatch(end -> end.exception == null), "one had a result: " + ended);
      int causes = 1 + causeOf(e).getSuppressed().length;
      check(causes == calls.size(), calls.size() + " failed, and it tells of " + causes);
    }
  }

  private List<CheckedCallable<Integer, Exception>> calls() {
    List<CheckedCallable<Integer, Exception>> calls = new ArrayList<>();
    for (int i = random.nextInt(5); i > 0; i--) {
      calls.add(task(null));
    }
    return calls;
  }

  private static Throwable causeOf(ExecutionException failure) {
    return Objects.requireNonNull(failure.getCause());
  }

  private void checkFirstFailure(ExecutionException told) {
    check(running == 0, "it failed, and " + running + " tasks go on");
    Ended first = ended.stream().filter(end -> end.exception != null).findFirst().orElseThrow();
    boolean cancelled = first.exception instanceof InterruptedException;
    check(
        cancelled
            ? causeOf(told) instanceof CancellationException
            : causeOf(told) == first.exception,
        first + " was the first, and told was " + causeOf(told));
  }

  // ---- What its tasks do

  /** Some return, some fail, some wait for ever, and some fork others where there is a scope. */
  private CheckedCallable<Integer, Exception> task(@Nullable CopasScope scope) {
    int number = ++lastNumber;
    return () -> {
      tasks.add(Copas.current());
      Copas.current().setErrorHandler(this::tellUnheard);
      noteWhetherDecided();
      running++;
      Throwable exception = null;
      try {
        return result(number, scope);
      } catch (Failure | InterruptedException e) {
        exception = e;
        throw e;
      } finally {
        running--;
        ended(new Ended(number, exception));
      }
    };
  }

  /** Failures of which the owner heard nothing, since it did not join or was cancelled. */
  private void tellUnheard(Throwable error, Task task, @Nullable CopasSocket socket) {
    if (!(error instanceof Failure)) {
      copas.getErrorHandler().handle(error, task, socket);
    }
  }

  private void ended(Ended end) {
    ended.add(end);
    if (decided == null && firstWins == (end.exception == null)) {
      decided = copas.nanoTime();
    }
  }

  /**
   * In the same turn it may come before the news. What a task throws is the business of its scope.
   */
  private void noteWhetherDecided() {
    goesOn |= decided != null && decided != copas.nanoTime();
  }

  private void pause() throws InterruptedException {
    Copas.pause(someTime());
    noteWhetherDecided();
  }

  private int result(int number, @Nullable CopasScope scope) throws Failure, InterruptedException {
    try {
      pause();
      switch (random.nextInt(6)) {
        case 0 -> throw new Failure(number);
        case 1 -> Copas.pauseForever();
        case 2 -> fork(scope);
        default -> pause();
      }
      return number;
    } catch (InterruptedException e) {
      if (oneIn(3)) {
        Copas.pause(someTime()); // It takes its time.
      }
      throw e;
    }
  }

  private void fork(@Nullable CopasScope scope) throws InterruptedException {
    if (scope != null) {
      try {
        var _ = scope.fork(task(scope));
      } catch (IllegalStateException e) {
        check(Copas.current().isCancelled(), "an open scope refuses a task: " + e);
      }
      pause();
    }
  }
}
