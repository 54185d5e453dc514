package dev.copas.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.channels.DatagramChannel;
import java.nio.channels.NetworkChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The options of one channel: those that NIO's channels have, with NIO's defaults, which NIO is
 * asked for once. Not so the sizes of buffers: the capacity of a connection is made of them, and it
 * has to be the same on every machine. They are kept; what they do is the business of the channel.
 */
final class StoredOptions {

  private static final Map<SocketOption<?>, @Nullable Object> STREAM = ofStream();
  private static final Map<SocketOption<?>, @Nullable Object> LISTENER = ofListener();
  private static final Map<SocketOption<?>, @Nullable Object> DATAGRAMS = ofDatagrams();

  /** As a fresh Linux has them. */
  private static final int SEND_BUFFER_BYTES = 16 * 1024;

  private static final int RECEIVE_BUFFER_BYTES = 128 * 1024;

  private static final Map<SocketOption<?>, @Nullable Object> UNIX_STREAM =
      Map.of(
          StandardSocketOptions.SO_SNDBUF, SEND_BUFFER_BYTES,
          StandardSocketOptions.SO_RCVBUF, RECEIVE_BUFFER_BYTES,
          StandardSocketOptions.SO_LINGER, -1);
  private static final Map<SocketOption<?>, @Nullable Object> UNIX_LISTENER =
      Map.of(StandardSocketOptions.SO_RCVBUF, RECEIVE_BUFFER_BYTES);

  private final Map<SocketOption<?>, @Nullable Object> defaults;
  private final Map<SocketOption<?>, Object> changed = new HashMap<>(4);

  private StoredOptions(Map<SocketOption<?>, @Nullable Object> defaults) {
    this.defaults = defaults;
  }

  static StoredOptions forStream() {
    return new StoredOptions(STREAM);
  }

  static StoredOptions forListener() {
    return new StoredOptions(LISTENER);
  }

  /** No more than Unix sockets of every system have. */
  static StoredOptions forUnixStream() {
    return new StoredOptions(UNIX_STREAM);
  }

  static StoredOptions forUnixListener() {
    return new StoredOptions(UNIX_LISTENER);
  }

  static StoredOptions forDatagrams() {
    return new StoredOptions(DATAGRAMS);
  }

  private static Map<SocketOption<?>, @Nullable Object> ofStream() {
    try (var channel = SocketChannel.open()) {
      return read(channel);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<SocketOption<?>, @Nullable Object> ofListener() {
    try (var channel = ServerSocketChannel.open()) {
      return read(channel);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<SocketOption<?>, @Nullable Object> ofDatagrams() {
    try (var channel = DatagramChannel.open()) {
      return read(channel);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<SocketOption<?>, @Nullable Object> read(NetworkChannel channel) {
    var values = new HashMap<SocketOption<?>, @Nullable Object>();
    for (SocketOption<?> option : channel.supportedOptions()) {
      values.put(option, valueOrNull(channel, option));
    }
    values.replace(StandardSocketOptions.SO_SNDBUF, SEND_BUFFER_BYTES);
    values.replace(StandardSocketOptions.SO_RCVBUF, RECEIVE_BUFFER_BYTES);
    return values;
  }

  private static @Nullable Object valueOrNull(NetworkChannel channel, SocketOption<?> option) {
    try {
      return channel.getOption(option);
    } catch (IOException | UnsupportedOperationException e) {
      return null; // Has none before it is connected, or in this system.
    }
  }

  Set<SocketOption<?>> supported() {
    return Collections.unmodifiableSet(defaults.keySet());
  }

  <T> void set(SocketOption<T> option, @Nullable T value) {
    checkSupported(option);
    if (value == null) {
      throw new IllegalArgumentException("Invalid option value");
    }
    changed.put(option, checked(option, option.type().cast(value)));
  }

  private static Object checked(SocketOption<?> option, Object value) {
    if (option == StandardSocketOptions.SO_LINGER) {
      return Math.clamp((Integer) value, -1, 65_535);
    }
    if (option == StandardSocketOptions.SO_RCVBUF || option == StandardSocketOptions.SO_SNDBUF) {
      if ((Integer) value < 0) {
        throw new IllegalArgumentException("Invalid send/receive buffer size");
      }
    }
    boolean isByte =
        option == StandardSocketOptions.IP_TOS || option == StandardSocketOptions.IP_MULTICAST_TTL;
    if (isByte && (Integer) value != ((Integer) value & 0xff)) {
      throw new IllegalArgumentException("Invalid " + option.name() + " value");
    }
    return value;
  }

  <T> @Nullable T get(SocketOption<T> option) {
    checkSupported(option);
    Object value = changed.get(option);
    return option.type().cast(value == null ? defaults.get(option) : value);
  }

  private void checkSupported(SocketOption<?> option) {
    if (!defaults.containsKey(option)) {
      throw new UnsupportedOperationException("'" + option + "' not supported");
    }
  }

  int number(SocketOption<Integer> option) {
    Integer value = get(option);
    return value == null ? 0 : value;
  }

  boolean isOn(SocketOption<Boolean> option) {
    return Boolean.TRUE.equals(get(option));
  }

  /** What an accepted connection has from the socket that it was accepted on. */
  void inherit(StoredOptions parent) {
    Object size = parent.changed.get(StandardSocketOptions.SO_RCVBUF);
    if (size != null) {
      changed.put(StandardSocketOptions.SO_RCVBUF, size);
    }
  }
}
