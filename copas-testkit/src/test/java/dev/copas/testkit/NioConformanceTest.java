package dev.copas.testkit;

import dev.copas.Copas;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;

/** TCP of the operating system, in both modes: the build runs it once in each. */
@Tag("solo")
class NioConformanceTest extends StreamConformance {

  private static final boolean SOLO = "solo".equals(System.getProperty("copas.mode"));

  @Override
  void run(Body body) throws Exception {
    var failure = new AtomicReference<@Nullable Throwable>();
    try (var copas = Copas.create(SOLO ? OPTIONS.solo() : OPTIONS)) {
      copas.setErrorHandler((error, task, socket) -> {
        failure.compareAndSet(null, error);
        copas.stop(Duration.ZERO);
      });
      copas.loop(() -> body.run(new Net(copas)));
    }
    Throwable thrown = failure.get();
    if (thrown != null) {
      throw new AssertionError(thrown.getMessage(), thrown);
    }
  }
}
