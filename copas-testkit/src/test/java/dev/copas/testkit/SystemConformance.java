package dev.copas.testkit;

import dev.copas.Copas;
import dev.copas.Options;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** TCP of the operating system. */
abstract class SystemConformance extends StreamConformance {

  abstract Options options(Options wanted);

  @Override
  final void run(Body body) throws Exception {
    var failure = new AtomicReference<@Nullable Throwable>();
    try (var copas = Copas.create(options(OPTIONS))) {
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
