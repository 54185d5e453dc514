package dev.copas.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.copas.Copas;
import dev.copas.TaskBody;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

/** A loop for the snippets of a page, in which no task may fail. */
abstract class SnippetLoop {

  final Copas copas = Copas.create();
  final List<Throwable> errors = new ArrayList<>();

  final void loop(TaskBody body) {
    copas.setErrorHandler((error, task, socket) -> {
      errors.add(error);
      copas.stop(Duration.ZERO);
    });
    copas.loop(body);
    assertEquals(List.of(), errors);
  }

  @AfterEach
  void close() {
    copas.close();
  }
}
