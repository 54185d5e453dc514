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
   * Closes the next connection at once, if there is one. For a process that is out of descriptors:
   * it works even then, and its peers learn that they are refused instead of waiting unheard.
   */
  void refuse() throws IOException;
}
