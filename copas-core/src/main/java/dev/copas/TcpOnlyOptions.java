package dev.copas;

import static java.util.Objects.requireNonNull;

import java.net.SocketOptions;
import java.util.Map;

/**
 * What libraries set on every socket, without asking whether it is one of TCP. On a Unix socket it
 * is heard and does nothing, and the answers are what holds there: no byte is held back, nobody
 * asks whether the peer is still alive.
 */
final class TcpOnlyOptions {

  private static final Map<Integer, Object> VALUES =
      Map.of(
          SocketOptions.TCP_NODELAY, true,
          SocketOptions.SO_KEEPALIVE, false,
          SocketOptions.SO_OOBINLINE, false,
          SocketOptions.SO_REUSEADDR, false,
          SocketOptions.IP_TOS, 0);

  private TcpOnlyOptions() {}

  static boolean has(int id) {
    return VALUES.containsKey(id);
  }

  static Object get(int id) {
    return requireNonNull(VALUES.get(id));
  }
}
