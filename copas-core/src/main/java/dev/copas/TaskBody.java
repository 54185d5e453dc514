package dev.copas;

/** What a task does. */
@FunctionalInterface
public interface TaskBody {

  /**
   * Does it, in plain sequential code.
   *
   * @throws Exception anything: it goes to the error handler of the {@link Copas}
   */
  void run() throws Exception;

  /**
   * Called instead when the task never begins, since its loop was closed before; on whatever thread
   * that shows.
   */
  default void neverBegan() {}
}
