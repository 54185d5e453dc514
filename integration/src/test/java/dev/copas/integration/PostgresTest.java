package dev.copas.integration;

import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.copas.Copas;
import dev.copas.Task;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postgresql.ds.PGSimpleDataSource;

/** PostgreSQL through JDBC, its connections made anew or pooled. */
@Timeout(120)
class PostgresTest {

  private static final int HANDLERS = 50;
  private static final Duration ONE_SECOND = Duration.ofSeconds(1);

  /** Whose sockets the driver uses. */
  enum Sockets {
    OF_THE_DRIVER(""),
    OF_THE_LOOP("&socketFactory=dev.copas.CopasSocketFactory");

    private final String parameter;

    Sockets(String parameter) {
      this.parameter = parameter;
    }

    String url() {
      return Postgres.url() + parameter;
    }
  }

  private interface Connections {
    Connection open() throws SQLException;
  }

  private static void sleepOneSecond(Connections connections) throws SQLException {
    try (Connection connection = connections.open();
        Statement statement = connection.createStatement()) {
      statement.execute("select pg_sleep(1)");
    }
  }

  private static HikariDataSource pool(Sockets sockets, int size) {
    return pool(sockets, size, Duration.ofSeconds(30));
  }

  private static HikariDataSource pool(Sockets sockets, int size, Duration mostToWait) {
    var config = new HikariConfig();
    config.setJdbcUrl(sockets.url());
    config.setMaximumPoolSize(size);
    config.setMinimumIdle(0);
    config.setConnectionTimeout(mostToWait.toMillis());
    return new HikariDataSource(config);
  }

  // ---- Waiting

  @ParameterizedTest
  @EnumSource
  void queriesOfManyHandlersWaitTogether(Sockets sockets) throws Exception {
    String url = sockets.url();
    try (var loop = new SharedLoop()) {
      loop.run(HANDLERS, () -> sleepOneSecond(() -> DriverManager.getConnection(url)))
          .assertWaitedTogether(HANDLERS, ONE_SECOND);
    }
  }

  @ParameterizedTest
  @EnumSource
  void queriesOverPooledConnectionsWaitTogether(Sockets sockets) throws Exception {
    try (var loop = new SharedLoop();
        HikariDataSource pool = pool(sockets, HANDLERS)) {
      fill(pool, HANDLERS);
      loop.run(HANDLERS, () -> sleepOneSecond(pool::getConnection))
          .assertWaitedTogether(HANDLERS, ONE_SECOND);
      assertEquals(HANDLERS, pool.getHikariPoolMXBean().getTotalConnections());
    }
  }

