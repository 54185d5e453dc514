package dev.copas.testkit;

import static dev.copas.testkit.Crowd.check;

import dev.copas.Copas;
import dev.copas.sync.CopasQueue;
import dev.copas.sync.DestroyedException;
import dev.copas.testkit.Crowd.Member;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A queue whose items come from other threads, too. Who of those that wait gets which depends on
 * when the loop looks; but each item is popped once, and nobody waits for what is there.
 */
public final class ArrivalTrial {

  private final Crowd crowd;
  private final int capacity;
  private final CopasQueue<Integer> queue;
  private final List<Integer> accepted = new ArrayList<>();
  private final List<Integer> popped = new ArrayList<>();
  private int lastItem;
  private int waitForRoom;
  private int waitForItems;
  private boolean over;

  private ArrivalTrial(Crowd crowd) {
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
          var trial = new ArrivalTrial(crowd);
          crowd.copas.addThread("watcher", trial::watch);
          crowd.run(trial::act, trial::end);
          trial.checkItems();
        });
  }

  /** Looks between the milliseconds, when nothing is under way. */
  private void watch() throws InterruptedException {
    Copas.pause(Duration.ofNanos(500_000));
    for (int i = 0; i < 100 && !over; i++) {
      checkWaits();
      Copas.pause(Duration.ofMillis(1));
    }
  }

  private void checkWaits() {
    int size = queue.getSize();
    check(waitForItems == 0 || size == 0, waitForItems + " wait for one of " + size + " items");
    check(waitForRoom == 0 || size == capacity, waitForRoom + " wait, and there is room");
  }

  private boolean act(Member self) throws InterruptedException {
    if (crowd.oneIn(4)) {
      crowd.cancelSomebody();
    }
    try {
      switch (crowd.random.nextInt(8)) {
        case 0 -> pushElsewhere();
        case 1, 2, 3 -> push();
        default -> pop();
      }
    } catch (IllegalStateException e) {
      check(over, self.task() + " should wait: " + e);
    }
    return !over;
  }

  private void pushElsewhere() {
    int item = ++lastItem;
    var pushed = new boolean[1];
    Crowd.elsewhere(() -> pushed[0] = !over && queue.tryPush(item));
    note(item, pushed[0]);
  }

  private void push() throws InterruptedException {
    int item = ++lastItem;
    waitForRoom++;
    try {
      note(item, queue.tryPush(item, crowd.someTimeOrEver()));
    } finally {
      waitForRoom--;
    }
  }

  private void note(int item, boolean pushed) {
    if (pushed) {
      accepted.add(item);
    }
  }

  private void pop() throws InterruptedException {
    waitForItems++;
    try {
      queue.tryPop(crowd.someTimeOrEver()).ifPresent(popped::add);
    } finally {
      waitForItems--;
    }
  }

  private void end() throws InterruptedException {
    over = true;
    if (crowd.random.nextBoolean()) {
      Crowd.elsewhere(queue::stop);
    } else {
      queue.stop();
    }
    drain();
  }

  private void drain() throws InterruptedException {
    try {
      while (true) {
        popped.add(queue.tryPop(Duration.ofMinutes(1)).orElseThrow());
      }
    } catch (DestroyedException e) {
      return; // Stopped, and empty.
    }
  }

  private void checkItems() {
    accepted.sort(null);
    popped.sort(null);
    check(accepted.equals(popped), "pushed " + accepted + ", popped " + popped);
  }
}
