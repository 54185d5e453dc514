package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a handler may call without holding the loop, each call made for real. The same table is in
 * docs/handlers.md; {@code -Dcopas.docs.write=true} writes it there, with the figures of the mode
 * in which this runs.
 */
@DisabledOnOs(OS.WINDOWS) // It has no FIFOs, and other shells and native functions.
@DisabledIfSystemProperty(named = "copas.mode", matches = "nio") // The transport has no part in it.
@Timeout(value = 100, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HandlersTest {

  private static final boolean WRITES_PAGE = Boolean.getBoolean("copas.docs.write");
  private static final Path PAGE = Path.of("..", "docs", "handlers.md");
  private static final String BEGIN = "<!-- begin of the table; HandlersTest writes it -->\n";
  private static final String END = "<!-- end of the table -->\n";

  private static final Map<HandlerCall, Duration> MEASURED = new EnumMap<>(HandlerCall.class);

  private static List<HandlerCall> callsInTheTestsOwnProgram() {
    return List.of(HandlerCall.values()).stream()
        .filter(call -> !HandlerCall.IN_A_PROGRAM.contains(call))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("callsInTheTestsOwnProgram")
  void theLoopIsHeldAsThePageSays(HandlerCall call) throws Exception {
    Observation observation = call.observe();
    assertNull(call.problem(observation), call.text);
    MEASURED.put(call, observation.longestWait());
  }

  @Test
  void theLoopIsHeldAsThePageSaysInAProgramOfItsOwn() throws Exception {
    Process program = LoopChildJvm.inMode().builder("", HandlersProgram.class).start();
    try (BufferedReader lines = program.errorReader()) {
      for (String line; (line = lines.readLine()) != null; ) {
        serve(program, line);
      }
      assertEquals(0, program.waitFor());
    } finally {
      program.destroyForcibly();
    }
    assertTrue(MEASURED.keySet().containsAll(HandlerCall.IN_A_PROGRAM), MEASURED::toString);
  }

  /** Lets it wait for a byte, or for room in the pipe. */
  private static void serve(Process program, String line) throws Exception {
    String[] words = line.split(" ", 4);
    switch (words[0]) {
      case "@input" -> {
        Thread.sleep(Calls.WAIT);
        program.getOutputStream().write(1);
        program.getOutputStream().flush();
      }
      case "@output" -> {
        Thread.sleep(Calls.WAIT);
        program.getInputStream().readNBytes(Calls.MUCH);
      }
      case "@observed" -> {
        assertEquals("", words[3]);
        MEASURED.put(HandlerCall.valueOf(words[1]), Duration.parse(words[2]));
      }
      default -> fail(line);
    }
  }

  // ---- The page

  @Test
  void thePageSaysWhatTheTableSays() throws Exception {
    assumeFalse(WRITES_PAGE);
    String page = Files.readString(PAGE);
    assertEquals(
        table(figures(page)), tableOf(page), "write it with -Dcopas.docs.write=true, see above");
  }

  @AfterAll
  static void writePage() throws IOException {
    if (WRITES_PAGE) {
      String page = Files.readString(PAGE);
      Map<String, Figures> figures = figures(page);
      MEASURED.forEach((call, wait) -> figures.merge(call.text, Figures.here(wait), Figures::or));
      Files.writeString(PAGE, page.replace(BEGIN + tableOf(page), BEGIN + table(figures)));
    }
  }

  /** The longest waits in milliseconds; those of the mode that was not measured are empty. */
  private record Figures(String inNativeMode, String inSoloMode) {

    static final Figures NONE = new Figures("", "");

    static Figures here(Duration wait) {
      String millis = String.valueOf(wait.toMillis());
      return Modes.SOLO ? new Figures("", millis) : new Figures(millis, "");
    }

    Figures or(Figures newer) {
      return new Figures(
          newer.inNativeMode.isEmpty() ? inNativeMode : newer.inNativeMode,
          newer.inSoloMode.isEmpty() ? inSoloMode : newer.inSoloMode);
    }
  }

  private static String tableOf(String page) {
    return page.substring(page.indexOf(BEGIN) + BEGIN.length(), page.indexOf(END));
  }

  /** Of each call, by its text. */
  private static Map<String, Figures> figures(String page) {
    Map<String, Figures> figures = new HashMap<>();
    for (String line : tableOf(page).lines().toList()) {
      List<String> cells = List.of(line.split(" *\\| *", -1));
      if (cells.size() == 7) {
        figures.put(cells.get(1), new Figures(cells.get(3), cells.get(4)));
      }
    }
    return figures;
  }

  private static String table(Map<String, Figures> figures) {
    var text = new StringBuilder("\n| call | holds the loop | native | solo | instead |\n");
    text.append("|---|---|---|---|---|\n");
    for (HandlerCall call : HandlerCall.values()) {
      Figures of = figures.getOrDefault(call.text, Figures.NONE);
      var cells = List.of(call.text, call.holds(), of.inNativeMode, of.inSoloMode, call.advice);
      text.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }
    return text.append('\n').toString();
  }
}