  /** It opens one after the other, on a thread of its own. */
  private static void fill(HikariDataSource pool, int size) throws SQLException {
    List<Connection> all = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      all.add(pool.getConnection());
    }
    for (Connection connection : all) {
      connection.close();
    }
  }

  @ParameterizedTest
  @EnumSource
  void handlersWaitForAPoolThatIsTooSmall(Sockets sockets) throws Exception {
    int size = 10;
    try (var loop = new SharedLoop();
        HikariDataSource pool = pool(sockets, size)) {
      SharedLoop.Outcome outcome = loop.run(2 * size, () -> sleepOneSecond(pool::getConnection));
      outcome.assertWaitedTogether(2 * size, ONE_SECOND);
      assertTrue(outcome.took().compareTo(ONE_SECOND.multipliedBy(2)) >= 0, outcome::toString);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aPoolThatHasNothingInTimeSaysSo(Sockets sockets) throws Exception {
    try (var loop = new SharedLoop();
        HikariDataSource pool = pool(sockets, 1, Duration.ofMillis(300));
        Connection taken = pool.getConnection()) {
      loop.run(1, () -> assertThrows(SQLTransientConnectionException.class, pool::getConnection));
      assertFalse(taken.isClosed());
    }
  }

  // ---- Work

  @ParameterizedTest
  @EnumSource
  void handlersAndThreadsShareAPool(Sockets sockets) throws Exception {
    int rows = 20;
    try (var loop = new SharedLoop();
        HikariDataSource pool = pool(sockets, 5)) {
      execute(pool, "drop table if exists shared");
      execute(pool, "create table shared (n int)");
      var thread = new FutureTask<@Nullable Void>(() -> insert(rows, pool), null);
      Thread.ofPlatform().start(thread);
      loop.run(HANDLERS, () -> insert(rows, pool));
      thread.get(60, TimeUnit.SECONDS);
      assertEquals((HANDLERS + 1) * rows, number(pool, "select count(*) from shared"));
    }
  }

  private static void insert(int rows, DataSource database) {
    for (int i = 0; i < rows; i++) {
      execute(database, "insert into shared values (" + i + ")");
    }
  }

  /** The pool closes and replaces connections on threads of its own, the loop's too. */
  @ParameterizedTest
  @EnumSource
  void aPoolThrowsItsConnectionsAwayAndOpensOthers(Sockets sockets) throws Exception {
    try (var loop = new SharedLoop();
        HikariDataSource pool = pool(sockets, 5)) {
      Set<Integer> servers = ConcurrentHashMap.newKeySet();
      for (int round = 0; round < 3; round++) {
        loop.run(5, () -> servers.add(number(pool, "select pg_backend_pid()")));
        pool.getHikariPoolMXBean().softEvictConnections();
      }
      assertTrue(servers.size() >= 3, servers::toString);
      eventually(() -> pool.getHikariPoolMXBean().getTotalConnections() == 0);
      eventually(() -> sessions(servers) == 0);
    }
  }

  private static int sessions(Set<Integer> servers) {
    String pids = servers.stream().map(String::valueOf).collect(joining(","));
    var direct = new PGSimpleDataSource();
    direct.setUrl(Postgres.url());
    return number(direct, "select count(*) from pg_stat_activity where pid in (" + pids + ")");
  }

  @ParameterizedTest
  @EnumSource
  void aQueryThatTakesTooLongIsCancelledAndTheConnectionIsGood(Sockets sockets) throws Exception {
    String url = sockets.url();
    try (var loop = new SharedLoop()) {
      loop.run(
          5,
          () -> {
            try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
              statement.setQueryTimeout(
                  1); // The driver's timer sends it over a connection of its own.
              assertThrows(SQLException.class, () -> statement.execute("select pg_sleep(60)"));
              assertTrue(statement.execute("select 1"));
            }
          });
    }
  }

  /** Of the driver's sockets, java.net closes the one that was interrupted; ours stays open. */
  @ParameterizedTest
  @EnumSource
  void aCancelledTaskStopsWaitingForItsQuery(Sockets sockets) throws Exception {
    String url = sockets.url();
    try (var loop = new SharedLoop()) {
      var began = new CountDownLatch(1);
      var ended = new CompletableFuture<SQLException>();
      Task task =
          loop.copas.addThread(() -> {
            try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
              began.countDown();
              statement.execute("select pg_sleep(60)");
            } catch (SQLException e) {
              ended.complete(e);
            }
          });
      assertTrue(began.await(30, TimeUnit.SECONDS));
      eventually(() -> task.state() == Task.State.WAITING);
      task.cancel();
      assertInstanceOf(IOException.class, ended.get(30, TimeUnit.SECONDS).getCause());
    }
  }

  @Test
  void withinEndsAQueryOverASocketOfTheLoop() throws Exception {
    String url = Sockets.OF_THE_LOOP.url();
    try (var loop = new SharedLoop()) {
      loop.run(
          1,
          () -> {
            try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
              assertThrows(
                  TimeoutException.class,
                  () ->
                      Copas.within(
                          Duration.ofMillis(200),
                          () -> {
                            statement.execute("select pg_sleep(60)");
                          }));
            }
          });
    }
  }

  /** A pool that outlives its loop fails in a way that its user can handle. */
  @Test
  void whenTheLoopIsClosedThePoolSaysSo() throws Exception {
    try (var loop = new SharedLoop();
        HikariDataSource pool = pool(Sockets.OF_THE_LOOP, 2, Duration.ofMillis(300))) {
      loop.run(2, () -> execute(pool, "select 1"));
      loop.copas.close();
      assertThrows(SQLException.class, () -> selectOne(pool));
      assertThrows(SQLTransientConnectionException.class, () -> selectOne(pool));
    }
  }

  private static void selectOne(DataSource database) throws SQLException {
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("select 1");
    }
  }

  private static void execute(DataSource database, String command) {
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(command);
    } catch (SQLException e) {
      throw new IllegalStateException(command, e);
    }
  }

  private static int number(DataSource database, String query) {
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      assertTrue(row.next());
      return row.getInt(1);
    } catch (SQLException e) {
      throw new IllegalStateException(query, e);
    }
  }

  private static void eventually(BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, "it does not come true");
      Thread.sleep(10);
    }
  }
}
