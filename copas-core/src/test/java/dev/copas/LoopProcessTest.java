package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What only shows in a JVM of its own. */
@Timeout(value = 100, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LoopProcessTest {

  /** The number after the name at the beginning of a line. */
  private static long number(LoopChildJvm.Result result, String name) {
    Matcher matcher =
        Pattern.compile("^" + name + " (-?\\d+)$", Pattern.MULTILINE).matcher(result.output());
    assertTrue(matcher.find(), () -> "no " + name + " in: " + result.output());
    return Long.parseLong(matcher.group(1));
  }

  private static void assertSaid(String text, LoopChildJvm.Result result) {
    assertTrue(result.output().contains(text), () -> "no \"" + text + "\" in " + result);
  }

  @Test
  void withoutTheFlagOneExceptionNamesIt() throws Exception {
    var result = LoopChildJvm.withoutFlag().run("create");
    assertEquals(1, result.exitCode());
    assertSaid("IllegalStateException: Copas runs its tasks on its own scheduler", result);
    assertSaid("--add-opens java.base/java.lang=ALL-UNNAMED", result);
    assertSaid("executable jar", result);
  }

  @Test
  void theErrorOfATaskIsShownEvenWhenTheProgramEndsWithIt() throws Exception {
    assertSaid("boom", LoopChildJvm.inMode().run("fail"));
  }

  @Test
  void systemExitInAHandlerEndsTheJvmWithItsCode() throws Exception {
    assertEquals(42, LoopChildJvm.inMode().run("exit").exitCode());
  }

  @ParameterizedTest
  @ValueSource(strings = {"exitWithClosingHook", "exitWithStoppingHook"})
  void systemExitInAHandlerWorksWithAHookThatEndsTheLoop(String program) throws Exception {
    var result = LoopChildJvm.inMode().run(program);
    assertEquals(42, result.exitCode(), result.output());
    assertSaid("hook has ended it", result);
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aServerOutOfDescriptorsBacksOffAndServesAgain() throws Exception {
    var result = LoopChildJvm.withDescriptors(200).run("outOfDescriptors");
    assertEquals(0, result.exitCode(), result.output());
    assertSaid("out of descriptors after true", result);
    assertSaid("old connection still", result);
    assertSaid("new connection again", result);
    assertTrue(number(result, "cpu") < 500_000_000, result.output());
    assertEquals(1, result.output().split("cannot accept connections", -1).length - 1);
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aLoopNeedsNoDescriptorsToSleepForTheFirstTime() throws Exception {
    var result = LoopChildJvm.withDescriptors(200).run("outOfDescriptorsFromTheStart");
    assertSaid("has slept", result);
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void theTermSignalEndsAServer() throws Exception {
    Process process = LoopChildJvm.inMode().start("serveForEver");
    var out = new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8);
    assertEquals("ready", new BufferedReader(out).readLine());
    process.destroy();
    assertEquals(128 + 15, LoopChildJvm.result(process).exitCode());
  }

  @Test
  void anExecutorWithVirtualThreadsMadeInATaskOutlivesTheLoop() throws Exception {
    var result = LoopChildJvm.inMode().run("executorOutlivesLoop");
    assertEquals(0, result.exitCode(), result.output());
    for (String line : new String[] {"inside 1", "after loop 2", "after close 3", "done"}) {
      assertSaid(line, result);
    }
  }

  @Test
  void anIdleLoopUsesNoCpu() throws Exception {
    var result = LoopChildJvm.inMode().run("idle");
    assertEquals(0, result.exitCode(), result.output());
    // In solo mode the watchdog looks on while a task is in a foreign wait.
    assertTrue(number(result, "cpu") <= (Modes.SOLO ? 50_000_000 : 10_000_000), result.output());
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void fiveThousandConnectionsNeedNoMoreThreads() throws Exception {
    var result = LoopChildJvm.inMode().run("manyConnections");
    assertEquals(0, result.exitCode(), result.output());
    assertSaid("stopped in peace true", result);
    assertTrue(number(result, "more threads") <= 2, result.output());
  }

  /** Takes about ten seconds. */
  @Test
  @Tag("long")
  @DisabledOnOs(OS.WINDOWS)
  void aHundredThousandConnectionsLeaveNothingBehind() throws Exception {
    var result = LoopChildJvm.inMode("-Xmx256m").run("connectAndClose");
    assertEquals(0, result.exitCode(), result.output());
    assertTrue(number(result, "descriptors") <= 5, result.output());
    assertEquals(0, number(result, "tasks"), result.output());
    assertTrue(number(result, "direct") <= 1_000_000, result.output());
    assertTrue(number(result, "heap") <= 5_000_000, result.output());
  }
}
