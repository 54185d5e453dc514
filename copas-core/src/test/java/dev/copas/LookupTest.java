package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;

/**
 * Tasks look names up, through whatever library. In JVMs of their own: one has one way to look up,
 * found with the first name.
 */
@DisabledIfSystemProperty(named = "copas.mode", matches = "nio") // The transport has no part in it.
@Timeout(value = 100, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LookupTest {

  @Test
  void manyWaitTogetherAndHoldNobody() throws Exception {
    assertDone(LoopChildJvm.inMode().run("together", LookupPrograms.class));
  }

  @Test
  void onlyVirtualThreadsHaveItDoneElsewhere() throws Exception {
    assertDone(LoopChildJvm.inMode().run("elsewhere", LookupPrograms.class));
  }

  @Test
  void whoIsCancelledOrClosedOrLateGetsItsAnswerFirst() throws Exception {
    assertDone(LoopChildJvm.inMode().run("toTheEnd", LookupPrograms.class));
  }

  @Tag("native")
  @Test
  void aThreadThatStepsMayLookUpWhatATaskLooksUp() throws Exception {
    assertDone(LoopChildJvm.inMode().run("stepped", LookupPrograms.class));
  }

  @Test
  void itCanBeTurnedOff() throws Exception {
    assertDone(LoopChildJvm.inMode("-Dcopas.dns=false").run("off", LookupPrograms.class));
  }

  private static void assertDone(LoopChildJvm.Result result) {
    assertEquals(0, result.exitCode(), result.output());
  }
}
