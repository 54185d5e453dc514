package dev.copas.loop;

import io.netty.util.HashedWheelTimer;
import io.netty.util.Timeout;
import java.util.SplittableRandom;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Of a million pending timers any one is cancelled and another armed, as by a connection that shows
 * life. The timers of a loop belong to its thread; the others may be used by any, and Netty's wheel
 * leaves most of the work to a thread of its own.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class TimerReplacement {

  private static final int PENDING = 1 << 20;

  /** They end with the JVM: to stop a million timers would count as CPU time of the last round. */
  private static final ThreadFactory DAEMONS = Thread.ofPlatform().daemon().factory();

  /** The same sequence for all. No timer is due while this runs. */
  private static final class Sequence {

    private static final long SOONEST = TimeUnit.MINUTES.toNanos(10);
    private static final long LATEST = TimeUnit.MINUTES.toNanos(70);

    private final SplittableRandom random = new SplittableRandom(42);

    int place() {
      return random.nextInt(PENDING);
    }

    long delay() {
      return random.nextLong(SOONEST, LATEST);
    }
  }

  private static void ring() {
    throw new AssertionError("too early");
  }

  /** The heap of a loop. */
  @State(Scope.Thread)
  public static class OfCopas {

    private final Sequence sequence = new Sequence();
    private final Timers timers = new Timers();
    private final Timer[] pending = new Timer[PENDING];

    @Setup
    public void fill() {
      for (int i = 0; i < PENDING; i++) {
        arm(i);
      }
    }

    private void arm(int place) {
      pending[place] = new Timer(TimerReplacement::ring);
      timers.arm(pending[place], System.nanoTime() + sequence.delay());
    }

    void replace() {
      int place = sequence.place();
      timers.cancel(pending[place]);
      arm(place);
    }
  }

  /** A wheel that turns often enough to take what is armed meanwhile: so much at each tick. */
  @State(Scope.Thread)
  public static class OfNetty {

    private final Sequence sequence = new Sequence();
    private final HashedWheelTimer timers =
        new HashedWheelTimer(DAEMONS, 10, TimeUnit.MILLISECONDS);
    private final Timeout[] pending = new Timeout[PENDING];

    @Setup
    public void fill() {
      for (int i = 0; i < PENDING; i++) {
        arm(i);
      }
    }

    private void arm(int place) {
      pending[place] = timers.newTimeout(timeout -> ring(), sequence.delay(), TimeUnit.NANOSECONDS);
    }

    void replace() {
      int place = sequence.place();
      pending[place].cancel();
      arm(place);
    }
  }

  /** A heap under a lock. */
  @State(Scope.Thread)
  public static class OfJdk {

    private final Sequence sequence = new Sequence();
    private final ScheduledThreadPoolExecutor timers = new ScheduledThreadPoolExecutor(1, DAEMONS);
    private final Future<?>[] pending = new Future<?>[PENDING];

    @Setup
    public void fill() {
      timers.setRemoveOnCancelPolicy(true);
      for (int i = 0; i < PENDING; i++) {
        arm(i);
      }
    }

    private void arm(int place) {
      pending[place] =
          timers.schedule(TimerReplacement::ring, sequence.delay(), TimeUnit.NANOSECONDS);
    }

    void replace() {
      int place = sequence.place();
      pending[place].cancel(false);
      arm(place);
    }
  }

  @Benchmark
  public void copasTimers(OfCopas timers) {
    timers.replace();
  }

  @Benchmark
  public void nettyHashedWheelTimer(OfNetty timers) {
    timers.replace();
  }

  @Benchmark
  public void jdkScheduledThreadPoolExecutor(OfJdk timers) {
    timers.replace();
  }
}
