package dev.copas;

import dev.copas.transport.ListenChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** A listening socket of TCP. */
final class TcpServerSocketImpl extends CopasServerSocketImpl {

  private InetSocketAddress wanted = new InetSocketAddress(0);

  TcpServerSocketImpl(Copas copas) {
    super(copas);
  }

  @Override
  ListenChannel openChannel() throws IOException {
    return copas.machine.transport().openListener();
  }

  @Override
  CopasSocketImpl newConnection() {
    return new TcpSocketImpl(copas);
  }

  @Override
  protected void bind(InetAddress host, int port) {
    wanted = new InetSocketAddress(host, port);
  }

  @Override
  SocketAddress wanted() {
    return wanted;
  }

  @Override
  Bound bind(ListenChannel channel, int backlog) throws IOException {
    channel.bind(wanted, backlog);
    SocketAddress got = channel.localAddress();
    return new Bound(Addresses.withName(wanted, got), ofConnections(got));
  }

  /** The local address of everything that is accepted; null when each may have another one. */
  private static @Nullable SocketAddress ofConnections(@Nullable SocketAddress bound) {
    return bound instanceof InetSocketAddress address && !address.getAddress().isAnyLocalAddress()
        ? address
        : null;
  }
}
