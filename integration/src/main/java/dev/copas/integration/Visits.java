package dev.copas.integration;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.sql.SQLException;
import javax.sql.DataSource;

/**
 * PostgreSQL through JDBC and HikariCP: counts how often each name was said.
 *
 * <p>Takes the port to listen on, 0 is any free one; and the URL of the database.
 */
public final class Visits {
  private Visits() {}

  // snippet: handler
  private static void serve(CopasSocket socket, DataSource database)
      throws IOException, SQLException {
    for (String name; (name = socket.receive()) != null; ) {
      socket.send("visit " + count(name, database) + " of " + name + "\n");
    }
  }

  /** Waits for a connection and for PostgreSQL; other handlers go on. */
  private static int count(String name, DataSource database) throws SQLException {
    try (var connection = database.getConnection();
        var upsert =
            connection.prepareStatement(
                """
                insert into visits values (?, 1)
                on conflict (name) do update set count = visits.count + 1 returning count
                """)) {
      upsert.setString(1, name);
      try (var row = upsert.executeQuery()) {
        row.next();
        return row.getInt(1);
      }
    }
  }

  // end: handler

  public static void main(String... args) throws Exception {
    var config = new HikariConfig();
    config.setJdbcUrl(args[1]);
    config.setMaximumPoolSize(10);
    try (var copas = Copas.create();
        var database = new HikariDataSource(config)) {
      createTable(database);
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(server, socket -> serve(socket, database));
      System.out.println("listening on " + server);
      copas.loop();
    }
  }

  private static void createTable(DataSource database) throws SQLException {
    try (var connection = database.getConnection();
        var statement = connection.createStatement()) {
      statement.execute("create table if not exists visits (name text primary key, count int)");
    }
  }
}
