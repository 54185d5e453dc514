package dev.copas.testkit;

/** How many steps and turns a simulation may take: tasks that wake each other for ever end here. */
final class Budget {

  /** There is nothing left. */
  static final class Exhausted extends RuntimeException {

    private static final long serialVersionUID = 1;

    Exhausted(long most) {
      super(
          "it did not come to rest in "
              + most
              + " steps; tasks may be waking each other for ever (see Simulation.maxSteps)");
    }
  }

  /** Somebody wants the simulation to end: a time limit of the test, for instance. */
  static final class Interrupted extends RuntimeException {

    private static final long serialVersionUID = 1;

    Interrupted() {
      super("the thread that runs the simulation was interrupted");
    }
  }

  private long most;
  private long used;

  Budget(long most) {
    this.most = most;
  }

  void limit(long most) {
    this.most = most;
  }

  boolean isExhausted() {
    return used > most;
  }

  void renew() {
    used = 0;
  }

  /**
   * Also ends a simulation whose thread was interrupted: before the loop takes that for an exit.
   */
  void use() {
    if (Thread.currentThread().isInterrupted()) {
      throw new Interrupted();
    }
    if (++used > most) {
      throw new Exhausted(most);
    }
  }
}
