package dev.copas.bench.jmh;

import dev.copas.Copas;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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
 * A task starts others, which do nothing and end: those of a loop, beside virtual threads on one
 * carrier of the JDK's scheduler.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(TaskStart.TASKS)
@Fork(
    value = 3,
    jvmArgsAppend = {OneCarrier.PARALLELISM, OneCarrier.MAX_POOL_SIZE})
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class TaskStart {

  static final int TASKS = 1_000;

  private final Copas copas = Copas.create();

  @TearDown
  public void close() {
    copas.close();
  }

  @Benchmark
  public void onCopas() {
    copas.loop(() -> startOnCopas(new CountDownLatch(TASKS)));
  }

  private void startOnCopas(CountDownLatch ended) {
    for (int i = 0; i < TASKS; i++) {
      copas.addThread(ended::countDown);
    }
  }

  @Benchmark
  public void onJdk() throws InterruptedException {
    var ended = new CountDownLatch(TASKS);
    OneCarrier.run(() -> startOnJdk(ended));
    ended.await();
  }

  private static void startOnJdk(CountDownLatch ended) {
    for (int i = 0; i < TASKS; i++) {
      Thread.startVirtualThread(ended::countDown);
    }
  }
}
