package dev.copas.integration;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.FileAppender;
import ch.qos.logback.core.OutputStreamAppender;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.logging.FileHandler;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Loggers with their ordinary appenders, which tasks share with threads. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LogsTest {

  private static final int TASKS = 30;
  private static final int THREADS = 6;
  private static final int LINES = 100;

  @TempDir private Path folder;

  @Test
  void logbackWritesEveryLineToAFile() throws Exception {
    Path file = folder.resolve("logback.log");
    var appender = new FileAppender<ILoggingEvent>();
    appender.setFile(file.toString());
    try (var log = new Logback(appender)) {
      logFromEverywhere(log.logger::info);
    }
    assertEveryLine(Files.readAllLines(file));
  }

  @Test
  void logbackWritesEveryLineToTheConsole() throws Exception {
    var console = new ByteArrayOutputStream();
    PrintStream before = System.out;
    System.setOut(new PrintStream(console, false, UTF_8));
    try (var log = new Logback(new ConsoleAppender<>())) {
      logFromEverywhere(log.logger::info);
    } finally {
      System.out.flush();
      System.setOut(before);
    }
    assertEveryLine(console.toString(UTF_8).lines().toList());
  }

  @Test
  void javaUtilLoggingWritesEveryLine() throws Exception {
    Path file = folder.resolve("jul.log");
    try (var log = new JavaUtilLogging(file)) {
      logFromEverywhere(log.logger::info);
    }
    assertEveryLine(Files.readAllLines(file));
  }

  @Test
  void systemLoggerWritesEveryLine() throws Exception {
    Path file = folder.resolve("system.log");
    try (var log = new JavaUtilLogging(file)) {
      System.Logger logger = System.getLogger(log.logger.getName());
      logFromEverywhere(line -> logger.log(System.Logger.Level.INFO, line));
    }
    assertEveryLine(Files.readAllLines(file));
  }

  /** While one writes, the others wait for the appender's lock, and the loop goes on. */
  @Test
  void anAppenderThatTakesItsTimeHoldsOnlyThoseWhoLog() throws Exception {
    Duration each = Duration.ofMillis(20);
    var appender = new OutputStreamAppender<ILoggingEvent>();
    appender.setOutputStream(new SlowStream(each));
    try (var log = new Logback(appender);
        var loop = new SharedLoop()) {
      SharedLoop.Outcome outcome = loop.run(TASKS, () -> log.logger.info("slowly"));
      assertTrue(outcome.took().compareTo(each.multipliedBy(TASKS)) >= 0, outcome::toString);
      assertTrue(outcome.echoes() >= TASKS / 2, outcome::toString);
    }
  }

  /** Like a slow disk, but politely. */
  private static final class SlowStream extends OutputStream {

    private final Duration time;

    SlowStream(Duration time) {
      this.time = time;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
      try {
        Thread.sleep(time);
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }
  }

  // ---- Who logs, and what must come of it

  private static void logFromEverywhere(Consumer<String> log) throws Exception {
    var number = new AtomicInteger();
    Runnable party =
        () -> {
          int mine = number.incrementAndGet();
          for (int line = 0; line < LINES; line++) {
            log.accept(line(mine, line));
          }
        };
    try (var loop = new SharedLoop()) {
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        threads.add(Thread.ofPlatform().start(party));
        threads.add(Thread.ofVirtual().start(party));
      }
      loop.run(TASKS, party::run);
      for (Thread thread : threads) {
        thread.join();
      }
    }
  }

  private static String line(int party, int line) {
    return "party " + party + " says its line " + line + ", which is of some length";
  }

  private static void assertEveryLine(List<String> written) {
    Set<String> missing = new HashSet<>();
    for (int party = 1; party <= TASKS + 2 * THREADS; party++) {
      for (int line = 0; line < LINES; line++) {
        missing.add(line(party, line));
      }
    }
    assertEquals(missing.size(), written.size());
    written.forEach(missing::remove);
    assertEquals(0, missing.size());
  }

  // ---- Loggers that write nothing but the message

  private static final class Logback implements AutoCloseable {

    final Logger logger = (Logger) LoggerFactory.getLogger("copas.test." + System.nanoTime());
    private final OutputStreamAppender<ILoggingEvent> appender;

    Logback(OutputStreamAppender<ILoggingEvent> appender) {
      this.appender = appender;
      var encoder = new PatternLayoutEncoder();
      encoder.setContext(logger.getLoggerContext());
      encoder.setPattern("%msg%n");
      encoder.start();
      appender.setContext(logger.getLoggerContext());
      appender.setEncoder(encoder);
      appender.start();
      logger.setLevel(Level.INFO);
      logger.setAdditive(false);
      logger.addAppender(appender);
    }

    @Override
    public void close() {
      appender.stop();
      logger.detachAppender(appender);
    }
  }

  private static final class JavaUtilLogging implements AutoCloseable {

    final java.util.logging.Logger logger =
        java.util.logging.Logger.getLogger("copas.test." + System.nanoTime());
    private final FileHandler handler;

    JavaUtilLogging(Path file) throws IOException {
      handler = new FileHandler(file.toString());
      handler.setFormatter(
          new java.util.logging.Formatter() {
            @Override
            public String format(LogRecord record) {
              return record.getMessage() + "\n";
            }
          });
      logger.setUseParentHandlers(false);
      logger.addHandler(handler);
    }

    @Override
    public void close() {
      handler.close();
    }
  }
}
