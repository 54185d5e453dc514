package dev.copas.testkit;

import static dev.copas.testkit.Crowd.check;

import dev.copas.Copas;
import dev.copas.sync.CopasFuture;
import dev.copas.testkit.Crowd.Member;
import dev.copas.testkit.Place.End;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A result comes once, and all see the same one as soon as it is there. */
public final class FutureTrial {

  private static final String CANCELLED = "cancelled";

  private final Crowd crowd;
  private final CopasFuture<String> future;
  private final ArrayDeque<Place> line = new ArrayDeque<>();
  private @Nullable String outcome;
  private int lastResult;
  private boolean beganTooLate;

  /** What the body threw when there was an outcome already: the error handler gets it. */
  private @Nullable Throwable unheard;

  private @Nullable Throwable reported;

  private FutureTrial(Crowd crowd) {
    this.crowd = crowd;
    future =
        crowd.random.nextBoolean()
            ? new CopasFuture<>(crowd.copas)
            : CopasFuture.addThread(crowd.copas, this::body);
  }

  /** Runs it with one seed. */
  public static void run(long seed) {
    Simulation.run(
        seed,
        simulation -> {
          var crowd = new Crowd(simulation);
          var trial = new FutureTrial(crowd);
          if (crowd.oneIn(8)) {
            trial.give(CANCELLED, trial.future::cancel); // Before a body could begin.
          }
          crowd.run(trial::act, trial::end);
        });
  }

  private String body() throws Exception {
    beganTooLate = outcome != null;
    Copas.current().setErrorHandler((error, task, socket) -> reported = error);
    String result = "of the body";
    Copas.pause(crowd.someTime().multipliedBy(5));
    if (crowd.random.nextBoolean()) {
      settle(result);
      return result;
    }
    var failure = new IOException(result);
    if (outcome != null) {
      unheard = failure;
    }
    settle("failure " + result);
    throw failure;
  }

  private boolean act(Member self) {
    if (crowd.oneIn(4)) {
      crowd.cancelSomebody();
    }
    if (crowd.oneIn(20)) {
      giveResult();
    } else {
      get(self);
    }
    check(future.isDone() == (outcome != null), future + ", but it was " + outcome);
    check(future.isCancelled() == CANCELLED.equals(outcome), future + ", but it was " + outcome);
    return true;
  }

  private void get(Member self) {
    Duration atMost = crowd.someTimeOrEver();
    var place = new Place(crowd);
    if (outcome != null) {
      place.end(End.GOT);
    } else {
      line.add(place);
    }
    self.await(
        place,
        atMost,
        () -> {
          String seen = outcome(atMost);
          check(seen.equals(outcome), "it was " + outcome + ", and " + seen + " is seen");
          return true;
        });
    line.remove(place);
  }

  private String outcome(@Nullable Duration atMost) throws InterruptedException, TimeoutException {
    try {
      return atMost == null ? future.get() : future.get(atMost);
    } catch (ExecutionException e) {
      return "failure " + Objects.requireNonNull(e.getCause()).getMessage();
    } catch (CancellationException e) {
      return CANCELLED;
    }
  }

  private void giveResult() {
    String result = "result " + ++lastResult;
    switch (crowd.random.nextInt(4)) {
      case 0 -> give(CANCELLED, future::cancel);
      case 1 -> give("failure " + result, () -> future.fail(new IOException(result)));
      case 2 -> give(result, () -> future.complete(result));
      default -> give(result, () -> completeElsewhere(result));
    }
  }

  private boolean completeElsewhere(String result) {
    var first = new boolean[1];
    Crowd.elsewhere(() -> first[0] = future.complete(result));
    line.forEach(Place::mayBeCancelled); // Before they are told.
    return first[0];
  }

  private void give(String result, BooleanSupplier call) {
    boolean first = outcome == null;
    check(call.getAsBoolean() == first, outcome + " was not the only result: " + result);
    settle(result);
  }

  private void settle(String result) {
    if (outcome == null) {
      outcome = result;
      line.forEach(place -> place.end(End.GOT));
      line.clear();
    }
  }

  private void end() {
    check(!beganTooLate, "the body was cancelled, and began");
    String result = "the last";
    give(result, () -> future.complete(result));
    check(reported == unheard, unheard + " was thrown, and told was " + reported);
  }
}
