package dev.copas.transport;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A listening socket on NIO, of TCP or a Unix socket. */
final class NioListener extends NioChannel implements ListenChannel {

  private final NioTransport transport;
  private final ServerSocketChannel channel;
  private @Nullable SocketFile file;

  NioListener(NioTransport transport, ServerSocketChannel channel) throws IOException {
    super(transport, channel);
    this.transport = transport;
    this.channel = channel;
  }

  @Override
  int readBit() {
    return SelectionKey.OP_ACCEPT;
  }

  @Override
  int writeBit() {
    return 0;
  }

  @Override
  public void bind(InetSocketAddress local, int backlog) throws IOException {
    channel.bind(local, backlog);
  }

  /** NIO listens at once; so whoever got in before the permissions were set is turned away. */
  @Override
  public void bindUnix(
      UnixDomainSocketAddress local, @Nullable Set<PosixFilePermission> permissions, int backlog)
      throws IOException {
    if (SocketFile.isAbstract(local)) {
      throw NioTransport.noAbstractNames(local);
    }
    file = SocketFile.bind(transport, local, () -> channel.bind(local, backlog));
    if (file == null) {
      return;
    }
    if (permissions != null && file.restrictTo(permissions)) {
      turnAwayAll();
    }
    file.checkInPlace();
  }

  private void turnAwayAll() throws IOException {
    for (SocketChannel early; (early = channel.accept()) != null; ) {
      early.close();
    }
  }

  @Override
  public @Nullable StreamChannel accept() throws IOException {
    SocketChannel accepted = channel.accept();
    return accepted == null ? null : transport.stream(accepted, true);
  }

  @Override
  public boolean refuse() throws IOException {
    transport.giveUpSpare();
    try {
      SocketChannel accepted = channel.accept();
      if (accepted == null) {
        return false;
      }
      accepted.close();
      return true;
    } finally {
      transport.takeSpare();
    }
  }

  @Override
  public void close() throws IOException {
    try {
      deleteFile();
    } finally {
      super.close();
    }
  }

  @Override
  void closeNow() throws IOException {
    try {
      deleteFile();
    } finally {
      super.closeNow();
    }
  }

  private void deleteFile() throws IOException {
    if (file != null && channel.isOpen()) {
      file.delete();
    }
  }
}
