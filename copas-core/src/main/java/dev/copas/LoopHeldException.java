package dev.copas;

import dev.copas.loop.Coroutine;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The loop did not answer in time. Names the task that holds it; the cause has its stack. */
final class LoopHeldException extends IllegalStateException {

  private static final long serialVersionUID = 1;

  private LoopHeldException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  static LoopHeldException of(@Nullable Coroutine holder, Duration waited) {
    String who = holder == null ? "somebody" : "task \"" + holder.thread().getName() + "\"";
    return new LoopHeldException(
        "no answer within "
            + waited.toMillis()
            + " ms: "
            + who
            + " holds the loop. Ask again later, or wait longer (Options.statusTimeout); use"
            + " offload for long computations, file and native calls.",
        holder == null ? null : stackOf(holder));
  }

  private static Throwable stackOf(Coroutine holder) {
    var stack = new Throwable("stack of the task that holds the loop");
    stack.setStackTrace(holder.thread().getStackTrace());
    return stack;
  }
}
