package dev.copas.transport;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A queue of connections that peers have opened. No operation waits. */
public interface ListenChannel extends TransportChannel {

  void bind(InetSocketAddress local, int backlog) throws IOException;

  /**
   * Binds a Unix socket and listens. The file of a server that is gone is replaced, and what this
   * makes is deleted by {@link #close}.
   *
   * @param local is an abstract name of Linux when its path begins with {@code @}
   * @param permissions of the file; nobody else gets in, not even before they are set. Null leaves
   *     them to the system, or is for an abstract name, which has none.
   */
  void bindUnix(
      UnixDomainSocketAddress local, @Nullable Set<PosixFilePermission> permissions, int backlog)
      throws IOException;

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
