package dev.copas.loop;

/** Where the virtual threads of a loop run: the one difference between native and solo mode. */
public interface Carrier {

  /** A virtual thread, not started, that this carrier resumes through the coroutine. */
  Thread newThread(Coroutine coroutine, String name, Runnable body);
}
