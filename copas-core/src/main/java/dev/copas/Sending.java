package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Wake;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The direction out: one sender at a time, first come first served. */
abstract class Sending extends Direction {

  private @Nullable Coroutine sender;

  /** Those who wait for their turn to send. Few sockets ever have any. */
  private @Nullable ArrayDeque<Coroutine> turns;

  final boolean isSomebodySending() {
    return sender != null && !sender.isAbandoned();
  }

  /** Those who wait for their turn to send. */
  final Collection<Coroutine> queue() {
    return turns == null ? List.of() : turns;
  }

  final void takeTurn(Coroutine self, long deadline) throws IOException {
    if (!isSomebodySending()) {
      sender = self;
      return;
    }
    ArrayDeque<Coroutine> waiting = turns == null ? new ArrayDeque<>() : turns;
    turns = waiting;
    waiting.add(self);
    Wake why = self.await(deadline);
    if (sender != self) {
      if (!self.isAbandoned()) {
        waiting.remove(self);
      }
      check(why);
      throw new IllegalStateException("woken for a turn that it does not have");
    }
  }

  /** Turns those away who wait for their turn. */
  final void shutTurns() {
    if (turns != null) {
      turns.forEach(waiting -> waiting.wake(Wake.CLOSED));
    }
  }

  /** A task that the loop has let go has no turn any more: another one may have it. */
  final void passTurn(Coroutine self) {
    if (self.isAbandoned()) {
      return;
    }
    sender = null;
    if (turns == null) {
      return;
    }
    for (Coroutine next; (next = turns.poll()) != null; ) {
      if (next.wake(Wake.READY)) {
        sender = next;
        return;
      }
    }
  }
}
