package dev.copas.loop;

/** Why a wait ended. */
public enum Wake {
  /** What was waited for is there. */
  READY,
  /** The deadline passed. */
  TIMED_OUT,
  /** The time of a scope that the coroutine is in is over. */
  OUT_OF_TIME,
  /** What was waited on was closed. */
  CLOSED,
  /** The thread was interrupted: its task is being cancelled. The status has been cleared. */
  INTERRUPTED,
  /** The wait held the loop's own thread, and so would never have ended. */
  PINNED
}
