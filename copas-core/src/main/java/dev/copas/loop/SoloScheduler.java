package dev.copas.loop;

import java.lang.management.ManagementFactory;
import jdk.management.VirtualThreadSchedulerMXBean;
import org.jspecify.annotations.Nullable;

/**
 * The JVM's own scheduler of virtual threads, held to one carrier. That can only be arranged before
 * the first virtual thread of the JVM starts, with two system properties which the scheduler reads
 * then.
 */
final class SoloScheduler {

  private static final String PARALLELISM = "jdk.virtualThreadScheduler.parallelism";
  private static final String MOST_CARRIERS = "jdk.virtualThreadScheduler.maxPoolSize";

  private static volatile @Nullable SoloScheduler instance;

  private final VirtualThreadSchedulerMXBean scheduler;

  private SoloScheduler(VirtualThreadSchedulerMXBean scheduler) {
    this.scheduler = scheduler;
  }

  /**
   * That of this JVM; the first call holds it to one carrier, unless the JVM was started so.
   *
   * @throws IllegalStateException when it is too late for that; says what to do
   */
  static SoloScheduler get() {
    SoloScheduler held = instance;
    if (held == null) {
      held = hold();
      instance = held;
    }
    return held;
  }

  private static SoloScheduler hold() {
    boolean given = isOne(PARALLELISM) && isOne(MOST_CARRIERS);
    if (!given && hasBegun()) {
      throw tooLate("has begun");
    }
    System.setProperty(PARALLELISM, "1");
    System.setProperty(MOST_CARRIERS, "1");
    var scheduler = ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);
    int carriers = scheduler.getParallelism();
    if (carriers != 1) {
      throw tooLate("has " + carriers + " carriers");
    }
    startPollers();
    return new SoloScheduler(scheduler);
  }

  /**
   * The first virtual thread that waits for a selector starts the JDK's pollers, and that is the
   * loop. They need descriptors, of which there may be none by then.
   */
  private static void startPollers() {
    try {
      Class.forName("sun.nio.ch.Poller");
    } catch (ClassNotFoundException e) {
      // Another JDK has other ways to wait.
    }
  }

  private static boolean isOne(String property) {
    return "1".equals(System.getProperty(property));
  }

  /** On a machine with one processor, the number of carriers alone would not tell. */
  private static boolean hasBegun() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().equals("VirtualThread-unblocker"));
  }

  private static IllegalStateException tooLate(String what) {
    return new IllegalStateException(
        """
        Solo mode holds the virtual threads of the JVM to one carrier, which is arranged before the
        first of them starts. In this JVM the scheduler %s already. Do one of

          main          make the Copas first, before anything that uses virtual threads
          command line  java -D%s=1 -D%s=1 ...
          native mode   leave out Options.solo(), and start the JVM with %s\
        """
            .formatted(what, PARALLELISM, MOST_CARRIERS, MissingFlag.flag()));
  }

  /** Whether virtual threads are ready to run beside the one that asks. */
  boolean isBusy() {
    return scheduler.getQueuedVirtualThreadCount() > 0;
  }
}
