package dev.copas.loop;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The coroutines that have started and not ended; linked through themselves. */
final class Roster {

  private @Nullable Coroutine first;
  private int size;

  int size() {
    return size;
  }

  void add(Coroutine coroutine) {
    coroutine.nextLive = first;
    if (first != null) {
      first.previousLive = coroutine;
    }
    first = coroutine;
    size++;
  }

  void remove(Coroutine coroutine) {
    Coroutine before = coroutine.previousLive;
    Coroutine after = coroutine.nextLive;
    if (before == null) {
      first = after;
    } else {
      before.nextLive = after;
    }
    if (after != null) {
      after.previousLive = before;
    }
    coroutine.previousLive = null;
    coroutine.nextLive = null;
    size--;
  }

  /**
   * Whether one could go on, though the JDK may not have made it ready yet: it does so later when
   * somebody takes the stack of the coroutine in that moment, as the watchdog does.
   */
  boolean isAnyWoken() {
    for (Coroutine next = first; next != null; next = next.nextLive) {
      if (next.isWoken() || next.thread().isInterrupted()) {
        return true;
      }
    }
    return false;
  }

  /** A copy: they may end while somebody goes through it. */
  List<Coroutine> all() {
    List<Coroutine> all = new ArrayList<>(size);
    for (Coroutine next = first; next != null; next = next.nextLive) {
      all.add(next);
    }
    return all;
  }
}
