package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Which sockets a loop stands on. */
@Tag("native")
@EnabledOnOs(OS.LINUX)
@Timeout(100)
class TransportsTest {

  private static final String FLAG = "--add-opens=java.base/java.lang=ALL-UNNAMED";
  private static final String PERMISSION = "--enable-native-access=ALL-UNNAMED";

  private static LoopChildJvm.Result run(String program, String... flags) throws Exception {
    return LoopChildJvm.with(flags).run(program);
  }

  @Test
  void withThePermissionItIsEpollAndNothingIsSaid() throws Exception {
    assertEquals("on EpollTransport\n", run("fastest", FLAG, PERMISSION).output());
    assertEquals("on EpollTransport\n", run("epoll", FLAG, PERMISSION).output());
  }

  @Test
  void withoutThePermissionItIsNioAndTheLogTellsWhy() throws Exception {
    String output = run("fastest", FLAG).output();
    assertTrue(output.endsWith("on NioTransport\n"), output);
    assertTrue(output.contains("the loop runs on java.nio; it calls epoll itself with"), output);
    assertTrue(output.contains(PERMISSION), output);
  }

  @Test
  void whoAsksForNioGetsItAndNothingIsSaid() throws Exception {
    assertEquals("on NioTransport\n", run("nio", FLAG).output());
    assertEquals("on NioTransport\n", run("nio", FLAG, PERMISSION).output());
  }

  @Test
  void whoInsistsOnEpollIsToldWhatItNeeds() throws Exception {
    var result = run("epoll", FLAG);
    assertEquals(1, result.exitCode());
    assertTrue(result.output().contains("IllegalStateException"), result.output());
    assertTrue(result.output().contains(PERMISSION), result.output());
  }

  @Test
  void soloModeHasNoEpoll() throws Exception {
    var result = run("soloEpoll", PERMISSION);
    assertEquals(1, result.exitCode());
    assertTrue(result.output().contains("solo mode has no epoll"), result.output());
  }
}
