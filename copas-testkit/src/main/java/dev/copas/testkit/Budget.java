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

  void use() {
    if (++used > most) {
      throw new Exhausted(most);
    }
  }
}
