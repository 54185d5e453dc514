package dev.copas.loop;

import org.jspecify.annotations.Nullable;

/**
 * The scheduling policy: which ready coroutine runs next. Belongs to the owner of the loop.
 *
 * <p>{@link #add} is called inside the JDK's virtual-thread machinery: it must not wait, allocate
 * or throw.
 */
public interface ReadyQueue {

  void add(Coroutine coroutine);

  @Nullable Coroutine poll();

  int size();
}
