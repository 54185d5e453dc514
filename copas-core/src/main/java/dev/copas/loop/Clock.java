package dev.copas.loop;

import dev.copas.transport.Transport;
import java.io.IOException;

/** Where a loop has its time from, and how it lets time pass. */
public interface Clock {

  /** The time of the machine that runs the loop. */
  Clock SYSTEM =
      new Clock() {
        @Override
        public long nanoTime() {
          return System.nanoTime();
        }

        @Override
        public long pollInterval() {
          return 20_000;
        }

        @Override
        public void sleep(Transport transport, long nanos, boolean quiet) throws IOException {
          transport.poll(nanos);
        }
      };

  /** Nanoseconds since some moment in the past; never goes back. */
  long nanoTime();

  /**
   * How long tasks that are ready may go on without a look at the sockets, in nanoseconds. 0 is to
   * look in each turn: for a time that stands still meanwhile.
   */
  default long pollInterval() {
    return 0;
  }

  /**
   * Polls the transport until it has something, {@link Transport#wakeup} is called or so much time
   * has passed. For a loop that has nothing to do.
   *
   * @param nanos how long at most; {@link Long#MAX_VALUE} is for ever
   * @param quiet whether every task is in a wait that the loop knows of; else one may be in a
   *     foreign call, which takes real time
   */
  void sleep(Transport transport, long nanos, boolean quiet) throws IOException;
}
