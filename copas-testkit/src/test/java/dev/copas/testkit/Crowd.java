package dev.copas.testkit;

import dev.copas.Copas;
import dev.copas.Task;
import dev.copas.TaskBody;
import dev.copas.testkit.Place.End;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Tasks that use one thing together, as the seed says, and are cancelled meanwhile.
 *
 * <p>Others run only while a task waits. So a model that is changed next to each call is always in
 * the state that the real thing should be in, and says how each call must end, and when. Times are
 * a few whole milliseconds: much happens at the same moment.
 *
 * <p>Needs nothing but the kit and the core: it also runs on cores that were tampered with.
 */
final class Crowd {

  private static final Duration HOUR = Duration.ofHours(1);
  private static final int MEMBERS = 5;
  private static final int ROUNDS = 12;

  final Copas copas;
  final RandomGenerator random;
  private final List<Member> members = new ArrayList<>();

  Crowd(Simulation simulation) {
    this.copas = simulation.copas();
    this.random = simulation.random();
  }

  /** What a member does in one round. */
  @FunctionalInterface
  interface Act {

    /** Returns whether the member goes on. */
    boolean act(Member self) throws InterruptedException;
  }

  /** A call that may wait; it returns whether it got what it wanted. */
  @FunctionalInterface
  interface Call {
    boolean call() throws InterruptedException, TimeoutException;
  }

  static void check(boolean good, String what) {
    if (!good) {
      throw new AssertionError(what);
    }
  }

  long now() {
    return copas.nanoTime();
  }

  boolean oneIn(int number) {
    return random.nextInt(number) == 0;
  }

  Duration someTime() {
    return Duration.ofMillis(random.nextInt(4));
  }

  /** Null is for ever. */
  @Nullable Duration someTimeOrEver() {
    return oneIn(4) ? null : someTime();
  }

  static boolean isAtOnce(@Nullable Duration atMost) {
    return atMost != null && atMost.isZero();
  }

  /** Runs something on a thread that is none of the loop's, while the loop does nothing. */
  static void elsewhere(Runnable body) {
    Thread thread = Thread.ofPlatform().start(body);
    while (thread.isAlive()) {
      Thread.onSpinWait(); // Whatever waits politely lets other tasks run.
    }
  }

  /**
   * Runs some members, and ends what they use: amid it, or when only those are left who wait for
   * ever. Then nobody may still wait.
   */
  void run(Act act, TaskBody end) throws Exception {
    for (int i = 0; i < MEMBERS; i++) {
      add(act);
    }
    Copas.pause(random.nextBoolean() ? HOUR : Duration.ofMillis(random.nextInt(30)));
    end.run();
    for (Member member : members) {
      check(member.task().join(HOUR), "a member waits, and nobody ends it");
    }
  }

  private void add(Act act) {
    var member = new Member();
    members.add(member);
    member.task = copas.addThread("member-" + members.size(), () -> member.run(act));
  }

  /** Maybe the caller itself, maybe one who has just got something, or has ended. */
  void cancelSomebody() {
    members.get(random.nextInt(members.size())).cancel();
  }

  /** A task that goes on when it was cancelled. */
  final class Member {

    private @Nullable Task task;
    private boolean cancelled;

    Task task() {
      return Objects.requireNonNull(task);
    }

    private void cancel() {
      cancelled = true;
      task().cancel();
    }

    private void run(Act act) {
      boolean goesOn = true;
      for (int round = 0; goesOn && round < ROUNDS; round++) {
        try {
          pause();
          goesOn = act.act(this);
        } catch (InterruptedException e) {
          check(cancelled, "interrupted by nobody");
          noticeCancellation();
        }
      }
    }

    void pause() throws InterruptedException {
      Copas.pause(someTime());
      checkStatus();
    }

    /**
     * Makes a call that may wait so long, maybe within a limit, and checks that it ends how and
     * when it must.
     *
     * @param atMost null is for ever
     */
    End await(Place place, @Nullable Duration atMost, Call call) {
      Duration limit = oneIn(4) ? someTime() : null;
      long begin = now();
      End end = within(limit, call);
      Duration waited = Duration.ofNanos(now() - begin);
      if (place.decides(end)) {
        place.check(end);
      } else if (end == End.TIMED_OUT) {
        check(waited.equals(atMost), "after " + waited + ", not " + atMost);
      } else {
        check(end == End.CANCELLED, "it was " + end + ", and nobody did that");
        check(cancelled || waited.equals(limit), "interrupted by nobody, in " + limit);
      }
      if (end == End.CANCELLED) {
        noticeCancellation();
      } else {
        checkStatus();
      }
      return end;
    }

    /** The one that was told of is over; one that came since is still to be told of. */
    private void noticeCancellation() {
      cancelled = Thread.currentThread().isInterrupted();
    }

    /** Who was cancelled and has what it waited for is told at its next wait. */
    private void checkStatus() {
      check(
          cancelled == Thread.currentThread().isInterrupted(),
          cancelled ? "a cancellation got lost" : "cancelled by nobody");
    }
  }

  private static End within(@Nullable Duration limit, Call call) {
    try {
      return limit == null ? end(call) : Copas.within(limit, () -> end(call));
    } catch (TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  private static End end(Call call) {
    try {
      return call.call() ? End.GOT : End.TIMED_OUT;
    } catch (TimeoutException e) {
      return End.TIMED_OUT;
    } catch (InterruptedException e) {
      return End.CANCELLED;
    } catch (IllegalStateException e) {
      return End.GONE;
    }
  }
}
