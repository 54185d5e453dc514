package dev.copas.loop;

/** Something to do at a moment. Belongs to the owner of the loop. */
public final class Timer {

  final Runnable action;

  /** Of timers for the same moment, the one armed first fires first. */
  long order;

  /** Where in the heap of {@link Timers} this stands; negative when it is not armed. */
  int index = -1;

  public Timer(Runnable action) {
    this.action = action;
  }

  public boolean isArmed() {
    return index >= 0;
  }
}
