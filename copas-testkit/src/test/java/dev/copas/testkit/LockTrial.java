package dev.copas.testkit;

import static dev.copas.testkit.Crowd.check;

import dev.copas.sync.CopasLock;
import dev.copas.testkit.Crowd.Member;
import dev.copas.testkit.Place.End;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** One task at a time has it, the next one is the first who came, and no owner takes it away. */
public final class LockTrial {

  private final Crowd crowd;
  private final @Nullable Duration timeout;
  private final boolean reentrant;
  private final CopasLock lock;
  private final Model model = new Model();
  private final List<String> reports = new ArrayList<>();

  private LockTrial(Crowd crowd) {
    this.crowd = crowd;
    timeout = crowd.someTimeOrEver();
    reentrant = crowd.random.nextBoolean();
    lock =
        reentrant
            ? new CopasLock(crowd.copas, timeout)
            : CopasLock.notReentrant(crowd.copas, timeout);
  }

  /** Runs it with one seed. */
  public static void run(long seed) {
    Simulation.run(
        seed,
        simulation -> {
          var crowd = new Crowd(simulation);
          var trial = new LockTrial(crowd);
          crowd.run(trial::act, trial::destroy);
          simulation.atEnd(trial::checkReports);
        });
  }

  private boolean act(Member self) throws InterruptedException {
    if (crowd.oneIn(8)) {
      crowd.cancelSomebody();
    }
    if (!get(self)) {
      return !model.gone;
    }
    if (crowd.oneIn(12)) {
      endWithTheLock(self);
      return false;
    }
    try {
      useIt(self);
    } finally {
      release();
    }
    if (crowd.oneIn(3)) {
      crowd.cancelSomebody(); // In the same turn as the next one gets it.
    }
    return true;
  }

  private void useIt(Member self) throws InterruptedException {
    check(model.owner == self, "two have it");
    if (crowd.oneIn(3) && get(self)) {
      release();
    }
    self.pause();
    check(model.gone || model.owner == self, "another one has it, too");
  }

  private boolean get(Member self) {
    boolean limitOfTheLock = crowd.oneIn(3);
    Duration atMost = limitOfTheLock ? timeout : crowd.someTimeOrEver();
    Getter getter = model.get(self, atMost);
    End end = self.await(getter, atMost, () -> limitOfTheLock ? getHold() : lock.tryGet(atMost));
    model.leave(getter);
    return end == End.GOT;
  }

  private boolean getHold() throws InterruptedException, TimeoutException {
    long begin = crowd.now();
    CopasLock.Hold hold = lock.get();
    check(hold.waited().toNanos() == crowd.now() - begin, "it waited longer or shorter");
    return true;
  }

  private void release() {
    if (!model.gone) {
      lock.release();
      model.release();
    }
  }

  private void endWithTheLock(Member self) {
    self.task().setErrorHandler((error, task, socket) -> reports.add(task.name()));
    self.task().addEndHook(() -> model.ownerEnded(self));
  }

  private void destroy() {
    lock.destroy();
    model.destroy();
  }

  /** Once for each owner that ended, unless nobody came after it. */
  private void checkReports() {
    Set<String> once = new HashSet<>(reports);
    check(once.size() == reports.size(), "reported twice: " + reports);
    check(model.forgetful.containsAll(once), "not all of them forgot it: " + once);
    check(once.containsAll(model.missed), "one was not reported: " + model.missed);
  }

  private final class Getter extends Place {

    final Member member;

    Getter(Member member) {
      super(crowd);
      this.member = member;
    }
  }

  private final class Model {

    @Nullable Member owner;
    int depth;
    boolean gone;
    final Set<String> forgetful = new HashSet<>();
    final Set<String> missed = new HashSet<>();
    private final ArrayDeque<Getter> line = new ArrayDeque<>();

    /** Who has it, and has not had its turn since. */
    private @Nullable Getter next;

    Getter get(Member member, @Nullable Duration atMost) {
      var getter = new Getter(member);
      if (gone) {
        getter.end(End.GONE);
      } else if (owner == null || (owner == member && reentrant)) {
        owner = member;
        depth++;
        getter.end(End.GOT);
      } else if (Crowd.isAtOnce(atMost)) {
        getter.end(End.TIMED_OUT);
      } else {
        line.add(getter);
      }
      return getter;
    }

    void leave(Getter getter) {
      line.remove(getter);
      if (next == getter) {
        next = null;
      }
    }

    void release() {
      if (--depth == 0) {
        passOn();
      }
    }

    private void passOn() {
      owner = null;
      depth = 0;
      next = line.poll();
      if (next != null) {
        owner = next.member;
        depth = 1;
        next.end(End.GOT);
      }
    }

    void ownerEnded(Member ended) {
      if (!gone) {
        forgetful.add(ended.task().name());
        if (!line.isEmpty()) {
          missed.add(ended.task().name());
        }
        passOn();
      }
    }

    void destroy() {
      gone = true;
      owner = null;
      if (next != null) {
        next.end(End.GONE);
      }
      line.forEach(getter -> getter.end(End.GONE));
      line.clear();
    }
  }
}
