package dev.copas.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The cache from which the launcher has the JVM start the command faster. */
@Timeout(60)
@DisabledOnOs(OS.WINDOWS)
class StartTest {

  private Checkout checkout;
  private Path app;

  @BeforeEach
  void makeCheckout(@TempDir Path root) throws IOException {
    checkout = Checkout.in(root);
    app = root.resolve("copas-cli/target/app");
  }

  @Test
  void theCommandStartsWithTheCacheOfItsJdk() throws Exception {
    assertEquals(0, version("-XX:AOTMode=on").code(), "without a cache");
    Files.writeString(app.resolve(cache(Runtime.version())), "no cache");
    assertEquals(1, version("-XX:AOTMode=on").code(), "it insists on what is none");
  }

  @Test
  void aCacheThatTheJvmCannotUseIsNotWorthAWord() throws Exception {
    Files.writeString(app.resolve(cache(Runtime.version())), "no cache");
    var outcome = version("-Xmx24m");
    assertTrue(outcome.out().matches("copas .*\\R"), outcome.out());
    assertEquals(0, outcome.code());
  }

  /** Such as 25000003.aot. */
  private static String cache(Runtime.Version jdk) {
    return "%d%03d%03d.aot".formatted(jdk.feature(), jdk.interim(), jdk.update());
  }

  private CliProcess.Outcome version(String option) throws Exception {
    var environment = Map.of("JDK_JAVA_OPTIONS", option);
    try (var command = CliProcess.launch(checkout, app, environment, "--version")) {
      return command.outcome();
    }
  }
}
