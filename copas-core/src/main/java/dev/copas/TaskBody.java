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
}
