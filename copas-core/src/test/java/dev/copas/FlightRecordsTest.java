package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.example.waits.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What a recording of the JDK's Flight Recorder has of a loop. */
@Timeout(60)
class FlightRecordsTest {

  @TempDir private Path folder;

  private List<RecordedEvent> events(Recording recording, String name) throws IOException {
    Path file = Files.createTempFile(folder, "flight", ".jfr");
    recording.dump(file);
    return RecordingFile.readAllEvents(file).stream()
        .filter(event -> event.getEventType().getName().equals(name))
        .toList();
  }

  /** Real time: that of a task that holds the loop, and of the watchdog that sees it. */
  @Test
  void aTaskThatHoldsTheLoopForLongIsRecorded() throws Exception {
    var options = Options.defaults().watchdogLimit(Duration.ofMillis(100));
    try (var recording = new Recording();
        var log = new LoopFixture.Log();
        var fixture = new LoopFixture(options)) {
      recording.start();
      fixture.start();
      var over = new CountDownLatch(1);
      Task holder = fixture.copas.addThread("holder", () -> Program.compute(over));
      try {
        log.await("\"holder\" has held the loop");
      } finally {
        over.countDown();
      }
      holder.join();
      LoopFixture.eventually(() -> {
        try {
          return events(recording, "dev.copas.LongTurn").stream()
              .anyMatch(event ->
                  "holder".equals(event.getString("task"))
                      && event.getDuration().compareTo(Duration.ofMillis(20)) >= 0);
        } catch (IOException e) {
          throw new AssertionError(e);
        }
      });
    }
  }

  @Test
  void aTaskThatFailsIsRecordedWithItsConnection() throws Exception {
    try (var recording = new Recording();
        var fixture = SocketFixture.started()) {
      recording.start();
      CopasServerSocket server =
          fixture.serve(
              ServerOptions.defaults().name("failing"),
              socket -> {
                throw new IOException("on purpose");
              });
      var client = fixture.client(server);
      assertEquals(-1, client.getInputStream().read());
      List<RecordedEvent> events = events(recording, "dev.copas.TaskFailure");
      assertEquals(1, events.size());
      RecordedEvent event = events.getFirst();
      assertEquals("failing:handler_1", event.getString("task"));
      assertEquals("java.io.IOException", event.getClass("exception").getName());
      assertEquals("on purpose", event.getString("message"));
      assertEquals(
          "CopasSocket[127.0.0.1:" + client.getLocalPort() + "]", event.getString("socket"));
    }
  }

  @Test
  void aTaskThatIsCancelledHasNotFailed() throws Exception {
    try (var recording = new Recording();
        var fixture = new LoopFixture()) {
      recording.start();
      fixture.loop(() -> {
        Task pausing = fixture.copas.addThread(Copas::pauseForever);
        Copas.pause();
        pausing.cancel();
        pausing.join();
      });
      assertEquals(List.of(), events(recording, "dev.copas.TaskFailure"));
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aServerThatBacksOffIsRecorded() throws Exception {
    var result = LoopChildJvm.withDescriptors(200).run("backoff", FlightPrograms.class);
    assertEquals(0, result.exitCode(), result.output());
    assertTrue(result.output().contains("refused -1"), result.output());
    assertTrue(result.output().contains("server crowded"), result.output());
    assertTrue(result.output().contains("Too many open files"), result.output());
    assertTrue(result.output().contains("delay 100"), result.output());
  }

  @Test
  void aJvmWithoutTheRecorderRunsLoops() throws Exception {
    var child = LoopChildJvm.inMode("--limit-modules=jdk.management,java.logging");
    var result = child.run("withoutRecorder", FlightPrograms.class);
    assertEquals(0, result.exitCode(), result.output());
    for (String line : List.of("module false", "failed on purpose", "echo")) {
      assertTrue(result.output().contains(line), result.output());
    }
  }
}
