package dev.copas.transport;

import java.io.IOException;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** A queue of connections that peers have opened. No operation waits. */
public interface ListenChannel extends TransportChannel {

  void bind(InetSocketAddress local, int backlog) throws IOException;

  /** The next connection, or null when there is none now. */
  @Nullable StreamChannel accept() throws IOException;

  /**
   * Closes the next connection at once. For a process that is out of descriptors: it works even
   * then, and the peer learns that it is refused instead of waiting unheard.
   *
   * @return false when there is no connection, or none can be had even so
   */
  boolean refuse() throws IOException;
}
