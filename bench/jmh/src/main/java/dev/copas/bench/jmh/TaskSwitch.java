package dev.copas.bench.jmh;

import dev.copas.Copas;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One task gives up the thread and the other goes on: two tasks of a loop, beside two virtual
 * threads on one carrier of the JDK's scheduler.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(2 * TaskSwitch.TURNS)
@Fork(
    value = 3,
    jvmArgsAppend = {OneCarrier.PARALLELISM, OneCarrier.MAX_POOL_SIZE})
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class TaskSwitch {

  /** Of each of the two. So many that starting and ending them does not count. */
  static final int TURNS = 10_000;

  private final Copas copas = Copas.create();

  @TearDown
  public void close() {
    copas.close();
  }

  @Benchmark
  public void pauseOnCopas() {
    copas.addThread(TaskSwitch::pauses);
    copas.addThread(TaskSwitch::pauses);
    copas.loop();
  }

  @Benchmark
  public void yieldOnCopas() {
    copas.addThread(TaskSwitch::yields);
    copas.addThread(TaskSwitch::yields);
    copas.loop();
  }

  @Benchmark
  public void yieldOnJdk() throws InterruptedException {
    OneCarrier.runBoth(TaskSwitch::yields, TaskSwitch::yields);
  }

  @Benchmark
  public void parkOnCopas() {
    var game = new PingPong();
    copas.addThread(() -> game.play(0));
    copas.addThread(() -> game.play(1));
    copas.loop();
  }

  @Benchmark
  public void parkOnJdk() throws InterruptedException {
    var game = new PingPong();
    OneCarrier.runBoth(() -> game.play(0), () -> game.play(1));
  }

  private static void pauses() throws InterruptedException {
    for (int i = 0; i < TURNS; i++) {
      Copas.pause();
    }
  }

  private static void yields() {
    for (int i = 0; i < TURNS; i++) {
      Thread.yield();
    }
  }

  /** Each wakes the other and parks. Both have one carrier, so nothing here is contended. */
  private static final class PingPong {

    private final Thread[] players = new Thread[2];
    private volatile int next;

    void play(int self) {
      int other = 1 - self;
      players[self] = Thread.currentThread();
      for (int i = 0; i < TURNS; i++) {
        while (next != self) {
          LockSupport.park();
        }
        next = other;
        LockSupport.unpark(players[other]); // Not started yet in the first turn: null is allowed.
      }
    }
  }
}
