package dev.copas.transport;

import java.net.SocketOption;
import java.time.Duration;

/** Options of TCP that java.net has no names for. Only {@link EpollTransport} knows them. */
public final class TcpOptions {

  public static final SocketOption<Duration> USER_TIMEOUT = new TimeOption("TCP_USER_TIMEOUT");
  public static final SocketOption<Duration> DEFER_ACCEPT = new TimeOption("TCP_DEFER_ACCEPT");

  private TcpOptions() {}

  /** No record: the JVM makes the code of their equals and hashCode when a program starts. */
  private static final class TimeOption implements SocketOption<Duration> {

    private final String name;

    TimeOption(String name) {
      this.name = name;
    }

    @Override
    public String name() {
      return name;
    }

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
