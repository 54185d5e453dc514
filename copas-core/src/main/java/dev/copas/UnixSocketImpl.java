package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Timer;
import dev.copas.transport.StreamChannel;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.UnixDomainSocketAddress;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A connection of a Unix socket. */
final class UnixSocketImpl extends CopasSocketImpl {

  private static final long ASK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final UnixDomainSocketAddress target;

  /**
   * @param target where it will connect, or on which address it was accepted
   */
  UnixSocketImpl(Copas copas, UnixDomainSocketAddress target) {
    super(copas);
    this.target = target;
  }

  /** Waits while too many wait to be accepted: the system tells nobody when that has changed. */
  private final class Knocking extends Connecting {

    private final Timer again = new Timer(this::open);

    Knocking() {
      super(target);
    }

    @Override
    int make() throws IOException {
      checkNotClosed();
      return freshChannel().connect(target) ? 1 : 0;
    }

    @Override
    void arm() {
      copas.machine.arm(again, ASK_AGAIN_NANOS);
    }

    /** Left alone, it opens what nobody waits for. */
    void end() {
      if (copas.machine.isOnLoop()) {
        copas.machine.cancel(again);
      }
    }
  }

  @Override
  StreamChannel openChannel() throws IOException {
    return copas.machine.transport().openUnixStream();
  }

  @Override
  void prepare(StreamChannel channel) {}

  /**
   * Connects to the one address that this socket is for.
   *
   * @param standIn what java.net.Socket takes for an address
   */
  @Override
  protected void connect(SocketAddress standIn, int timeoutMillis) throws IOException {
    long nanos = connectNanos(timeoutMillis);
    Outside.perform(copas, self -> connect(self, self.loop().deadlineAfter(nanos)));
  }

  private void connect(Coroutine self, long deadline) throws IOException {
    var knocking = new Knocking();
    try {
      connect(self, knocking, deadline);
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      throw withAddress(e, target);
    } finally {
      knocking.end();
    }
  }

  @Override
  protected void bind(InetAddress host, int port) throws IOException {
    throw new SocketException("a Unix socket has no internet address; its client has no name");
  }

  /** Clients have no name of their own. */
  @Override
  @Nullable String peer() {
    boolean unnamed =
        remote() instanceof UnixDomainSocketAddress address
            && address.getPath().toString().isEmpty();
    return unnamed ? "a client of " + Addresses.format(target) : super.peer();
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

  @Override
  protected <T> @Nullable T getOption(SocketOption<T> option) throws IOException {
    if (option.name().equals("SO_PEERCRED")) { // Its module need not be there.
      checkConnected();
    }
    return super.getOption(option);
  }
}
