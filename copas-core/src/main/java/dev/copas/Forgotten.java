package dev.copas;

import dev.copas.loop.Loop;
import java.lang.ref.Cleaner;
import org.jspecify.annotations.Nullable;

/**
 * Learns of a socket that nobody can reach any more and nobody has closed.
 *
 * <p>Only for those whose end is the business of the user alone; a server closes its own. The
 * cleaner, and its thread, come with the first of them.
 */
final class Forgotten {

  private static final Cleaner CLEANER = Cleaner.create();

  private final Loop loop;
  private final Runnable whenForgotten;
  private volatile boolean ended;
  private volatile Cleaner.@Nullable Cleanable watch;

  /**
   * @param whenForgotten run on the loop; must not hold the socket
   */
  Forgotten(Loop loop, Runnable whenForgotten) {
    this.loop = loop;
    this.whenForgotten = whenForgotten;
  }

  void watch(Object socket) {
    watch = CLEANER.register(socket, this::found);
    if (ended) { // By another thread, which has found nothing to end.
      end();
    }
  }

  /** The socket was closed. From any thread. */
  void end() {
    ended = true;
    Cleaner.Cleanable present = watch;
    if (present != null) {
      watch = null;
      present.clean();
    }
  }

  /** On the thread of the cleaner, or in {@link #end}. */
  private void found() {
    if (!ended && !loop.isClosed()) {
      loop.post(whenForgotten);
    }
  }
}
