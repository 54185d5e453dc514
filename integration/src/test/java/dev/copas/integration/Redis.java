package dev.copas.integration;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import redis.clients.jedis.HostAndPort;
import redis.embedded.RedisServer;
import redis.embedded.core.ExecutableProvider;

/** One Redis server for all tests that run in this JVM; it ends with it. */
final class Redis {

  private static final int TRIES = 5;
  private static final RedisServer SERVER = start();

  private Redis() {}

  private static RedisServer start() {
    try {
      Path folder = Files.createTempDirectory(Path.of("target"), "redis");
      var program = ExecutableProvider.newJarResourceProvider(folder.toFile());
      for (int i = 1; ; i++) {
        try {
          return start(program);
        } catch (IOException e) {
          if (i == TRIES) { // Otherwise somebody else may have taken the port.
            throw e;
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static RedisServer start(ExecutableProvider program) throws IOException {
    RedisServer server =
        RedisServer.newRedisServer()
            .executableProvider(program)
            .bind("127.0.0.1")
            .port(freePort())
            .setting("save \"\"") // Nothing goes to the disk.
            .build();
    server.start();
    return server;
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  static HostAndPort address() {
    return new HostAndPort("127.0.0.1", SERVER.ports().getFirst());
  }
}
