package dev.copas;

import java.lang.ref.Cleaner;

/**
 * Learns of sockets that nobody can reach any more and nobody has closed.
 *
 * <p>Only for those whose end is the business of the user alone; a server closes its own. The
 * cleaner, and its thread, come with the first of them.
 */
final class Forgotten {

  private static final Cleaner CLEANER = Cleaner.create();

  private Forgotten() {}

  /**
   * @param whenForgotten must not hold the socket
   */
  static Cleaner.Cleanable watch(CopasSocket socket, Runnable whenForgotten) {
    return CLEANER.register(socket, whenForgotten);
  }
}
