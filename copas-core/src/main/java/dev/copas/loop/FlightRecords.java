package dev.copas.loop;

import java.time.Duration;
import java.util.function.Consumer;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/**
 * What the library tells the JDK's Flight Recorder.
 *
 * <p>The module {@code jdk.jfr} may be absent, and loading it takes time. So nothing of it is
 * touched until somebody records. A class of it that cannot be loaded then, for want of a
 * descriptor maybe, costs the event and nothing else.
 */
@SuppressWarnings("unused") // The recorder reads the fields of the events.
public final class FlightRecords {

  private static final boolean PRESENT = ModuleLayer.boot().findModule("jdk.jfr").isPresent();

  private FlightRecords() {}

  /** Whether somebody has recorded in this JVM, and so maybe does now. */
  static boolean areOn() {
    return PRESENT && FlightRecorder.isInitialized();
  }

  /** Has everything loaded that a record needs; later there may be no descriptor for that. */
  public static void prepare() {
    if (areOn()) {
      guarded(() -> new AcceptBackoff().isEnabled());
    }
  }

  /**
   * A coroutine begins a step.
   *
   * @return to be told when the step has ended, and the name of its thread; null when that is not
   *     known
   */
  static Consumer<@Nullable String> turnBegins() {
    try {
      var event = new LongTurn();
      event.begin();
      return task -> guarded(() -> event.ended(task));
    } catch (LinkageError e) {
      return task -> {};
    }
  }

  /**
   * A task has ended with an exception.
   *
   * @param socket the connection that it served
   */
  public static void taskFailed(String task, Throwable failure, @Nullable Object socket) {
    if (areOn()) {
      guarded(() -> new TaskFailure().commit(task, failure, socket));
    }
  }

  /** A server cannot accept, and waits. */
  public static void acceptBackoff(String server, Throwable reason, Duration delay) {
    if (areOn()) {
      guarded(() -> new AcceptBackoff().commit(server, reason, delay));
    }
  }

  private static void guarded(Runnable record) {
    try {
      record.run();
    } catch (LinkageError e) {
      // See above.
    }
  }

  @Name("dev.copas.LongTurn")
  @Label("Long Turn")
  @Category("Copas")
  @Description("A task ran for long without giving up the loop")
  @StackTrace(false)
  @Threshold("20 ms")
  private static final class LongTurn extends Event {

    @Label("Task")
    @Nullable String task;

    void ended(@Nullable String task) {
      end();
      if (task != null && shouldCommit()) {
        this.task = task;
        commit();
      }
    }
  }

  @Name("dev.copas.TaskFailure")
  @Label("Task Failure")
  @Category("Copas")
  @Description("A task did not catch an exception")
  @StackTrace(false)
  private static final class TaskFailure extends Event {

    @Label("Task")
    @Nullable String task;

    @Label("Exception")
    @Nullable Class<?> exception;

    @Label("Message")
    @Nullable String message;

    @Label("Socket")
    @Description("The connection that the task served")
    @Nullable String socket;

    void commit(String task, Throwable failure, @Nullable Object socket) {
      if (shouldCommit()) {
        this.task = task;
        this.exception = failure.getClass();
        this.message = failure.getMessage();
        this.socket = socket == null ? null : socket.toString();
        commit();
      }
    }
  }

  @Name("dev.copas.AcceptBackoff")
  @Label("Accept Back-off")
  @Category("Copas")
  @Description("A server cannot accept connections, and tries again later")
  @StackTrace(false)
  private static final class AcceptBackoff extends Event {

    @Label("Server")
    @Nullable String server;

    @Label("Reason")
    @Nullable String reason;

    @Label("Delay")
    @Timespan(Timespan.NANOSECONDS)
    long delay;

    void commit(String server, Throwable reason, Duration delay) {
      if (shouldCommit()) {
        this.server = server;
        this.reason = reason.toString();
        this.delay = delay.toNanos();
        commit();
      }
    }
  }
}
