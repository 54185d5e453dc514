package dev.copas.integration;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** PostgreSQL through JDBC. */
class PostgresTest {

  private static final int HANDLERS = 50;

  private static void sleepOneSecond(String url) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      statement.execute("select pg_sleep(1)");
    }
  }

  @Test
  void queriesOfManyHandlersWaitTogether() throws Exception {
    String url = Postgres.url();
    try (var loop = new SharedLoop()) {
      loop.run(HANDLERS, () -> sleepOneSecond(url))
          .assertWaitedTogether(HANDLERS, Duration.ofSeconds(1));
    }
  }
}
