package dev.copas.integration;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.Task;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.ConnectionFactory;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.providers.PooledConnectionProvider;

/** Redis through Jedis. */
@ParameterizedClass
@EnumSource
@Timeout(60)
class RedisTest extends LibraryTest {

  private static final double HALF_A_SECOND = 0.5;
  private static final double FOR_EVER = 0;

  /** Here, or the first task would start the server, and hold the loop. */
  private static final HostAndPort REDIS = Redis.address();

  private final Sockets sockets;

  RedisTest(Sockets sockets) {
    this.sockets = sockets;
  }

  private RedisClient client(int connections) {
    return client(connections, DefaultJedisClientConfig.builder());
  }

  private RedisClient client(int connections, DefaultJedisClientConfig.Builder config) {
    var pool = new ConnectionPoolConfig();
    pool.setMaxTotal(connections);
    pool.setMaxWait(Duration.ofSeconds(30)); // Or it spins: see docs/libraries.md.
    var connection = ConnectionFactory.builder().hostAndPort(REDIS).clientConfig(config.build());
    if (sockets == Sockets.OF_THE_LOOP) {
      connection.socketFactory(this::connect);
    }
    return RedisClient.builder()
        .connectionProvider(new PooledConnectionProvider(connection.build(), pool))
        .build();
  }

  private Socket connect() {
    return connect(loop.copas, REDIS.getHost(), REDIS.getPort());
  }

  // snippet: sockets
  /** For {@code ConnectionFactory.builder().socketFactory(() -> connect(copas, host, port))}. */
  private static Socket connect(Copas copas, String host, int port) {
    try {
      return copas.connect(host, port);
    } catch (IOException e) {
      throw new JedisConnectionException(e);
    }
  }

  // end: sockets

  @Test
  void blockingPopsOfManyHandlersWaitTogether() throws Exception {
    try (var redis = client(HANDLERS)) {
      loop.run(HANDLERS, () -> assertNull(redis.blpop(HALF_A_SECOND, "nothing here")))
          .assertWaitedTogether(HANDLERS, Duration.ofMillis(400));
    }
  }

  @Test
  void handlersShareAPoolThatIsSmallerThanTheyAreMany() throws Exception {
    var number = new AtomicInteger();
    try (var redis = client(4)) {
      redis.del("count");
      loop.run(
          HANDLERS,
          () -> {
            String key = "key " + number.incrementAndGet();
            for (int i = 0; i < 20; i++) {
              redis.set(key, key + i);
              assertEquals(key + i, redis.get(key));
              redis.incr("count");
            }
          });
      assertEquals("" + HANDLERS * 20, redis.get("count"));
    }
  }

  @Test
  void valuesComeBackByteForByte() throws Exception {
    byte[] key = {0, (byte) 200, 13, 10};
    byte[] value = new byte[3_000_000];
    new Random(1).nextBytes(value);
    try (var redis = client(1)) {
      loop.run(
          1,
          () -> {
            redis.set(key, value);
            assertArrayEquals(value, redis.get(key));
            redis.set("text", "grüß Gott");
            assertEquals("grüß Gott", redis.get("text"));
          });
    }
  }

  @Test
  void whatOneTaskPublishesAnotherHears() throws Exception {
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    var subscription =
        new JedisPubSub() {
          @Override
          public void onSubscribe(String channel, int channels) {
            heard.add("subscribed");
          }

          @Override
          public void onMessage(String channel, String message) {
            heard.add(message);
            unsubscribe();
          }
        };
    try (var redis = client(2)) {
      Task subscriber = loop.copas.addThread(() -> redis.subscribe(subscription, "news"));
      loop.run(
          1,
          () -> {
            assertEquals("subscribed", heard.poll(20, TimeUnit.SECONDS));
            redis.publish("news", "hello");
            assertEquals("hello", heard.poll(20, TimeUnit.SECONDS));
            assertTrue(subscriber.join(Duration.ofSeconds(20)));
          });
    }
  }

  @Test
  void aTimeOutOfJedisEndsTheWait() throws Exception {
    var impatient = DefaultJedisClientConfig.builder().blockingSocketTimeoutMillis(200);
    try (var redis = client(1, impatient)) {
      loop.run(
          1,
          () -> {
            var e =
                assertThrows(
                    JedisConnectionException.class, () -> redis.blpop(FOR_EVER, "nothing here"));
            assertInstanceOf(SocketTimeoutException.class, e.getCause());
          });
    }
  }

  /** Jedis gives the broken connection back, and the pool throws it away. */
  @Test
  void cancellingATaskEndsItsCallAndLeavesThePoolInOrder() throws Exception {
    try (var redis = client(1)) {
      assertEquals("PONG", redis.ping()); // It is connected.
      Exception e = loop.cancelIn("blpop", () -> redis.blpop(FOR_EVER, "nothing here"));
      assertInstanceOf(JedisConnectionException.class, e);
      assertInstanceOf(sockets.onCancel, e.getCause());
      loop.run(1, () -> assertEquals("PONG", redis.ping()));
    }
  }

  @Test
  void aDeadlineEndsACall() throws Exception {
    try (var redis = client(1)) {
      loop.run(
          1,
          () -> {
            assertThrows(
                TimeoutException.class,
                () ->
                    Copas.within(
                        Duration.ofMillis(200), () -> redis.blpop(FOR_EVER, "nothing here")));
            assertEquals("PONG", redis.ping());
          });
    }
  }
}
