package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * What takes minutes, and so runs only with {@code -Psoak}. {@code -Dsoak.connections} says how
 * many.
 */
@Tag("soak")
class SoakTest {

  private static final int CONNECTIONS = Integer.getInteger("soak.connections", 1_000_000);

  /** They are opened and ended in every way there is, by plain clients and by our own. */
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aMillionConnectionsLeaveThreadsTasksDescriptorsAndMemoryFlat() throws Exception {
    Process process =
        LoopChildJvm.inMode(
                "-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-Dsoak.connections=" + CONNECTIONS)
            .start("soak", SoakPrograms.class);
    var output = new StringBuilder();
    try (var lines = process.inputReader()) {
      for (String line; (line = lines.readLine()) != null; ) {
        output.append(line).append('\n');
        say(line);
      }
    }
    String all = output.toString();
    assertEquals(0, process.waitFor(), all);
    assertEquals(CONNECTIONS, number(all, "connections"), all);
    assertEquals(0, number(all, "unexpected"), all);
    assertEquals(0, number(all, "tasks"), all);
    assertTrue(number(all, "threads") <= 2, all);
    assertTrue(number(all, "descriptors") <= 5, all);
    assertTrue(number(all, "direct") <= 1_000_000, all);
    assertTrue(number(all, "resident") <= 32_000_000, all);
    assertTrue(number(all, "heap") <= 5_000_000, all);
  }

  @SuppressWarnings("SystemOut") // The figures are what one runs it for.
  private static void say(String text) {
    System.out.println(text);
  }

  private static long number(String output, String name) {
    Matcher matcher = Pattern.compile("^" + name + " (-?\\d+)$", Pattern.MULTILINE).matcher(output);
    assertTrue(matcher.find(), () -> "no " + name + " in: " + output);
    return Long.parseLong(matcher.group(1));
  }
}
