package dev.copas.bench.jmh;

/** The JDK's virtual threads, held to one carrier as those of a loop are to its thread. */
final class OneCarrier {

  static final String PARALLELISM = "-Djdk.virtualThreadScheduler.parallelism=1";
  static final String MAX_POOL_SIZE = "-Djdk.virtualThreadScheduler.maxPoolSize=1";

  private OneCarrier() {}

  static void runBoth(Runnable one, Runnable other) throws InterruptedException {
    Thread first = Thread.ofVirtual().unstarted(one);
    Thread second = Thread.ofVirtual().unstarted(other);
    run(() -> start(first, second));
    first.join();
    second.join();
  }

  /** The first must not run alone until the second has come from another thread. */
  private static void start(Thread first, Thread second) {
    first.start();
    second.start();
  }

  static void run(Runnable body) throws InterruptedException {
    Thread.startVirtualThread(body).join();
  }
}
