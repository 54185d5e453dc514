package dev.copas.testkit;

import dev.copas.Copas;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** TCP of the operating system. */
class NioConformanceTest extends StreamConformance {

  @Override
  void run(Body body) throws Exception {
    var failure = new AtomicReference<@Nullable Throwable>();
    try (var copas = Copas.create(OPTIONS)) {
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
