package dev.copas;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** What {@link LookupTest} runs in JVMs of their own, where {@link SlowNames} look up. */
final class LookupPrograms {

  private static final int TASKS = 50;

  private LookupPrograms() {}

  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "together" -> together();
      case "elsewhere" -> {
        elsewhere();
        unknown();
      }
      case "toTheEnd" -> {
        cancelled();
        closed();
        behindOthers();
      }
      case "stepped" -> {
        stepped();
        connectStepped();
      }
      case "off" -> off();
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  private static void check(boolean condition, Object actual) {
    if (!condition) {
      throw new AssertionError(actual);
    }
  }

  private static void together() throws Exception {
    Observation.of(1, () -> lookUp("warm-up.slow"));
    var number = new AtomicInteger();
    checkTogether(
        Observation.of(TASKS, () -> lookUp("host-" + number.incrementAndGet() + ".slow")));
    checkTogether(Observation.of(TASKS, () -> lookUp("same.slow")));
    check(SlowNames.THREADS.size() == 1 + TASKS + 1, SlowNames.THREADS);
    checkTogether(
        Observation.of(
            TASKS,
            () -> {
              byte[] address = {127, 0, 0, (byte) number.incrementAndGet()};
              check(InetAddress.getByAddress(address).getCanonicalHostName() != null, address);
            }));
  }

  private static void lookUp(String name) throws UnknownHostException {
    check(InetAddress.getAllByName(name)[0].isLoopbackAddress(), name);
  }

  /** All in the time of a few, and nobody else had to wait for many of them. */
  private static void checkTogether(Observation observation) {
    Duration took = observation.took();
    check(observation.failures().isEmpty(), observation);
    check(took.compareTo(SlowNames.TIME) >= 0, observation);
    check(took.compareTo(SlowNames.TIME.multipliedBy(TASKS / 5)) < 0, observation);
    check(observation.longestWait().compareTo(SlowNames.TIME.multipliedBy(2)) < 0, observation);
  }

  /** A cancelled task gets its answer first, and leaves no wrong one for the others. */
  private static void cancelled() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        Task first = fixture.add(() -> lookUpInterrupted("cancelled.slow"));
        Task second = fixture.add(() -> lookUp("cancelled.slow"));
        while (SlowNames.THREADS.isEmpty()) {
          Copas.pause();
        }
        first.cancel();
        first.join();
        second.join();
        try {
          Copas.within(
              SlowNames.TIME.dividedBy(4),
              () -> {
                lookUpInterrupted("late.slow");
                Thread.sleep(1);
              });
          check(false, "it took longer");
        } catch (TimeoutException e) {
          lookUp("late.slow");
        }
      });
    }
  }

  private static void lookUpInterrupted(String name) throws UnknownHostException {
    lookUp(name);
    check(Thread.currentThread().isInterrupted(), name);
  }

  private static void closed() throws Exception {
    SlowNames.THREADS.clear();
    var found = new CompletableFuture<InetAddress>();
    Options impatient = Options.defaults().closeTimeout(SlowNames.TIME.dividedBy(4));
    try (var fixture = new LoopFixture(impatient)) {
      fixture.copas.start();
      fixture.add(() -> found.complete(InetAddress.getAllByName("closed.slow")[0]));
      while (SlowNames.THREADS.isEmpty()) {
        Thread.sleep(1);
      }
    }
    check(!found.isDone(), "closed before");
    check(found.get().isLoopbackAddress(), found);
    lookUp("closed.slow");
  }

  private static void elsewhere() throws Exception {
    try (var fixture = new LoopFixture()) {
      lookUp("main.slow");
      Thread.ofVirtual().start(() -> uncheckedLookUp("virtual.slow")).join();
      fixture.loop(() -> {
        lookUp("task.slow");
        fixture.copas.offload(() -> lookUp("offload.slow"));
      });
    }
    checkThreads("main", "copas-dns-1", "copas-dns-2", "copas-offload-1");
  }

  private static void checkThreads(String... expected) {
    check(List.of(expected).equals(List.copyOf(SlowNames.THREADS)), SlowNames.THREADS);
  }

  private static void uncheckedLookUp(String name) {
    try {
      lookUp(name);
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }

  private static void unknown() {
    LoopFixture.run(() -> {
      try {
        InetAddress.getAllByName("host.unknown");
        check(false, "known");
      } catch (UnknownHostException e) {
        check("host.unknown".equals(e.getMessage()), e);
        check(List.of(e.getStackTrace()).toString().contains("LookupPrograms"), e);
      }
    });
  }

  /**
   * The threads of offload are all about to look up what the task looks up, and wait for the lock
   * that the JDK has for the name.
   */
  private static void behindOthers() throws Exception {
    int threads = 2;
    try (var fixture = new LoopFixture(Options.defaults().offloadThreads(threads))) {
      fixture.loop(() -> {
        var go = new CountDownLatch(1);
        for (int i = 0; i < threads; i++) {
          fixture.add(() -> fixture.copas.offload(() -> go.await()));
        }
        for (int i = 0; i < threads; i++) {
          fixture.add(() -> fixture.copas.offload(() -> lookUp("wanted.slow")));
        }
        Copas.pause();
        fixture.add(() -> lookUp("wanted.slow"));
        Copas.pause();
        go.countDown();
      });
    }
  }

  /** Between two steps nobody runs the task: it must not have the lock of the name then. */
  private static void stepped() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.copas.addThread("stepped", () -> lookUp("same.slow"));
      fixture.copas.step();
      lookUp("same.slow");
      fixture.loop(() -> lookUp("in-loop.slow"));
      fixture.copas.addThread("stepped again", () -> lookUp("again.slow"));
      fixture.copas.step();
    }
    checkThreads("stepped", "copas-dns-1", "stepped again");
  }

  /** A step is not held by a task that connects by name. */
  private static void connectStepped() throws Exception {
    SlowNames.THREADS.clear();
    try (var fixture = new LoopFixture()) {
      CopasServerSocket server = fixture.echo();
      Task task =
          fixture.add(() -> fixture.copas.connect("server.slow", server.getLocalPort()).close());
      while (task.state() != Task.State.ENDED) {
        fixture.copas.step(SlowNames.TIME);
      }
    }
    checkThreads("copas-offload-1");
  }

  private static void off() {
    try (var fixture = new LoopFixture()) {
      fixture.copas.addThread("asking", () -> lookUp("task.slow"));
      fixture.loop();
    }
    checkThreads("asking");
  }
}
