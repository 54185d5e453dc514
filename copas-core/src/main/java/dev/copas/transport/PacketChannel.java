package dev.copas.transport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Datagrams, each of which is sent and received as a whole. No operation waits. */
public interface PacketChannel extends TransportChannel {

  /** Once, and before everything else but options. */
  void bind(InetSocketAddress local) throws IOException;

  /** From now on datagrams go to this peer, and come from it alone; those that came are dropped. */
  void connect(InetSocketAddress remote) throws IOException;

  /** Takes a {@link #connect} back; the local port stays the same. */
  void disconnect() throws IOException;

  /**
   * Takes the next datagram; what does not fit into the buffer is dropped.
   *
   * @return who sent it, or null when there is none now
   * @throws java.net.PortUnreachableException when the peer that this is connected to has refused
   *     one
   */
  @Nullable InetSocketAddress receive(ByteBuffer target) throws IOException;

  /**
   * Sends what remains in the buffer as one datagram.
   *
   * @param target null is the peer that this is connected to
   * @return false when there is no room now; then nothing was sent
   */
  boolean send(ByteBuffer source, @Nullable InetSocketAddress target) throws IOException;

  void join(InetAddress group, NetworkInterface on) throws IOException;

  void leave(InetAddress group, NetworkInterface on) throws IOException;
}
