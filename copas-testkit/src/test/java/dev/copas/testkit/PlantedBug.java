package dev.copas.testkit;

import java.util.List;

/**
 * A bug that somebody could have written: one place of one source file, changed.
 *
 * @param finder what should fail with it: has a {@code public static void run(long seed)}
 * @param file the source, from the folder of the core's package {@code dev.copas}
 * @param fragment what stands there, once
 * @param replacement what stands there with the bug
 */
record PlantedBug(Class<?> finder, String name, String file, String fragment, String replacement) {

  private PlantedBug(String name, String file, String fragment, String replacement) {
    this(Workout.class, name, file, fragment, replacement);
  }

  static final List<PlantedBug> ALL =
      List.of(
          new PlantedBug(
              "lost wake-up: what comes while a task runs is forgotten",
              "loop/Coroutine.java",
              "queued = false; // Before",
              "resumes++; continuation.run(); queued = false; if (true) return; // Before"),
          new PlantedBug(
              "double wake-up: one turn to send is given to all who wait for it",
              "Sending.java",
              """
                      sender = next;
                      return;
              """,
              """
                      sender = next;
              """),
          new PlantedBug(
              "stale timer: a deadline outlives its wait",
              "loop/Coroutine.java",
              """
                      loop.awaitEnds();
                      cancelTimer();
              """,
              """
                      loop.awaitEnds();
              """),
          new PlantedBug(
              "timers out of order: the heap overlooks a child",
              "loop/Timers.java",
              "child < end",
              "child < end - 1"),
          new PlantedBug(
              "timers out of order: what fills the gap of a cancelled one may be too low",
              "loop/Timers.java",
              "siftUp(timer, when, hole);",
              "put(timer, when, hole);"),
          new PlantedBug(
              "starvation: a turn goes on with what got ready in it",
              "loop/NativeCarrier.java",
              "for (int i = 0; i < count; i++) {",
              "for (int i = 0; ready.size() > 0; i++) {"),
          new PlantedBug(
              "early timers: a deadline in the same millisecond is taken for now",
              "loop/Timers.java",
              "dueTimes[0] - now <= 0",
              "dueTimes[0] - now <= 999_999"),
          new PlantedBug(
              "lost interest: only the first wait asks the channel",
              "Direction.java",
              """
                  arm();
                  waiting = self;
              """,
              """
                  awaitArmed(self, deadline);
                }

                private boolean asked;

                private void awaitArmed(Coroutine self, long deadline) throws IOException {
                  if (!asked) {
                    arm();
                  }
                  asked = true;
                  waiting = self;
              """),
          new PlantedBug(
              "spinning: interest is kept although nobody waits",
              "Direction.java",
              "return waiting != null && waiting.wake(Wake.READY);",
              "return waiting == null || waiting.wake(Wake.READY);"),
          new PlantedBug(
              "deaf close: who waits is not told",
              "Direction.java",
              "waiting.wake(Wake.CLOSED);",
              ""),
          new PlantedBug(
              "reused turn: a sender who gave up is still in the queue",
              "Sending.java",
              "waiting.remove(self);",
              ""),
          new PlantedBug(
              "lost bytes: a wait drops what came before it",
              "SocketInput.java",
              """
                    if (start == end) {
                      dropBuffer();
                    }
                    await(self, deadline);
              """,
              """
                    dropBuffer();
                    await(self, deadline);
              """),
          new PlantedBug(
              "overtaking: a large write does not wait for the small ones before it",
              "SocketOutput.java",
              """
                  drain(self, deadline);
                  while (source.hasRemaining()) {
              """,
              """
                  while (source.hasRemaining()) {
              """),
          new PlantedBug(
              "short write: the rest is taken for written",
              "SocketOutput.java",
              "pending.compact();",
              "pending.clear();"),
          new PlantedBug(
              "reused buffer: given back, and still used",
              "SocketOutput.java",
              """
                  if (pending.position() == 0) {
                    buffers.give(pending);
                    pending = Buffers.NONE;
              """,
              """
                  if (pending.position() == 0) {
                    buffers.give(pending);
              """),
          new PlantedBug(
              "stuck flag: room that came is not noticed",
              "SocketOutput.java",
              "awaitsRoom = false;",
              ""),
          new PlantedBug(
              "closed twice: the time limit of a close outlives it",
              "SocketOutput.java",
              "loop.cancel(lingerTimer);",
              ""));

  @Override
  public String toString() {
    return name;
  }
}
