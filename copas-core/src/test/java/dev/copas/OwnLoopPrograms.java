package dev.copas;

import java.awt.EventQueue;
import java.lang.reflect.InvocationTargetException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import javax.swing.Timer;

/** What {@link OwnLoopTest} runs in JVMs of their own. */
final class OwnLoopPrograms {

  private OwnLoopPrograms() {}

  @SuppressWarnings("SystemOut")
  private static void say(String text) {
    System.out.println(text);
  }

  public static void main(String[] args) throws Exception {
    var errors = new AtomicInteger();
    try (var copas = Modes.create()) {
      copas.setErrorHandler((error, task, socket) -> {
        errors.incrementAndGet();
        say(task.name() + ": " + error);
      });
      var waited = new AtomicInteger();
      var stepper = new OwnLoopTest.Stepper(copas);
      Thread events = eventThread();
      CopasServerSocket server = copas.bind("127.0.0.1", 0);
      copas.addServer(
          server,
          socket -> {
            for (String line; (line = socket.receive()) != null; ) {
              stepper.check(events);
              socket.send(line + "\n");
            }
          });
      for (int i = 0; i < 3; i++) {
        copas.addThread(() -> {
          stepper.waitInEveryWay(events);
          waited.incrementAndGet();
        });
      }
      var timer = new Timer(10, event -> stepper.step());
      timer.start();
      int answers = 0;
      try (var client = LoopFixture.Client.of(server.getLocalPort())) {
        while (answers < 10 && client.ask("line " + answers).equals("line " + answers)) {
          answers++;
        }
      }
      LoopFixture.eventually(() -> waited.get() == 3 || errors.get() > 0);
      timer.stop();
      EventQueue.invokeAndWait(() -> {}); // The step that was on its way.
      say(answers + " answers, " + waited + " waited");
    }
    say("failed with " + errors + " errors");
  }

  private static Thread eventThread() throws InterruptedException, InvocationTargetException {
    var thread = new AtomicReference<>(Thread.currentThread());
    EventQueue.invokeAndWait(() -> thread.set(Thread.currentThread()));
    return thread.get();
  }
}
