package dev.copas.testkit;

import static dev.copas.testkit.Crowd.check;

import dev.copas.sync.CopasSemaphore;
import dev.copas.testkit.Crowd.Member;
import dev.copas.testkit.Place.End;
import java.time.Duration;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/** No permit is lost or made up, and nobody jumps the queue. */
public final class SemaphoreTrial {

  private static final int MOST = 4;

  private final Crowd crowd;
  private final Model model;
  private final CopasSemaphore semaphore;

  private SemaphoreTrial(Crowd crowd) {
    this.crowd = crowd;
    int start = crowd.random.nextInt(MOST + 1);
    model = new Model(start);
    semaphore = new CopasSemaphore(crowd.copas, MOST, start, null);
  }

  /** Runs it with one seed. */
  public static void run(long seed) {
    Simulation.run(
        seed,
        simulation -> {
          var crowd = new Crowd(simulation);
          var trial = new SemaphoreTrial(crowd);
          crowd.run(trial::act, trial::destroy);
        });
  }

  private boolean act(Member self) {
    switch (crowd.random.nextInt(8)) {
      case 0, 1, 2, 3 -> take(self);
      case 4, 5, 6 -> give();
      default -> releaseAll();
    }
    if (crowd.oneIn(4)) {
      crowd.cancelSomebody(); // In the same turn.
    }
    checkCounts();
    return !model.gone;
  }

  private void take(Member self) {
    int wanted = crowd.random.nextInt(MOST + 1);
    Duration atMost = crowd.someTimeOrEver();
    Taker taker = model.take(wanted, atMost);
    self.await(taker, atMost, () -> semaphore.tryTake(wanted, atMost));
    model.leave(taker);
  }

  private void give() {
    int permits = crowd.random.nextInt(MOST + 1);
    if (!model.gone) {
      check(semaphore.give(permits) == model.give(permits), "there is room, or there is not");
    }
  }

  private void releaseAll() {
    if (!model.gone) {
      semaphore.releaseAll();
      model.releaseAll();
    }
  }

  private void checkCounts() {
    if (!model.gone) {
      check(semaphore.getCount() == model.count, semaphore + " should have " + model.count);
      check(semaphore.getWait() == model.missing(), "not " + model.missing() + " are missing");
    }
  }

  private void destroy() {
    checkCounts();
    semaphore.destroy();
    model.destroy();
  }

  private final class Taker extends Place {

    final int wanted;

    Taker(int wanted) {
      super(crowd);
      this.wanted = wanted;
    }
  }

  private final class Model {

    int count;
    boolean gone;
    private final ArrayDeque<Taker> line = new ArrayDeque<>();

    Model(int start) {
      count = start;
    }

    Taker take(int wanted, @Nullable Duration atMost) {
      var taker = new Taker(wanted);
      if (gone) {
        taker.end(End.GONE);
      } else if (line.isEmpty() && wanted <= count) {
        count -= wanted;
        taker.end(End.GOT);
      } else if (Crowd.isAtOnce(atMost)) {
        taker.end(End.TIMED_OUT);
      } else {
        line.add(taker);
      }
      return taker;
    }

    void leave(Taker taker) {
      if (line.remove(taker)) {
        serve();
      }
    }

    boolean give(int permits) {
      boolean fits = count + permits <= MOST;
      count = Math.min(count + permits, MOST);
      serve();
      return fits;
    }

    private void serve() {
      while (!line.isEmpty() && line.getFirst().wanted <= count) {
        Taker first = line.removeFirst();
        count -= first.wanted;
        first.end(End.GOT);
      }
    }

    void releaseAll() {
      line.forEach(taker -> taker.end(End.GOT));
      line.clear();
    }

    int missing() {
      return line.isEmpty() ? 0 : line.stream().mapToInt(taker -> taker.wanted).sum() - count;
    }

    void destroy() {
      gone = true;
      line.forEach(taker -> taker.end(End.GONE));
      line.clear();
    }
  }
}
