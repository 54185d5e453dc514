package dev.copas;

import dev.copas.transport.TransportChannel;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.SocketOptions;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedChannelException;

/** The numbers by which java.net.Socket calls its options, as the options that channels have. */
final class SocketOptionIds {

  private SocketOptionIds() {}

  private static SocketOption<?> option(int id) throws SocketException {
    return switch (id) {
      case SocketOptions.TCP_NODELAY -> StandardSocketOptions.TCP_NODELAY;
      case SocketOptions.SO_KEEPALIVE -> StandardSocketOptions.SO_KEEPALIVE;
      case SocketOptions.SO_LINGER -> StandardSocketOptions.SO_LINGER;
      case SocketOptions.SO_REUSEADDR -> StandardSocketOptions.SO_REUSEADDR;
      case SocketOptions.SO_REUSEPORT -> StandardSocketOptions.SO_REUSEPORT;
      case SocketOptions.SO_RCVBUF -> StandardSocketOptions.SO_RCVBUF;
      case SocketOptions.SO_SNDBUF -> StandardSocketOptions.SO_SNDBUF;
      case SocketOptions.IP_TOS -> StandardSocketOptions.IP_TOS;
      default -> throw new SocketException("socket option " + id + " is not supported here");
    };
  }

  /** java.net turns lingering off with {@code false}, a channel with a negative number. */
  static Object value(Object value, SocketOption<?> option) {
    return option == StandardSocketOptions.SO_LINGER && Boolean.FALSE.equals(value) ? -1 : value;
  }

  /** The option of this channel; some have no name in {@link StandardSocketOptions}. */
  static SocketOption<?> option(TransportChannel channel, int id) throws SocketException {
    if (id == SocketOptions.SO_OOBINLINE) {
      for (SocketOption<?> option : channel.supportedOptions()) {
        if (isUnnamed(option)) {
          return option;
        }
      }
    }
    return option(id);
  }

  /** What a socket does not tell of among its options, though it has it. */
  static boolean isUnnamed(SocketOption<?> option) {
    return option.name().equals("SO_OOBINLINE");
  }

  @SuppressWarnings("unchecked") // The channel checks the type of the value itself.
  static void set(TransportChannel channel, int id, Object value) throws SocketException {
    SocketOption<?> option = option(channel, id);
    try {
      channel.setOption((SocketOption<Object>) option, value(value, option));
    } catch (SocketException e) {
      throw e;
    } catch (IOException e) {
      throw asSocketException(e);
    }
  }

  static Object get(TransportChannel channel, int id) throws SocketException {
    try {
      Object value = channel.getOption(option(channel, id));
      if (value == null) {
        throw new SocketException("socket option " + id + " has no value");
      }
      return value;
    } catch (SocketException e) {
      throw e;
    } catch (IOException e) {
      throw asSocketException(e);
    }
  }

  static SocketException asSocketException(IOException e) {
    String what = e instanceof ClosedChannelException ? "Socket closed" : e.getMessage();
    var converted = new SocketException(what);
    converted.initCause(e);
    return converted;
  }
}
