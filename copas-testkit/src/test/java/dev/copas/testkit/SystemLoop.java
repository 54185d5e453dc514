package dev.copas.testkit;

import dev.copas.Copas;
import dev.copas.Options;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A loop on the sockets of the operating system. */
final class SystemLoop {

  /** Something to do in a task of it. */
  interface Body {
    void run(Copas copas) throws Exception;
  }

  private SystemLoop() {}

  /** Runs it; what any task throws, is thrown. */
  static void run(Options options, Body body) {
    var failure = new AtomicReference<@Nullable Throwable>();
    try (var copas = Copas.create(options)) {
      copas.setErrorHandler((error, task, socket) -> {
        failure.compareAndSet(null, error);
        copas.stop(Duration.ZERO);
      });
      copas.loop(() -> body.run(copas));
    }
    Throwable thrown = failure.get();
    if (thrown != null) {
      throw new AssertionError(thrown.getMessage(), thrown);
    }
  }

  /** On java.nio, in the mode of this run: the build runs it once in each. */
  static void runOnNio(Options options, SystemLoop.Body body) {
    boolean solo = "solo".equals(System.getProperty("copas.mode"));
    run(solo ? options.solo() : options.nio(), body);
  }
}
