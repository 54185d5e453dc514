package dev.copas.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TimersTest {

  private final Timers timers = new Timers();
  private final List<String> fired = new ArrayList<>();

  private Timer timer(String name) {
    return new Timer(() -> fired.add(name));
  }

  @Test
  void dueTimersFireInTheOrderOfTheirMoments() {
    for (int when : new int[] {5, 3, 9, 1, 7}) {
      timers.arm(timer("" + when), when);
    }
    timers.fire(7);
    assertEquals(List.of("1", "3", "5", "7"), fired);
    assertEquals(1, timers.size());
    assertEquals(2, timers.untilNext(7));
    assertEquals(0, timers.untilNext(10));
  }

  @Test
  void timersForOneMomentFireInTheOrderInWhichTheyWereArmed() {
    for (int i = 0; i < 20; i++) {
      timers.arm(timer("" + i), 42);
    }
    timers.fire(42);
    for (int i = 0; i < 20; i++) {
      assertEquals("" + i, fired.get(i));
    }
  }

  @Test
  void aCancelledTimerIsGoneAtOnce() {
    Timer timer = timer("x");
    timers.arm(timer, 1);
    assertTrue(timer.isArmed());
    timers.cancel(timer);
    assertFalse(timer.isArmed());
    assertEquals(0, timers.size());
    assertEquals(Long.MAX_VALUE, timers.untilNext(5));
    timers.cancel(timer);
    timers.fire(5);
    assertEquals(List.of(), fired);
  }

  @Test
  void armingAnArmedTimerIsAnError() {
    Timer timer = timer("x");
    timers.arm(timer, 1);
    assertThrows(IllegalStateException.class, () -> timers.arm(timer, 2));
    assertEquals(1, timers.size());
  }

  @Test
  void whatAnActionArmsIsNotFiredInTheSamePass() {
    Timer[] again = new Timer[1];
    again[0] =
        new Timer(() -> {
          fired.add("again");
          timers.arm(again[0], 0);
        });
    timers.arm(again[0], 0);
    timers.fire(10);
    assertEquals(List.of("again"), fired);
    timers.fire(11);
    assertEquals(List.of("again", "again"), fired);
  }

  @Test
  void anActionThatArmsItselfAgainDoesNotKeepOthersFromTheirTurn() {
    Timer[] eager = new Timer[1];
    eager[0] = new Timer(() -> timers.arm(eager[0], 0));
    timers.arm(eager[0], 0);
    timers.arm(timer("other"), 1);
    timers.fire(10);
    assertEquals(List.of("other"), fired);
  }

  @Test
  void anActionMayCancelATimerThatIsDueToo() {
    Timer other = timer("other");
    timers.arm(
        new Timer(() -> {
          fired.add("first");
          timers.cancel(other);
        }),
        1);
    timers.arm(other, 2);
    timers.fire(10);
    assertEquals(List.of("first"), fired);
    assertEquals(0, timers.size());
  }

  @Test
  void momentsMayPassTheEndOfTheNumbers() {
    long now = Long.MAX_VALUE - 5;
    timers.arm(timer("late"), now + 10);
    timers.arm(timer("soon"), now + 1);
    assertEquals(1, timers.untilNext(now));
    timers.fire(now + 1);
    assertEquals(List.of("soon"), fired);
    timers.fire(now + 10);
    assertEquals(List.of("soon", "late"), fired);
  }

  @Test
  void aMillionTimersArmedAndCancelledLeaveNothing() {
    Timer kept = timer("kept");
    timers.arm(kept, 1);
    Timer[] some = new Timer[100];
    for (int i = 0; i < some.length; i++) {
      some[i] = timer("never");
    }
    for (int i = 0; i < 1_000_000; i++) {
      Timer timer = some[i % some.length];
      timers.cancel(timer);
      timers.arm(timer, 1_000_000 - i);
      assertTrue(timers.size() <= some.length + 1);
    }
    for (Timer timer : some) {
      timers.cancel(timer);
    }
    assertEquals(1, timers.size());
    timers.fire(2_000_000);
    assertEquals(List.of("kept"), fired);
  }

  private record Key(long when, long order) implements Comparable<Key> {
    @Override
    public int compareTo(Key other) {
      return when != other.when ? Long.compare(when, other.when) : Long.compare(order, other.order);
    }
  }

  @Test
  void behavesLikeASortedMap() {
    for (int seed = 0; seed < 50; seed++) {
      new Model(seed).run(4000);
    }
  }

  /** The same done to the timers and to a map, which must agree after every step. */
  private static final class Model {

    private final Random random;
    private final Timers timers = new Timers();
    private final TreeMap<Key, Integer> expected = new TreeMap<>();
    private final Timer[] all = new Timer[200];
    private final Key[] keys = new Key[all.length];
    private final List<Integer> fired = new ArrayList<>();
    private final String name;
    private long now;
    private long order;

    Model(int seed) {
      random = new Random(seed);
      name = "seed " + seed;
      for (int i = 0; i < all.length; i++) {
        int id = i;
        all[i] = new Timer(() -> fired.add(id));
      }
    }

    void run(int steps) {
      for (int step = 0; step < steps; step++) {
        int id = random.nextInt(all.length);
        if (random.nextInt(10) == 0) {
          fire();
        } else if (all[id].isArmed()) {
          cancel(id);
        } else {
          arm(id);
        }
        check();
      }
    }

    private void arm(int id) {
      long when = now + random.nextInt(100) - 5;
      keys[id] = new Key(when, order++);
      expected.put(keys[id], id);
      timers.arm(all[id], when);
    }

    private void cancel(int id) {
      expected.remove(keys[id]);
      timers.cancel(all[id]);
    }

    private void fire() {
      now += random.nextInt(30);
      fired.clear();
      timers.fire(now);
      Map<Key, Integer> due = expected.headMap(new Key(now, Long.MAX_VALUE), true);
      assertEquals(List.copyOf(due.values()), fired, name);
      due.clear();
    }

    private void check() {
      assertEquals(expected.size(), timers.size(), name);
      long next =
          expected.isEmpty() ? Long.MAX_VALUE : Math.max(0, expected.firstKey().when() - now);
      assertEquals(next, timers.untilNext(now), name);
    }
  }
}
