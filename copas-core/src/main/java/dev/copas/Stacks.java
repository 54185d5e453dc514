package dev.copas;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads stacks of tasks: what of them is the program's, and which call of it waits. */
final class Stacks {

  /** How every virtual thread begins, and how its waits end: says nothing. */
  private static final List<String> JDK_MACHINERY =
      List.of("java.lang.VirtualThread", "java.lang.System$", "jdk.internal.vm.");

  private static final String API = "dev.copas.";
  private static final String LOOP = "dev.copas.loop.";
  private static final List<String> JDK = List.of("java.", "javax.", "jdk.", "sun.", "com.sun.");

  private Stacks() {}

  /**
   * Without the frames of the loop and of the JVM's scheduler. Of a call into Copas the outermost
   * frame stays, which is what the program has called, and not what Copas does in there. Empty for
   * a task in which no code but that of Copas runs, as one that accepts for a server.
   */
  static List<StackTraceElement> fold(StackTraceElement[] stack) {
    var folded = new ArrayList<StackTraceElement>();
    @Nullable StackTraceElement call = null;
    boolean waitsInCopas = false;
    for (StackTraceElement frame : stack) {
      if (isOurs(frame)) {
        waitsInCopas |= folded.stream().allMatch(Stacks::isPark);
        call = frame;
      } else if (!isMachinery(frame)) {
        if (call != null) {
          if (folded.stream().noneMatch(Stacks::isOfProgram)) {
            folded.clear();
          }
          folded.add(call);
          call = null;
        }
        folded.add(frame);
      }
    }
    return waitsInCopas && folded.stream().noneMatch(Stacks::isOfProgram) ? List.of() : folded;
  }

  private static boolean isPark(StackTraceElement frame) {
    return frame.getClassName().equals("java.util.concurrent.locks.LockSupport");
  }

  private static boolean isOurs(StackTraceElement frame) {
    String type = frame.getClassName();
    boolean isOfApi = type.startsWith(API) && type.indexOf('.', API.length()) < 0;
    return isOfApi || type.startsWith(LOOP);
  }

  private static boolean isMachinery(StackTraceElement frame) {
    return JDK_MACHINERY.stream().anyMatch(frame.getClassName()::startsWith);
  }

  /** The call in which a task waits for something that is not the loop's, and who makes it. */
  static String foreignWait(StackTraceElement[] stack, boolean forMonitor) {
    List<StackTraceElement> folded = fold(stack);
    int caller = firstOfProgram(folded);
    String call = forMonitor ? "a monitor" : caller == 0 ? "something" : call(folded, caller - 1);
    return caller == folded.size() ? call : call + ", at " + folded.get(caller);
  }

  private static int firstOfProgram(List<StackTraceElement> stack) {
    int first = 0;
    while (first < stack.size() && !isOfProgram(stack.get(first))) {
      first++;
    }
    return first;
  }

  private static boolean isOfProgram(StackTraceElement frame) {
    return !isOurs(frame) && JDK.stream().noneMatch(frame.getClassName()::startsWith);
  }

  private static String call(List<StackTraceElement> stack, int index) {
    StackTraceElement frame = stack.get(index);
    return frame.getClassName() + "." + frame.getMethodName();
  }
}
