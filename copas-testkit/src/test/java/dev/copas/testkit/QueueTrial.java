package dev.copas.testkit;

import static dev.copas.testkit.Crowd.check;

import dev.copas.sync.CopasQueue;
import dev.copas.testkit.Crowd.Member;
import dev.copas.testkit.Place.End;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Every item is popped once, first in, first out, by the one who waits longest. */
public final class QueueTrial {

  private final Crowd crowd;
  private final int capacity;
  private final CopasQueue<Integer> queue;
  private final Model model = new Model();
  private int lastItem;

  private QueueTrial(Crowd crowd) {
    this.crowd = crowd;
    capacity = crowd.random.nextInt(1, 4);
    queue = new CopasQueue<>(crowd.copas, capacity);
  }

  /** Runs it with one seed. */
  public static void run(long seed) {
    Simulation.run(
        seed,
        simulation -> {
          var crowd = new Crowd(simulation);
          var trial = new QueueTrial(crowd);
          crowd.run(trial::act, trial::end);
        });
  }

  private boolean act(Member self) {
    if (crowd.random.nextBoolean()) {
      push(self);
    } else {
      pop(self);
    }
    if (crowd.oneIn(4)) {
      crowd.cancelSomebody(); // In the same turn.
    }
    checkSize();
    return !model.gone;
  }

  private void push(Member self) {
    Duration atMost = crowd.someTimeOrEver();
    Pusher pusher = model.push(++lastItem, atMost);
    self.await(pusher, atMost, () -> queue.tryPush(pusher.item, atMost));
    model.pushers.remove(pusher);
  }

  private void pop(Member self) {
    Duration atMost = crowd.someTimeOrEver();
    Popper popper = model.pop(atMost);
    self.await(
        popper,
        atMost,
        () -> {
          Optional<Integer> item = queue.tryPop(atMost);
          check(item.equals(Optional.ofNullable(popper.item)), item + ", not " + popper.item);
          return item.isPresent();
        });
    model.poppers.remove(popper);
  }

  private void checkSize() {
    if (!model.gone) {
      check(queue.getSize() == model.items.size(), queue + " should have " + model.items.size());
    }
  }

  /** At once, or when it is empty. */
  private void end() {
    checkSize();
    if (crowd.random.nextBoolean()) {
      queue.stop();
      model.stop();
      checkSize();
      drain();
    } else {
      queue.destroy();
      model.destroy();
    }
  }

  private void drain() {
    while (!model.gone) {
      Popper popper = model.pop(Duration.ZERO);
      check(queue.tryPop().equals(Optional.ofNullable(popper.item)), "not " + popper.item);
    }
  }

  private final class Pusher extends Place {

    final int item;

    Pusher(int item) {
      super(crowd);
      this.item = item;
    }
  }

  private final class Popper extends Place {

    @Nullable Integer item;

    Popper() {
      super(crowd);
    }

    void gets(Integer item) {
      this.item = item;
      end(End.GOT);
    }
  }

  private final class Model {

    final ArrayDeque<Integer> items = new ArrayDeque<>();
    final ArrayDeque<Pusher> pushers = new ArrayDeque<>();
    final ArrayDeque<Popper> poppers = new ArrayDeque<>();
    boolean gone;
    private boolean stopped;

    Pusher push(int item, @Nullable Duration atMost) {
      var pusher = new Pusher(item);
      if (stopped) {
        pusher.end(End.GONE);
      } else if (items.size() < capacity) {
        accept(pusher);
      } else if (Crowd.isAtOnce(atMost)) {
        pusher.end(End.TIMED_OUT);
      } else {
        pushers.add(pusher);
      }
      return pusher;
    }

    private void accept(Pusher pusher) {
      pusher.end(End.GOT);
      if (poppers.isEmpty()) {
        items.add(pusher.item);
      } else {
        poppers.remove().gets(pusher.item);
      }
    }

    Popper pop(@Nullable Duration atMost) {
      var popper = new Popper();
      if (gone) {
        popper.end(End.GONE);
      } else if (!items.isEmpty()) {
        popper.gets(items.remove());
        makeRoom();
      } else if (Crowd.isAtOnce(atMost)) {
        popper.end(End.TIMED_OUT);
      } else {
        poppers.add(popper);
      }
      return popper;
    }

    private void makeRoom() {
      if (!pushers.isEmpty()) {
        accept(pushers.remove());
      }
      destroyIfEmpty();
    }

    private void destroyIfEmpty() {
      if (stopped && items.isEmpty()) {
        destroy();
      }
    }

    void stop() {
      stopped = true;
      pushers.forEach(pusher -> pusher.end(End.GONE));
      pushers.clear();
      destroyIfEmpty();
    }

    void destroy() {
      stopped = true;
      gone = true;
      items.clear();
      poppers.forEach(popper -> popper.end(End.GONE));
      pushers.forEach(pusher -> pusher.end(End.GONE));
      poppers.clear();
      pushers.clear();
    }
  }
}
