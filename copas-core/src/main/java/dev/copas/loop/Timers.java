package dev.copas.loop;

import java.util.Arrays;

/**
 * The armed timers, the next one first.
 *
 * <p>A heap with four children a node, in which every timer knows its place: arming and cancelling
 * take O(log n), and a cancelled timer is gone at once. Timers are often armed in the order in
 * which they are due; then arming takes no more than a comparison.
 */
final class Timers {

  private static final int CHILDREN = 4;

  private Timer[] heap = new Timer[16];
  private int size;
  private long armed;
  private boolean firing;
  private long earliest;

  int size() {
    return size;
  }

  /** Nanoseconds until the next timer is due, 0 when it is overdue, MAX_VALUE without any. */
  long untilNext(long now) {
    return size == 0 ? Long.MAX_VALUE : Math.max(0, heap[0].when - now);
  }

  void arm(Timer timer, long when) {
    if (timer.isArmed()) {
      throw new IllegalStateException("the timer is already armed");
    }
    if (size == heap.length) {
      heap = Arrays.copyOf(heap, size * 2);
    }
    timer.when = firing && when - earliest < 0 ? earliest : when;
    timer.order = armed++;
    siftUp(timer, size++);
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
      siftDown(moved, hole);
      siftUp(moved, moved.index);
    }
  }

  /** Fires everything that is due. What the actions arm in turn is not fired, however early. */
  void fire(long now) {
    earliest = now + 1;
    firing = true;
    while (size > 0 && heap[0].when - now <= 0) {
      Timer due = heap[0];
      cancel(due);
      due.action.run();
    }
    firing = false;
  }

  private void siftUp(Timer timer, int hole) {
    while (hole > 0) {
      int parent = (hole - 1) / CHILDREN;
      if (!isBefore(timer, heap[parent])) {
        break;
      }
      put(heap[parent], hole);
      hole = parent;
    }
    put(timer, hole);
  }

  private void siftDown(Timer timer, int hole) {
    while (true) {
      int child = earliestChild(hole);
      if (child < 0 || !isBefore(heap[child], timer)) {
        break;
      }
      put(heap[child], hole);
      hole = child;
    }
    put(timer, hole);
  }

  private int earliestChild(int parent) {
    int first = parent * CHILDREN + 1;
    if (first >= size) {
      return -1;
    }
    int earliest = first;
    int end = Math.min(first + CHILDREN, size);
    for (int child = first + 1; child < end; child++) {
      if (isBefore(heap[child], heap[earliest])) {
        earliest = child;
      }
    }
    return earliest;
  }

  private void put(Timer timer, int place) {
    heap[place] = timer;
    timer.index = place;
  }

  @SuppressWarnings("NullAway") // Places behind the end are never read.
  private void clear(int place) {
    heap[place] = null;
  }

  private static boolean isBefore(Timer a, Timer b) {
    return a.when != b.when ? a.when - b.when < 0 : a.order - b.order < 0;
  }
}
