package dev.copas.transport;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A stream of bytes each way. No operation waits. */
public interface StreamChannel extends TransportChannel {

  void bind(InetSocketAddress local) throws IOException;

  /**
   * Begins to connect; true when that is already done.
   *
   * <p>A Unix socket connects at once or not at all: false says that too many wait to be accepted
   * there. Nothing will tell when that has changed, and another channel is needed to try again.
   *
   * @param remote an InetSocketAddress or, of a Unix socket, a UnixDomainSocketAddress; that has an
   *     abstract name of Linux when its path begins with {@code @}
   */
  boolean connect(SocketAddress remote) throws IOException;

  /** Goes on connecting; false when it is not decided yet, an exception when it failed. */
  boolean finishConnect() throws IOException;

  /** The number of bytes read, 0 when there are none now, -1 at the end of the stream. */
  int read(ByteBuffer target) throws IOException;

  /**
   * True when the last read is known to have emptied the channel, so that waiting is better than
   * trying. A hint: bytes may have come since.
   */
  boolean drained();

  /** The number of bytes written, 0 when there is no room now. */
  int write(ByteBuffer source) throws IOException;

  void shutdownInput() throws IOException;

  void shutdownOutput() throws IOException;

  @Nullable SocketAddress remoteAddress() throws IOException;
}
