package dev.copas.testkit;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Loop;
import java.util.ArrayList;
import java.util.List;

/** Says what the tasks of a loop are doing. */
final class Tasks {

  /** Where every wait ends in the JDK: says nothing. */
  private static final List<String> MACHINERY =
      List.of("java.lang.VirtualThread", "java.lang.System$", "java.util.concurrent.locks.Lock");

  private Tasks() {}

  /** Each task that has not ended, with its stack. */
  static String describe(Loop loop) {
    var tasks = new ArrayList<Coroutine>();
    loop.forEachLive(tasks::add);
    var text = new StringBuilder();
    for (Coroutine task : tasks.reversed()) { // The oldest first.
      text.append(describe(task.thread()));
    }
    return text.isEmpty() ? " none" : text.toString();
  }

  /** The task that has this thread, with its stack. */
  static String describe(Thread thread) {
    var text = new StringBuilder("\n  task \"").append(thread.getName()).append('"');
    for (StackTraceElement frame : thread.getStackTrace()) {
      if (MACHINERY.stream().noneMatch(frame.getClassName()::startsWith)) {
        text.append("\n    at ").append(frame);
      }
    }
    return text.toString();
  }
}
