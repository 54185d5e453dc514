package dev.copas.testkit;

/** What happens in a simulation. */
@FunctionalInterface
public interface Scenario {

  /**
   * Runs as the first task of the simulation's loop: it may bind, connect, start other tasks,
   * pause.
   *
   * @throws Exception anything: it fails the simulation
   */
  void run(Simulation simulation) throws Exception;
}
