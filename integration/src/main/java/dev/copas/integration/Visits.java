package dev.copas.integration;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import javax.sql.DataSource;

/** Counts in PostgreSQL how often each name was said, with plain JDBC and a pool of connections. */
public final class Visits {

  private Visits() {}

  static void main(String... args) throws Exception {
    var config = new HikariConfig();
    config.setJdbcUrl(args[0]); // jdbc:postgresql://host/database?user=...&password=...
    config.setMaximumPoolSize(10);
    config.setInitializationFailTimeout(-1); // Connects when the loop runs.
    try (var copas = Copas.create();
        var database = new HikariDataSource(config)) {
      createTable(database);
      var server = copas.bind("127.0.0.1", 0);
      copas.addServer(server, socket -> serve(socket, database));
      System.out.println("listening on " + server.getLocalSocketAddress());
      copas.loop();
    }
  }

  private static void createTable(DataSource database) throws SQLException {
    try (Connection connection = database.getConnection();
        var statement = connection.createStatement()) {
      statement.execute("create table if not exists visits (name text primary key, count int)");
    }
  }

  private static void serve(CopasSocket socket, DataSource database) throws Exception {
    for (String name; (name = socket.receive()) != null; ) {
      socket.send("visit " + count(name, database) + " of " + name + "\n");
    }
  }

  private static int count(String name, DataSource database) throws SQLException {
    try (Connection connection = database.getConnection();
        PreparedStatement upsert =
            connection.prepareStatement(
                """
                insert into visits values (?, 1)
                on conflict (name) do update set count = visits.count + 1 returning count
                """)) {
      upsert.setString(1, name);
      try (ResultSet row = upsert.executeQuery()) {
        row.next();
        return row.getInt(1);
      }
    }
  }
}
