package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class VirtualClockTest {

  /** Time passes the greatest number there is. */
  private static final long START = Math.subtractExact(Long.MAX_VALUE, 10);

  private final List<String> log = new ArrayList<>();
  private boolean somethingIsReady;
  private final VirtualClock clock =
      new VirtualClock(
          START,
          new VirtualClock.Standstill() {
            @Override
            public boolean isOver() {
              return somethingIsReady;
            }

            @Override
            public void atRest() {
              log.add("at rest");
            }

            @Override
            public void inForeignCall() {
              log.add("foreign");
            }
          });
  private final MemoryTransport transport =
      new MemoryTransport(clock, new SplittableRandom(1), new Trace(), new Budget(1000));

  private void sleep(long nanos, boolean quiet) throws IOException {
    clock.sleep(transport, nanos, quiet);
  }

  private void log(String what) {
    log.add(what + "@" + clock.elapsed());
  }

  @Test
  void jumpsToTheDeadline() throws Exception {
    sleep(100, true);
    assertEquals(100, clock.elapsed());
    assertEquals(START + 100, clock.nanoTime());
  }

  @Test
  void jumpsToTheNextEventIfThatIsEarlier() throws Exception {
    clock.at(START + 30, () -> log("third"));
    clock.at(START + 20, () -> log("first"));
    clock.at(START + 20, () -> log("second"));
    sleep(100, true);
    assertEquals(List.of("first@20", "second@20"), log);
    sleep(Long.MAX_VALUE, true);
    assertEquals("third@30", log.getLast());
  }

  @Test
  void doesNotJumpOverWhatIsReady() throws Exception {
    somethingIsReady = true;
    sleep(100, true);
    assertEquals(0, clock.elapsed());
  }

  @Test
  void doesNotJumpWhileThereIsAForeignCall() throws Exception {
    clock.at(START + 20, () -> log("event"));
    sleep(100, false);
    assertEquals(0, clock.elapsed());
    assertEquals(List.of("foreign"), log);
  }

  @Test
  void saysWhenNothingWillEverHappen() throws Exception {
    sleep(Long.MAX_VALUE, true);
    assertEquals(List.of("at rest"), log);
  }
}
