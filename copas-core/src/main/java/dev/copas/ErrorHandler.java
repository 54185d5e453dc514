package dev.copas;

import org.jspecify.annotations.Nullable;

/** Is told of exceptions that tasks and handlers did not catch. */
@FunctionalInterface
public interface ErrorHandler {

  /**
   * Called in the task that failed, as the last thing it does; may wait like any task.
   *
   * @param error what was thrown
   * @param task the task that threw it
   * @param socket the connection that the task served, still open; null when it served none
   */
  void handle(Throwable error, Task task, @Nullable CopasSocket socket);
}
