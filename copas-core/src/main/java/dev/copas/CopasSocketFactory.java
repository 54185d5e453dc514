package dev.copas;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.util.Objects;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Makes {@link CopasSocket}s, for libraries that let their user say where sockets come from.
 *
 * <p>Such a library needs none of this to wait politely: its own sockets do, too. With these its
 * connections are the loop's: in the order, the time-outs and the cost of everything else there; a
 * cancelled task leaves them open, where the JDK closes its own; a test kit can replace the
 * network.
 *
 * <p>Where the library takes an object, give it {@link Copas#socketFactory}. Where it takes the
 * name of a class, give it this one's: PostgreSQL's driver in the URL, {@code
 * jdbc:postgresql://host/database?socketFactory=dev.copas.CopasSocketFactory}; Jakarta Mail in the
 * property {@code mail.smtp.socketFactory.class}. Then every socket belongs to the loop of the task
 * that asks for it or, on any other thread (connection pools have some), to the only {@link Copas}
 * that is open. In a program with several, let the library name a class of yours:
 *
 * <pre>{@code
 * public class GatewaySockets extends CopasSocketFactory {
 *   public GatewaySockets() {
 *     super(Gateway.copas);
 *   }
 * }
 * }</pre>
 *
 * <p>The sockets work on every thread while somebody runs the loop; see {@link CopasSocket}. A
 * factory may be used by any thread, and never waits but where a socket is to come connected.
 */
public class CopasSocketFactory extends SocketFactory {

  private final @Nullable Copas copas;

  /** Of the loop of whoever asks for a socket, or else of the only one that is open. */
  public CopasSocketFactory() {
    this.copas = null;
  }

  /** Of one loop, whoever asks for a socket. */
  public CopasSocketFactory(Copas copas) {
    this.copas = Objects.requireNonNull(copas, "copas");
  }

  /** A {@link #CopasSocketFactory()}: some libraries ask the class that they are told for this. */
  public static SocketFactory getDefault() {
    return new CopasSocketFactory();
  }

  /**
   * A socket that is not connected.
   *
   * @throws SocketException when the loop is closed; off every loop, when there is not exactly one
   *     that is open. (Libraries expect no other exception of a factory.)
   */
  @Override
  public Socket createSocket() throws SocketException {
    return unconnected();
  }

  private CopasSocket unconnected() throws SocketException {
    try {
      return (copas != null ? copas : Copas.ofCaller()).socket();
    } catch (IllegalStateException e) {
      throw (SocketException) new SocketException(e.getMessage()).initCause(e);
    }
  }

  /** See {@link Copas#connect(String, int)}. */
  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return connected(InetSocketAddress.createUnresolved(host, port), null);
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    return connected(
        InetSocketAddress.createUnresolved(host, port),
        new InetSocketAddress(localHost, localPort));
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return connected(new InetSocketAddress(host, port), null);
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress localHost, int localPort)
      throws IOException {
    return connected(
        new InetSocketAddress(host, port), new InetSocketAddress(localHost, localPort));
  }

  private Socket connected(SocketAddress remote, @Nullable SocketAddress local) throws IOException {
    CopasSocket socket = unconnected();
    try {
      if (local != null) {
        socket.bind(local);
      }
      socket.connect(remote);
      return socket;
    } catch (Throwable e) {
      socket.close();
      throw e;
    }
  }
}
