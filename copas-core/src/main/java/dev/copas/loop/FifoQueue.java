package dev.copas.loop;

import org.jspecify.annotations.Nullable;

/** First come, first served; linked through the coroutines themselves. */
public final class FifoQueue implements ReadyQueue {

  private @Nullable Coroutine first;
  private @Nullable Coroutine last;
  private int size;

  @Override
  public void add(Coroutine coroutine) {
    if (last == null) {
      first = coroutine;
    } else {
      last.nextReady = coroutine;
    }
    last = coroutine;
    size++;
  }

  @Override
  public @Nullable Coroutine poll() {
    Coroutine coroutine = first;
    if (coroutine != null) {
      first = coroutine.nextReady;
      coroutine.nextReady = null;
      if (first == null) {
        last = null;
      }
      size--;
    }
    return coroutine;
  }

  @Override
  public int size() {
    return size;
  }
}
