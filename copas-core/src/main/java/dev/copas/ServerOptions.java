package dev.copas;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** How a server treats its sockets. Immutable: every method returns a changed copy. */
public final class ServerOptions {

  private static final ServerOptions DEFAULTS = new ServerOptions(null, true, null, null);

  private final @Nullable String name;
  private final boolean autoClose;
  private final @Nullable Duration sendTimeout;
  private final @Nullable Duration receiveTimeout;

  private ServerOptions(
      @Nullable String name,
      boolean autoClose,
      @Nullable Duration sendTimeout,
      @Nullable Duration receiveTimeout) {
    this.name = name;
    this.autoClose = autoClose;
    this.sendTimeout = sendTimeout;
    this.receiveTimeout = receiveTimeout;
  }

  public static ServerOptions defaults() {
    return DEFAULTS;
  }

  /**
   * What the server is called: its tasks are named after it, like {@code NAME:handler_1}. By
   * default its address and port.
   */
  public ServerOptions name(String name) {
    Objects.requireNonNull(name, "name");
    return new ServerOptions(name, autoClose, sendTimeout, receiveTimeout);
  }

  /**
   * Whether a connection is closed when its handler ends: true. If not, somebody else has to; see
   * {@link CopasSocket}. Of a datagram server it is the socket that it was added with.
   */
  public ServerOptions autoClose(boolean autoClose) {
    return new ServerOptions(name, autoClose, sendTimeout, receiveTimeout);
  }

  /**
   * The time-outs that every connection starts with; none by default. Those of a datagram server's
   * socket are set when it is added, and stay as they are by default.
   */
  public ServerOptions timeouts(@Nullable Duration send, @Nullable Duration receive) {
    return new ServerOptions(
        name, autoClose, Timeouts.checked(send, "send"), Timeouts.checked(receive, "receive"));
  }

  public @Nullable String name() {
    return name;
  }

  /** The name that was given, or what the socket says of itself. */
  String nameOr(Object socket) {
    return name == null ? socket.toString() : name;
  }

  public boolean autoClose() {
    return autoClose;
  }

  public @Nullable Duration sendTimeout() {
    return sendTimeout;
  }

  public @Nullable Duration receiveTimeout() {
    return receiveTimeout;
  }
}
