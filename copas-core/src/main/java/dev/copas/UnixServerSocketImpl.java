package dev.copas;

import dev.copas.transport.ListenChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A listening Unix socket. */
final class UnixServerSocketImpl extends CopasServerSocketImpl {

  private final UnixDomainSocketAddress wanted;
  private final @Nullable Set<PosixFilePermission> permissions;

  /**
   * @param permissions null leaves them to the system
   */
  UnixServerSocketImpl(
      Copas copas, UnixDomainSocketAddress wanted, @Nullable Set<PosixFilePermission> permissions) {
    super(copas);
    this.wanted = wanted;
    this.permissions = permissions;
  }

  @Override
  ListenChannel openChannel() throws IOException {
    return copas.machine.transport().openUnixListener();
  }

  @Override
  CopasSocketImpl newConnection() {
    return new UnixSocketImpl(copas, wanted);
  }

  /** What java.net takes for an address means nothing here. */
  @Override
  protected void bind(InetAddress host, int port) {}

  @Override
  UnixDomainSocketAddress wanted() {
    return wanted;
  }

  @Override
  Bound bind(ListenChannel channel, int backlog) throws IOException {
    channel.bindUnix(wanted, permissions, backlog);
    return new Bound(wanted, wanted);
  }

  // ---- Options

  @Override
  public void setOption(int id, Object value) throws SocketException {
    if (!TcpOnlyOptions.has(id)) {
      super.setOption(id, value);
    }
  }

  @Override
  public Object getOption(int id) throws SocketException {
    return TcpOnlyOptions.has(id) ? TcpOnlyOptions.get(id) : super.getOption(id);
  }
}
