package dev.copas.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.copas.cli.demo.Script.Scene;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScriptTest {

  @Test
  void itHasFiveScenesOfTheSameLength() {
    var script = new Script(10);
    assertEquals(
        List.of(
            Scene.QUIET,
            Scene.QUIET,
            Scene.COPAS_WAITS,
            Scene.COPAS_WAITS,
            Scene.QUIET,
            Scene.QUIET,
            Scene.NETTY_WAITS,
            Scene.NETTY_WAITS,
            Scene.QUIET,
            Scene.QUIET),
        scenes(script));
    assertEquals(Duration.ofSeconds(2), script.hang());
  }

  @ParameterizedTest
  @ValueSource(ints = {Script.LEAST_SECONDS, 6, 9, 11, 14, 15, 17, 60, 61})
  void whateverItsLengthItBeginsAndEndsQuietAndEachServerWaitsOnceAsLongAsTheBackendHangs(
      int seconds) {
    var script = new Script(seconds);
    List<Scene> scenes = scenes(script);
    assertEquals(Scene.QUIET, scenes.getFirst());
    assertEquals(Scene.QUIET, scenes.getLast());
    for (Scene wait : List.of(Scene.COPAS_WAITS, Scene.NETTY_WAITS)) {
      long part = script.hang().toSeconds();
      assertEquals(part, scenes.stream().filter(wait::equals).count());
      assertEquals(part - 1, scenes.lastIndexOf(wait) - scenes.indexOf(wait));
    }
  }

  private static List<Scene> scenes(Script script) {
    return IntStream.range(0, script.seconds()).mapToObj(script::at).toList();
  }
}
