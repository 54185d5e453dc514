package dev.copas.transport;

import java.io.IOException;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * A source of channels and of their readiness.
 *
 * <p>Everything but {@link #wakeup()} and the creation of channels belongs to the owner of the
 * loop.
 */
public interface Transport {

  /** A stream socket, not yet connected. */
  StreamChannel openStream() throws IOException;

  /** A listening socket, not yet bound. */
  ListenChannel openListener() throws IOException;

  /** A stream Unix socket, not yet connected. */
  StreamChannel openUnixStream() throws IOException;

  /** A listening Unix socket, not yet bound. */
  ListenChannel openUnixListener() throws IOException;

  /** A datagram socket, not yet bound. */
  PacketChannel openPackets() throws IOException;

  /** The addresses of a host that only this transport knows; null: ask the operating system. */
  InetAddress @Nullable [] resolve(String host);

  /**
   * Tells the listeners of channels what became ready, after waiting until there is something,
   * {@link #wakeup()} is called or the time has passed. When they are many, the next poll does not
   * wait but goes on with them.
   *
   * @param nanos how long to wait at most; 0 only looks, {@link Long#MAX_VALUE} is for ever
   */
  void poll(long nanos) throws IOException;

  /**
   * Gives back what channels hold that were closed since the last poll, which does the same. For an
   * owner that will not poll again soon.
   */
  void finishCloses() throws IOException;

  /** Ends the poll that waits now, or else the next one. From any thread. */
  void wakeup();

  /** Closes every channel that is open, and the transport. */
  void close() throws IOException;
}
