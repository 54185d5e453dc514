package dev.copas.transport;

import java.net.SocketOption;
import java.time.Duration;

/** Options of TCP that java.net has no names for. Only {@link EpollTransport} knows them. */
public final class TcpOptions {

  public static final SocketOption<Duration> USER_TIMEOUT = new TimeOption("TCP_USER_TIMEOUT");
  public static final SocketOption<Duration> DEFER_ACCEPT = new TimeOption("TCP_DEFER_ACCEPT");

  private TcpOptions() {}

  private record TimeOption(String name) implements SocketOption<Duration> {

    @Override
    public Class<Duration> type() {
      return Duration.class;
    }

    /** As those of java.net have it: messages name them so. */
    @Override
    public String toString() {
      return name;
    }
  }
}
