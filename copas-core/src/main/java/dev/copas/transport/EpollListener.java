package dev.copas.transport;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.UnixDomainSocketAddress;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A listening socket on epoll. */
final class EpollListener extends EpollChannel implements ListenChannel {

  private @Nullable SocketFile file;

  EpollListener(EpollTransport transport, int fd, int family) {
    super(transport, fd, family);
  }

  @Override
  Set<SocketOption<?>> options() {
    return family == Libc.AF_UNIX ? EpollOptions.OF_UNIX_LISTENERS : transport.listenerOptions;
  }

  @Override
  public void bind(InetSocketAddress local, int backlog) throws IOException {
    bindTo(local);
    listen(backlog);
  }

  /**
   * Nobody can connect before it listens, and it does when the permissions are set. But somebody
   * who was checked before that could still be under way: so Linux makes the file with those that
   * the socket has. What the umask has taken away is put back then.
   */
  @Override
  public void bindUnix(
      UnixDomainSocketAddress local, @Nullable Set<PosixFilePermission> permissions, int backlog)
      throws IOException {
    if (permissions != null) {
      use(number -> Libc.fchmod(transport.error, number, SocketFile.mode(permissions)));
    }
    file = SocketFile.bind(transport, local, () -> bindTo(local));
    if (file != null && permissions != null) {
      file.restrictTo(permissions);
    }
    listen(backlog);
    if (file != null) {
      file.checkInPlace();
    }
  }

  private void listen(int backlog) throws IOException {
    if (Libc.listen(transport.error, fd, backlog) < 0) {
      throw Errors.bindException(Libc.errno(transport.error));
    }
    transport.register(this);
  }

  @Override
  public @Nullable StreamChannel accept() throws IOException {
    checkOpen();
    int accepted = transport.accept(this);
    if (accepted < 0) {
      readable = false;
      return null;
    }
    var stream = new EpollStream(transport, accepted, family);
    try {
      stream.accepted(transport.acceptedFrom());
      return stream;
    } catch (Throwable e) {
      stream.close();
      throw e;
    }
  }

  @Override
  public boolean refuse() throws IOException {
    transport.giveUpSpare();
    try {
      checkOpen();
      int accepted = transport.accept(this);
      if (accepted < 0) {
        readable = false;
        return false;
      }
      close(accepted);
      return true;
    } finally {
      transport.takeSpare();
    }
  }

  @Override
  public void close() throws IOException {
    try {
      if (fd != CLOSED && file != null) {
        file.delete();
      }
    } finally {
      super.close();
    }
  }
}
