package dev.copas.integration;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.RedisClient;

/**
 * Redis through Jedis: answers each line with what is stored under that key.
 *
 * <p>Takes the port to listen on, 0 is any free one; and the port of Redis.
 */
public final class RedisGateway {
  private RedisGateway() {}

  // snippet: handler
  private static void serve(CopasSocket socket, RedisClient redis) throws IOException {
    for (String key; (key = socket.receive()) != null; ) {
      String value = redis.get(key); // Waits for Redis; other handlers go on.
      socket.send(Objects.requireNonNullElse(value, "nothing") + "\n");
    }
  }

  // end: handler

  public static void main(String... args) throws IOException {
    int redisPort = Integer.parseInt(args[1]);
    // snippet: pool
    var pool = new ConnectionPoolConfig();
    pool.setMaxTotal(50);
    pool.setMaxWait(Duration.ofSeconds(30)); // Without it, the pool may hold the loop for ever.
    // end: pool
    try (var copas = Copas.create();
        var redis =
            RedisClient.builder().hostAndPort("127.0.0.1", redisPort).poolConfig(pool).build()) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(server, socket -> serve(socket, redis));
      System.out.println("listening on " + server);
      copas.loop();
    }
  }
}
