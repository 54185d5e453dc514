package dev.copas.transport;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/** A listening socket on NIO. */
final class NioListener extends NioChannel implements ListenChannel {

  private final NioTransport transport;
  private final ServerSocketChannel channel;

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
}
