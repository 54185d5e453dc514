package dev.copas;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A status and the stacks of its tasks, and both as a tree to read. Taken on the loop, and written
 * elsewhere: a text takes its time.
 *
 * @param stacks one for each task of the status
 */
record Dump(Status status, List<List<StackTraceElement>> stacks) {

  static Dump of(Snapshot snapshot) {
    return new Dump(snapshot.status(), snapshot.stacks());
  }

  String text() {
    var text = new StringBuilder();
    line(text, 0, loop(status));
    line(text, 0, count(status.servers().size(), "server"));
    status.servers().forEach(server -> line(text, 1, server(server)));
    line(text, 0, count(status.sockets().size(), "connection"));
    status.sockets().forEach(socket -> line(text, 1, socket(socket)));
    if (!status.datagramSockets().isEmpty()) {
      line(text, 0, count(status.datagramSockets().size(), "datagram socket"));
      status.datagramSockets().forEach(socket -> line(text, 1, datagrams(socket)));
    }
    tasks(text, Task.State.ACTIVE);
    tasks(text, Task.State.WAITING);
    return text.toString();
  }

  /** Of a loop that does not answer, since a task holds it. */
  static String ofHeld(LoopHeldException held) {
    var text = new StringBuilder();
    line(text, 0, "loop: " + held.getMessage());
    Throwable holder = held.getCause();
    if (holder != null) {
      stack(text, 1, Stacks.fold(holder.getStackTrace()));
    }
    return text.toString();
  }

  private static String loop(Status status) {
    Status.Turns turns = status.turns();
    return "loop: %s, %s (average %s, longest %s, last %s), %s"
        .formatted(
            status.running() ? "running" : "not running",
            count(turns.count(), "turn"),
            Durations.format(turns.average()),
            Durations.format(turns.longest()),
            Durations.format(turns.last()),
            count(status.timers(), "timer"));
  }

  private static String server(Status.ServerStatus server) {
    String name = server.name();
    return "%s, %s, open for %s, %s accepted"
        .formatted(
            server.address(),
            name == null ? "without a server" : "server \"" + name + "\"",
            Durations.format(server.age()),
            count(server.accepted(), "connection"));
  }

  private static String socket(Status.SocketStatus socket) {
    return "%s, %s, %s old, %s in%s, %s out%s"
        .formatted(
            socket.peer(),
            socket.state().name().toLowerCase(Locale.ROOT),
            Durations.format(socket.age()),
            count(socket.received(), "byte"),
            someOf(socket.unread(), "not asked for yet"),
            count(socket.sent(), "byte"),
            someOf(socket.unsent(), "still to go"));
  }

  private static String datagrams(Status.DatagramStatus socket) {
    String peer = socket.peer();
    return "%s%s, open for %s, %s in, %s out"
        .formatted(
            socket.address(),
            peer == null ? "" : ", connected to " + peer,
            Durations.format(socket.age()),
            count(socket.received(), "byte"),
            count(socket.sent(), "byte"));
  }

  private static String someOf(int number, String what) {
    return number == 0 ? "" : " (" + count(number, "byte") + " " + what + ")";
  }

  /** Tasks that are at the same place have their stack in common. */
  private void tasks(StringBuilder text, Task.State state) {
    Map<List<StackTraceElement>, List<Status.TaskStatus>> places = new LinkedHashMap<>();
    for (int i = 0; i < stacks.size(); i++) {
      Status.TaskStatus task = status.tasks().get(i);
      if (task.state() == state) {
        places.computeIfAbsent(stacks.get(i), stack -> new ArrayList<>()).add(task);
      }
    }
    String kind = state.name().toLowerCase(Locale.ROOT) + " task";
    line(text, 0, count(status.tasks(state).size(), kind));
    places.forEach((stack, tasks) -> {
      tasks.forEach(task -> line(text, 1, task(task)));
      stack(text, 2, stack);
    });
  }

  private static String task(Status.TaskStatus task) {
    String since = Durations.format(task.since());
    String waitsFor = task.waitsFor();
    return "\"%s\", %s"
        .formatted(
            task.name(),
            waitsFor == null
                ? "ran or was started " + since + " ago"
                : "for " + since + ", waits for " + waitsFor);
  }

  private static void stack(StringBuilder text, int depth, List<StackTraceElement> stack) {
    stack.forEach(frame -> line(text, depth, "at " + frame));
  }

  private static String count(long number, String what) {
    return String.format(Locale.ROOT, "%,d %s%s", number, what, number == 1 ? "" : "s");
  }

  private static void line(StringBuilder text, int depth, String line) {
    text.repeat("  ", depth).append(line).append('\n');
  }
}
