package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Wake;
import dev.copas.transport.TransportChannel;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One direction of one channel, where at most one task waits.
 *
 * <p>Everything that a socket does is here once: try, else wait, then try again. This is also the
 * only place where the reason of a wake-up becomes an exception.
 */
abstract class Direction {

  /** One try, which does not wait: 0 means not now. */
  @FunctionalInterface
  interface Attempt {
    int make() throws IOException;
  }

  private @Nullable Coroutine waiting;

  /** Asks the channel to say when another try is worth it. */
  abstract void arm() throws IOException;

  /** What the user called, for messages: "Read", "Write", "Accept", "Connect". */
  abstract String verb();

  /** Tries until something comes of it. */
  final int perform(Coroutine self, long deadline, Attempt attempt) throws IOException {
    self.countOperation();
    while (true) {
      int result = attempt.make();
      if (result != 0) {
        return result;
      }
      await(self, deadline);
    }
  }

  /** Waits until another try is worth it. */
  final void await(Coroutine self, long deadline) throws IOException {
    arm();
    waiting = self;
    try {
      check(self.await(deadline));
    } finally {
      if (!self.isAbandoned()) { // Else another one may wait here by now.
        waiting = null;
      }
    }
  }

  /** Returns when what was waited for is there, and throws for every other reason. */
  final void check(Wake why) throws IOException {
    switch (why) {
      case READY -> {}
      case TIMED_OUT -> throw new SocketTimeoutException(verb() + " timed out");
      case OUT_OF_TIME ->
          throw new InterruptedIOException(
              verb() + " interrupted: the time of within() is over; the socket is still open");
      case CLOSED -> throw new SocketException("Socket closed");
      case INTERRUPTED ->
          throw new InterruptedIOException(
              verb() + " interrupted: the task was cancelled; the socket is still open");
      case PINNED -> throw pinned(verb());
    }
  }

  static IllegalStateException pinned(String what) {
    return new IllegalStateException(
        what
            + " cannot wait here: the call comes from a class initialiser or through a native"
            + " method, where a task cannot give up the loop. Do it before or after.");
  }

  /** Who waits, if anybody does. */
  final @Nullable Coroutine waiting() {
    return waiting;
  }

  /** The same for one more caller, with his own stack. */
  static SocketException again(IOException failure) {
    var again = new SocketException(failure.getMessage());
    again.initCause(failure);
    return again;
  }

  /** See {@link TransportChannel.Listener#prefetch}. */
  int prefetch() {
    return waiting == null ? 0 : waiting.prefetch();
  }

  /** Lets the one who waits try again; false when nobody waits. */
  final boolean open() {
    return waiting != null && waiting.wake(Wake.READY);
  }

  /** Turns the one who waits away. */
  final void shut() {
    if (waiting != null) {
      waiting.wake(Wake.CLOSED);
    }
  }
}
