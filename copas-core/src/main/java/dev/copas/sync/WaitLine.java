package dev.copas.sync;

import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tasks that wait, in the order in which they came. Whoever gives up leaves at once. Those that the
 * loop has let go touch nothing of it any more: others pass over them.
 */
final class WaitLine<W extends Waiter> {

  private @Nullable Waiter first;
  private @Nullable Waiter last;

  boolean isEmpty() {
    return first() == null;
  }

  /** The one who is next; null when nobody waits. */
  @SuppressWarnings("unchecked") // Only such ones come in.
  @Nullable W first() {
    while (first != null && first.task.isLetGo()) {
      remove(first); // All tasks are let go at once: there is nobody else before them.
    }
    return (W) first;
  }

  /**
   * Waits at the end of the line until somebody tells it.
   *
   * @param atMost null is for ever
   * @return false when that did not happen in time
   */
  boolean await(W waiter, @Nullable Duration atMost) throws InterruptedException {
    add(waiter);
    try {
      return waiter.await(atMost);
    } finally {
      if (!waiter.task.isLetGo()) {
        remove(waiter);
      }
    }
  }

  /** Takes the next one out of the line and ends its wait; null when nobody waits. */
  @Nullable W tellFirst() {
    W next = first();
    if (next != null) {
      remove(next);
      next.tell();
    }
    return next;
  }

  void tellAll() {
    while (!isEmpty()) {
      tellFirst();
    }
  }

  /** Calls the consumer for each one who waits. */
  @SuppressWarnings("unchecked")
  void forEach(Consumer<W> consumer) {
    for (Waiter waiter = first(); waiter != null; waiter = waiter.behind) {
      consumer.accept((W) waiter);
    }
  }

  private void add(Waiter waiter) {
    waiter.before = last;
    if (last == null) {
      first = waiter;
    } else {
      last.behind = waiter;
    }
    last = waiter;
    waiter.isInLine = true;
  }

  private void remove(Waiter waiter) {
    if (!waiter.isInLine) {
      return;
    }
    waiter.isInLine = false;
    Waiter before = waiter.before;
    Waiter behind = waiter.behind;
    if (before == null) {
      first = behind;
    } else {
      before.behind = behind;
    }
    if (behind == null) {
      last = before;
    } else {
      behind.before = before;
    }
  }
}
