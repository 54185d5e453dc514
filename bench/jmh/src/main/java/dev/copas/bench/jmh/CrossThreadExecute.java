package dev.copas.bench.jmh;

import dev.copas.Copas;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A foreign thread has a loop do something, and waits until it is done. Copas makes a task of it,
 * which may wait; with the others it must not.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class CrossThreadExecute {

  private static final int BURST = 1_000;

  /** Who does it. */
  public enum On {
    COPAS {
      @Override
      Running start() {
        Copas copas = Copas.create();
        copas.start();
        return new Running(copas, copas::close);
      }
    },

    NETTY {
      @Override
      Running start() {
        var group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        return new Running(
            group.next(),
            () -> group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly());
      }
    },

    JDK {
      @Override
      Running start() {
        ExecutorService executor = Executors.newSingleThreadExecutor();
        return new Running(executor, executor::close);
      }
    };

    abstract Running start();
  }

  private record Running(Executor executor, Runnable end) {}

  @Param private On on;
  private Running running;
  private Executor executor;

  @Setup
  public void start() {
    running = on.start();
    executor = running.executor;
  }

  @TearDown
  public void end() {
    running.end.run();
  }

  /**
   * Two threads are woken for each. That depends on the core which the system chooses for them far
   * more than on who they are: on a single one ({@code taskset -c 0}) all are alike.
   */
  @Benchmark
  public void oneByOne() {
    var last = new Note();
    executor.execute(last);
    last.await();
  }

  /** They are done in order, so it is enough to wait for the last. */
  @Benchmark
  @OperationsPerInvocation(BURST)
  public void manyAtOnce() {
    for (int i = 1; i < BURST; i++) {
      executor.execute(() -> {});
    }
    oneByOne();
  }

  /** That something is done, for the thread that made this. */
  private static final class Note implements Runnable {

    private final Thread reader = Thread.currentThread();
    private volatile boolean done;

    @Override
    public void run() {
      done = true;
      LockSupport.unpark(reader);
    }

    void await() {
      while (!done) {
        LockSupport.park();
      }
    }
  }
}
