package dev.copas.testkit;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Loop;
import dev.copas.loop.ReadyQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Of what is ready at the beginning of a turn, takes one after the other at random; what gets ready
 * meanwhile is for the next turn, in whose lot it is thrown.
 */
final class SeededQueue implements ReadyQueue {

  private final RandomGenerator random;
  private final VirtualClock clock;
  private final Trace trace;
  private final Budget budget;
  private List<Coroutine> turn = new ArrayList<>();
  private List<Coroutine> next = new ArrayList<>();
  private @Nullable Loop loop;

  SeededQueue(RandomGenerator random, VirtualClock clock, Trace trace, Budget budget) {
    this.random = random;
    this.clock = clock;
    this.trace = trace;
    this.budget = budget;
  }

  /** The loop whose queue this is, once a task was ready. */
  @Nullable Loop loop() {
    return loop;
  }

  /** May allocate, other than the interface says: a test that is out of memory may end badly. */
  @Override
  public void add(Coroutine coroutine) {
    loop = coroutine.loop();
    next.add(coroutine);
  }

  @Override
  public @Nullable Coroutine poll() {
    if (turn.isEmpty()) {
      List<Coroutine> empty = turn;
      turn = next;
      next = empty;
    }
    if (turn.isEmpty()) {
      return null;
    }
    budget.use();
    Coroutine chosen = takeFrom(turn, random.nextInt(turn.size()));
    trace.add(clock.elapsed(), chosen.thread().getName(), "goes on");
    return chosen;
  }

  /** The last one fills the gap. */
  private static Coroutine takeFrom(List<Coroutine> list, int index) {
    Coroutine taken = list.get(index);
    Coroutine last = list.removeLast();
    if (index < list.size()) {
      list.set(index, last);
    }
    return taken;
  }

  @Override
  public int size() {
    return turn.size() + next.size();
  }
}
