package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.transport.StreamChannel;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;

/** A connection of TCP: each address of a host is tried, until one accepts. */
final class TcpSocketImpl extends CopasSocketImpl {

  TcpSocketImpl(Copas copas) {
    super(copas);
  }

  private static final class Handshake extends Connecting {

    private final StreamChannel channel;
    private final InetSocketAddress target;
    private boolean begun;

    Handshake(StreamChannel channel, InetSocketAddress target) {
      super(target);
      this.channel = channel;
      this.target = target;
    }

    @Override
    int make() throws IOException {
      boolean done = begun ? channel.finishConnect() : channel.connect(target);
      begun = true;
      return done ? 1 : 0;
    }

    @Override
    void arm() throws IOException {
      channel.awaitWritable();
    }
  }

  @Override
  StreamChannel openChannel() throws IOException {
    return copas.machine.transport().openStream();
  }

  /** What is sent in one turn leaves at once; holding back small packets would only delay it. */
  @Override
  void prepare(StreamChannel channel) throws IOException {
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
  }

  @Override
  protected void connect(SocketAddress remote, int timeoutMillis) throws IOException {
    if (!(remote instanceof InetSocketAddress target)) {
      throw new IllegalArgumentException("not an internet address: " + remote);
    }
    long nanos = connectNanos(timeoutMillis);
    Outside.perform(copas, self -> connectToAny(self, target, nanos));
  }

  private void connectToAny(Coroutine self, InetSocketAddress target, long nanos)
      throws IOException {
    long deadline = self.loop().deadlineAfter(nanos);
    IOException failure = null;
    for (InetAddress address : addressesOf(target, nanos)) {
      checkNotClosed(); // During the look-up, or the attempt before.
      checkNotLeftBehind();
      var candidate = new InetSocketAddress(address, target.getPort());
      try {
        connect(self, new Handshake(freshChannel(), candidate), deadline);
        return;
      } catch (InterruptedIOException e) { // Cancelled, or out of time for all of them.
        throw e;
      } catch (IOException e) {
        IOException clearer = withAddress(e, candidate);
        if (failure == null) {
          failure = clearer;
        } else {
          failure.addSuppressed(clearer);
        }
      }
    }
    throw failure != null ? failure : new UnknownHostException(target.getHostString());
  }

  /** A task that the loop has let go must not touch what belongs to the loop. */
  private void checkNotLeftBehind() throws SocketException {
    if (!copas.machine.isOnLoop()) {
      throw new SocketException("Socket closed");
    }
  }

  private InetAddress[] addressesOf(InetSocketAddress target, long nanos) throws IOException {
    return target.isUnresolved()
        ? Addresses.resolve(copas, target.getHostString(), nanos)
        : new InetAddress[] {target.getAddress()};
  }
}
