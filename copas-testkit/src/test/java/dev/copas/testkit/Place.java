package dev.copas.testkit;

import org.jspecify.annotations.Nullable;

/** One call that may wait, as a model sees it. */
class Place {

  /** How a call ends. */
  enum End {
    /** With what was wanted. */
    GOT,
    /** Its own time was over. */
    TIMED_OUT,
    /** Its task was cancelled, or the time of {@link dev.copas.Copas#within} was over. */
    CANCELLED,
    /** There is nothing to wait for any more. */
    GONE
  }

  private final Crowd crowd;
  private @Nullable End end;
  private long when;
  private boolean mayBeCancelled;

  Place(Crowd crowd) {
    this.crowd = crowd;
  }

  /** Decides how the call ends, now. */
  void end(End end) {
    this.end = end;
    when = crowd.now();
  }

  /** A cancellation in the same turn may still come first. */
  void mayBeCancelled() {
    mayBeCancelled = true;
  }

  /** Whether the model says how the call ends; else its own time does, or a cancellation. */
  boolean decides(End real) {
    return end != null && !(mayBeCancelled && real == End.CANCELLED);
  }

  /** Checks that the call has ended as the model says, and at once. */
  void check(End real) {
    Crowd.check(real == end, "it was " + real + ", and should be " + end);
    Crowd.check(crowd.now() == when, real + " came late");
  }
}
