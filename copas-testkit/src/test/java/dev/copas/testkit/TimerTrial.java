package dev.copas.testkit;

import static dev.copas.testkit.Crowd.check;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.Task;
import dev.copas.sync.CopasTimer;
import dev.copas.testkit.Crowd.Member;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A timer calls at the moment that it is armed for, and never when that was taken back. */
public final class TimerTrial {

  private final Crowd crowd;
  private final List<Model> models = new ArrayList<>();

  private TimerTrial(Crowd crowd) {
    this.crowd = crowd;
    for (int i = 0; i < 3; i++) {
      models.add(new Model());
    }
  }

  /** Runs it with one seed. */
  public static void run(long seed) {
    Simulation.run(
        seed,
        simulation -> {
          var crowd = new Crowd(simulation);
          var trial = new TimerTrial(crowd);
          crowd.run(trial::act, trial::end);
        });
  }

  private boolean act(Member self) {
    Model model = models.get(crowd.random.nextInt(models.size()));
    switch (crowd.random.nextInt(6)) {
      case 0 -> model.cancel();
      case 1 -> model.close();
      case 2 -> model.wakeTask();
      default -> model.arm();
    }
    if (crowd.oneIn(8)) {
      crowd.cancelSomebody();
    }
    return true;
  }

  private void end() throws InterruptedException {
    models.forEach(Model::close);
    Copas.pause(Duration.ofMinutes(1));
    models.forEach(Model::check);
  }

  /** From being armed to being cancelled, or to the only call. */
  private final class Arming {

    private long due;
    private boolean calls;

    Arming(Duration delay) {
      await(delay);
    }

    void await(Duration delay) {
      calls = false;
      due = crowd.now() + delay.toNanos();
    }

    void begins() {
      check(!calls, "it is in a call already");
      check(due == crowd.now(), "it calls " + (crowd.now() - due) + " ns late");
      calls = true;
    }

    /** A call that was under way when it was due has ended now. */
    void notBeforeNow() {
      if (due - crowd.now() < 0) { // The clock may run over.
        due = crowd.now();
      }
    }

    void checkNotLate() {
      check(calls || due - crowd.now() >= 0, "it should have called");
    }
  }

  private final class Model {

    private final boolean recurring = crowd.random.nextBoolean();
    private final Duration delay = Duration.ofMillis(crowd.random.nextInt(1, 4));
    private @Nullable Arming arming;
    private @Nullable Task task;
    private boolean calling;
    private int failures;
    private int reports;
    private final CopasTimer timer = create();

    private CopasTimer create() {
      Duration initialDelay = crowd.someTime();
      arming = new Arming(initialDelay);
      CopasTimer.Builder builder =
          CopasTimer.builder(crowd.copas).initialDelay(initialDelay).errorHandler(this::report);
      return recurring ? builder.every(delay, this::called) : builder.once(delay, this::called);
    }

    private void report(Throwable error, Task failed, @Nullable CopasSocket socket) {
      if (error instanceof IOException) {
        reports++;
      } else {
        crowd.copas.getErrorHandler().handle(error, failed, socket);
      }
    }

    private void called(CopasTimer self) throws Exception {
      if (arming == null) {
        throw new AssertionError("it was cancelled, and calls");
      }
      Crowd.check(!calling, "its calls overlap");
      calling = true;
      Arming mine = arming;
      mine.begins();
      if (!recurring) {
        arming = null;
      }
      task = Copas.current();
      try {
        use();
      } finally {
        calling = false;
        mine.await(delay);
        if (arming != null) {
          arming.notBeforeNow();
        }
      }
    }

    private void use() throws Exception {
      check();
      switch (crowd.random.nextInt(4)) {
        case 0 -> arm();
        case 1 -> close();
        case 2 -> {
          failures++;
          throw new IOException();
        }
        default -> Copas.pause(crowd.someTime());
      }
    }

    void arm() {
      check();
      Duration first = crowd.someTime();
      if (arming == null) {
        arming = new Arming(first);
        timer.arm(first);
      } else {
        refuses(() -> timer.arm(first));
      }
    }

    void cancel() {
      check();
      if (arming == null) {
        refuses(timer::cancel);
      } else {
        arming = null;
        timer.cancel();
      }
    }

    void close() {
      check();
      arming = null;
      timer.close();
    }

    private void refuses(Runnable call) {
      try {
        call.run();
      } catch (IllegalStateException e) {
        return;
      }
      throw new AssertionError("it does what it should refuse: " + timer);
    }

    /** Shortens no delay. */
    void wakeTask() {
      if (task != null) {
        task.wakeup();
      }
    }

    void check() {
      Crowd.check(timer.isArmed() == (arming != null), "it is armed, or is not");
      Crowd.check(failures == reports, failures + " failures, and " + reports + " reports");
      if (arming != null && !calling) {
        arming.checkNotLate();
      }
    }
  }
}
