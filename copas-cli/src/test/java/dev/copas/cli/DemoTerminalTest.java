package dev.copas.cli;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The demo in a terminal. */
@Timeout(120)
@EnabledOnOs(OS.LINUX)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DemoTerminalTest {

  private static final String FORTY_CLIENTS = "demo --clients 40";

  private Path folder;
  private Checkout checkout;

  @BeforeAll
  void makeCheckout(@TempDir Path temp) throws IOException {
    assumeTrue(TerminalSession.isPossible(), "there is script(1)");
    folder = temp;
    checkout = Checkout.in(temp);
  }

  @Test
  void keysLetHandlersWaitAndQuitAtOnce() throws Exception {
    try (var session = launch("xterm", FORTY_CLIENTS)) {
      session.awaitPicture("^ *handlers in the blocking call +0 +0$");
      session.type("b");
      session.awaitPicture("^ *handlers in the blocking call +10 +0$");
      session.type("n");
      session.awaitPicture("^ *handlers in the blocking call +[0-9]+ +1$");
      session.type("q");
      session.awaitEnd(0);
      assertIsAsBefore(session);
    }
  }

  @Test
  void aSignalRestoresTheTerminal() throws Exception {
    assumeFalse(
        CliProcess.ignoresInterrupts(ProcessHandle.current().pid()),
        "the build was started to ignore it");
    try (var session = launch("xterm", FORTY_CLIENTS)) {
      session.awaitPicture("q  quit");
      session.type("\003"); // Ctrl-C
      session.awaitEnd(130);
      assertIsAsBefore(session);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"dumb", "of-no-known-type"})
  void aTerminalThatCannotBeDrawnOnGetsPlainLines(String terminal) throws Exception {
    try (var session = launch(terminal, "demo --clients 20 --seconds 5")) {
      session.awaitOutput(" 2 +(Netty)");
      String output = session.output();
      assertTrue(output.contains("this is --plain"), output);
      assertFalse(output.contains("\033"), output);
      assertFalse(output.contains("Exception"), output);
    }
  }

  private TerminalSession launch(String terminal, String args) throws IOException {
    return TerminalSession.launch(checkout, folder, terminal, args);
  }

  /** What was on the screen is there again, and so is the cursor. */
  private static void assertIsAsBefore(TerminalSession session) throws IOException {
    String output = session.output();
    assertTrue(output.lastIndexOf("\033[?1049l") > output.lastIndexOf("\033[?1049h"), output);
    assertTrue(output.lastIndexOf("\033[?25h") > output.lastIndexOf("\033[?25l"), output);
  }
}
