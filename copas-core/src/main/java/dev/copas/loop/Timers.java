package dev.copas.loop;

import java.util.Arrays;

/**
 * The armed timers, the next one first.
 *
 * <p>A heap with four children a node, in which every timer knows its place: arming and cancelling
 * take O(log n), and a cancelled timer is gone at once. When they are due stands beside them, so
 * that finding a place does not touch every timer on the way: of a million, each would be out of
 * the cache. Timers are often armed in the order in which they are due; then arming takes no more
 * than a comparison.
 */
final class Timers {

  private static final int CHILDREN = 4;

  private Timer[] heap = new Timer[16];
  private long[] dueTimes = new long[16];
  private int size;
  private long armed;
  private boolean firing;
  private long earliest;

  int size() {
    return size;
  }

  /** When a timer that is armed is due. */
  long dueTime(Timer timer) {
    return dueTimes[timer.index];
  }

  /** Nanoseconds until the next timer is due, 0 when it is overdue, MAX_VALUE without any. */
  long untilNext(long now) {
    return size == 0 ? Long.MAX_VALUE : Math.max(0, dueTimes[0] - now);
  }

  void arm(Timer timer, long when) {
    if (timer.isArmed()) {
      throw new IllegalStateException("the timer is already armed");
    }
    if (size == heap.length) {
      heap = Arrays.copyOf(heap, size * 2);
      dueTimes = Arrays.copyOf(dueTimes, size * 2);
    }
    timer.order = armed++;
    siftUp(timer, firing && when - earliest < 0 ? earliest : when, size++);
  }

  /** Does nothing when the timer is not armed. */
  void cancel(Timer timer) {
    int hole = timer.index;
    if (hole < 0) {
      return;
    }
    timer.index = -1;
    Timer moved = heap[--size];
    clear(size);
    if (moved != timer) {
      siftEitherWay(moved, dueTimes[size], hole);
    }
  }

  /** Fires everything that is due. What the actions arm in turn is not fired, however early. */
  void fire(long now) {
    earliest = now + 1;
    firing = true;
    while (size > 0 && dueTimes[0] - now <= 0) {
      Timer due = heap[0];
      cancel(due);
      due.action.run();
    }
    firing = false;
  }

  private void siftEitherWay(Timer timer, long when, int hole) {
    int below = siftDown(timer, when, hole);
    if (below == hole) {
      siftUp(timer, when, hole);
    } else {
      put(timer, when, below);
    }
  }

  private void siftUp(Timer timer, long when, int hole) {
    while (hole > 0) {
      int parent = (hole - 1) / CHILDREN;
      if (!isBefore(timer, when, parent)) {
        break;
      }
      put(heap[parent], dueTimes[parent], hole);
      hole = parent;
    }
    put(timer, when, hole);
  }

  private int siftDown(Timer timer, long when, int hole) {
    while (true) {
      int child = earliestChild(hole);
      if (child < 0 || isBefore(timer, when, child)) {
        return hole;
      }
      put(heap[child], dueTimes[child], hole);
      hole = child;
    }
  }

  private int earliestChild(int parent) {
    int first = parent * CHILDREN + 1;
    if (first >= size) {
      return -1;
    }
    int earliest = first;
    int end = Math.min(first + CHILDREN, size);
    for (int child = first + 1; child < end; child++) {
      if (isBefore(heap[child], dueTimes[child], earliest)) {
        earliest = child;
      }
    }
    return earliest;
  }

  private void put(Timer timer, long when, int place) {
    heap[place] = timer;
    dueTimes[place] = when;
    timer.index = place;
  }

  @SuppressWarnings("NullAway") // Places behind the end are never read.
  private void clear(int place) {
    heap[place] = null;
  }

  private boolean isBefore(Timer timer, long when, int place) {
    long other = dueTimes[place];
    return when != other ? when - other < 0 : timer.order - heap[place].order < 0;
  }
}
