package dev.copas;

import dev.copas.transport.TcpOptions;
import java.net.SocketOption;
import java.time.Duration;

/**
 * Options of Linux's TCP that {@code java.net} lacks. They are set and read like all others, with
 * {@code setOption} and {@code getOption} of {@link CopasSocket} and {@link CopasServerSocket}.
 *
 * <p>Only sockets on epoll have them, see {@link Options#epoll}: not those in solo mode, with
 * {@link Options#nio}, on other systems, or in the memory of the test kit. There {@code
 * supportedOptions()} does not name them, and setting or reading one throws an {@link
 * UnsupportedOperationException}, as {@code java.net} has it. What the system does with them is
 * said in tcp(7).
 *
 * <p>Times are rounded up to the unit of the system. An {@link IllegalArgumentException} refuses
 * negative ones, and those of more than {@link Integer#MAX_VALUE} units.
 */
public final class CopasSocketOptions {

  /**
   * How long what was sent may stay without an answer of the peer's system before the connection is
   * given up; in milliseconds, for connections and servers. {@link Duration#ZERO}, the default,
   * leaves it to the system, which tries for about a quarter of an hour.
   *
   * <p>Then the call that sends or receives, or the next one, throws a {@link
   * java.net.SocketException}. So a peer is noticed that is gone without a word, as when its power
   * failed. A peer that is there but does not read counts as well, once what is sent has no room
   * any more.
   *
   * <p>A connection that has nothing on its way is not watched; with {@code SO_KEEPALIVE} it is,
   * and then this time says when a probe without an answer ends it, not {@code TCP_KEEPCOUNT}. When
   * the system sends again or probes does not change.
   *
   * <p>Set on a server, it holds for the connections that come from then on.
   *
   * <p>It is the user timeout of RFC 9293, for this end alone: the system does not send the option
   * of RFC 5482, by which the peer would learn of it.
   */
  public static final SocketOption<Duration> TCP_USER_TIMEOUT = TcpOptions.USER_TIMEOUT;

  /**
   * For how long a server may leave a connection to the system that has not brought a byte; in
   * seconds, for servers. {@link Duration#ZERO}, the default, is not at all: {@code accept} returns
   * as soon as the connection is there.
   *
   * <p>Otherwise a connection is accepted when its first bytes have come, or the end of the stream.
   * So a client that connects and says nothing costs no task and no descriptor. It suits protocols
   * in which the client speaks first, as in HTTP; where the server does, it delays each greeting by
   * the whole time.
   *
   * <p>It is no promise: who is silent for longer is accepted all the same, and the handler waits
   * for the bytes, with a time-out of its own.
   *
   * <p>The system counts attempts and not seconds, so {@code getOption} tells of a time that is
   * somewhat longer: 1, 3, 7, 15, 31 seconds and so on, and eight hours at most.
   */
  public static final SocketOption<Duration> TCP_DEFER_ACCEPT = TcpOptions.DEFER_ACCEPT;

  private CopasSocketOptions() {}
}
