package dev.copas.loop;

import java.lang.System.Logger.Level;
import java.time.ZoneId;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What the library has to say to the log.
 *
 * <p>Loggers lock, and write to files and terminals. A task that waits for one in the middle of a
 * section that must not be interleaved would break it, and a full disk would hold the loop. So a
 * platform thread does the logging, and telling it never waits.
 */
public final class Reports {

  private record Report(Level level, String message, @Nullable Throwable cause) {}

  private static final int MOST_PENDING = 1000;
  private static final int FLUSH_MILLIS = 1000;

  private static final ConcurrentLinkedQueue<Report> PENDING = new ConcurrentLinkedQueue<>();
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final AtomicInteger DROPPED = new AtomicInteger();

  private Reports() {}

  private static final class Writer {
    static final Thread THREAD = Thread.ofPlatform().daemon().name("copas-log").start(Reports::run);
  }

  /**
   * Has everything loaded that a report needs; later there may be no descriptor to load it with.
   */
  public static void prepare() {
    LockSupport.unpark(Writer.THREAD);
  }

  public static void error(String message, Throwable cause) {
    add(new Report(Level.ERROR, message, cause));
  }

  public static void warning(String message, @Nullable Throwable cause) {
    add(new Report(Level.WARNING, message, cause));
  }

  private static void add(Report report) {
    if (COUNT.incrementAndGet() > MOST_PENDING) {
      COUNT.decrementAndGet();
      DROPPED.incrementAndGet();
      return;
    }
    PENDING.add(report);
    LockSupport.unpark(Writer.THREAD);
  }

  /** Waits a moment until all is written: a program that ends now would not show it. */
  public static void flush() {
    boolean isWriter = Thread.currentThread() == Writer.THREAD;
    for (int i = 0; i < FLUSH_MILLIS && COUNT.get() > 0 && !isWriter; i++) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static void run() {
    System.Logger log = System.getLogger("dev.copas");
    // Loggers write the time of day, for which the JDK has a file.
    write(log, new Report(Level.TRACE, "ready, " + ZoneId.systemDefault().getRules(), null));
    while (true) {
      Report report = PENDING.poll();
      if (report == null) {
        LockSupport.park();
        continue;
      }
      write(log, report);
      COUNT.decrementAndGet();
      int dropped = DROPPED.getAndSet(0);
      if (dropped > 0) {
        write(log, new Report(Level.WARNING, dropped + " more reports were dropped", null));
      }
    }
  }

  private static void write(System.Logger log, Report report) {
    try {
      log.log(report.level(), report.message(), report.cause());
    } catch (Throwable e) {
      // A logger that throws must not silence the reports after this one.
    }
  }
}
