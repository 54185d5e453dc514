package dev.copas;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** From a host's name to its addresses, without holding the loop. */
final class Addresses {

  private static final String ABSTRACT = "@";

  private Addresses() {}

  /**
   * All addresses of a host, in the order in which they should be tried.
   *
   * @param nanos how long the look-up may take
   */
  static InetAddress[] resolve(Copas copas, String host, long nanos) throws IOException {
    InetAddress literal = literalOrNull(host);
    if (literal != null) {
      return new InetAddress[] {literal};
    }
    InetAddress[] known = copas.machine.transport().resolve(host);
    if (known != null) {
      return known;
    }
    try {
      return copas.offload.call(() -> InetAddress.getAllByName(host), nanos);
    } catch (ExecutionException e) {
      throw withCause(new UnknownHostException("unknown host: " + host), e);
    } catch (TimeoutException e) {
      throw withCause(new SocketTimeoutException("Looking up " + host + " timed out"), e);
    } catch (InterruptedException e) {
      throw withCause(new InterruptedIOException("cancelled while looking up " + host), e);
    }
  }

  private static <E extends IOException> E withCause(E exception, Exception cause) {
    exception.initCause(cause);
    return exception;
  }

  private static @Nullable InetAddress literalOrNull(String host) {
    try {
      return InetAddress.ofLiteral(host);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** With the name under which it was asked for: to find it again may take a look-up. */
  static InetSocketAddress withName(InetSocketAddress asked, @Nullable SocketAddress bound) {
    if (!(bound instanceof InetSocketAddress got)) {
      return asked;
    }
    InetAddress address = asked.getAddress();
    boolean same =
        address.equals(got.getAddress())
            || (address.isAnyLocalAddress() && got.getAddress().isAnyLocalAddress());
    return same ? new InetSocketAddress(address, got.getPort()) : got;
  }

  static BindException cannotBind(SocketAddress local, SocketException cause) {
    return withCause(new BindException(cause.getMessage() + ": " + format(local)), cause);
  }

  /** The host of an address; that of a Unix socket is this machine. */
  static InetAddress host(SocketAddress address) {
    return address instanceof InetSocketAddress inet
        ? inet.getAddress()
        : InetAddress.getLoopbackAddress();
  }

  /** The port of an address; a Unix socket has none. */
  static int port(SocketAddress address) {
    return address instanceof InetSocketAddress inet ? inet.getPort() : 0;
  }

  /**
   * The address of a Unix socket.
   *
   * @param name an abstract name when it begins with {@code @}, and else a path
   */
  static UnixDomainSocketAddress unix(String name) {
    return name.startsWith(ABSTRACT) ? abstractName(name) : unix(Path.of(name));
  }

  private static UnixDomainSocketAddress abstractName(String name) {
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(name);
    String held = address.getPath().toString();
    if (!held.equals(name)) {
      throw new IllegalArgumentException(
          "the abstract name "
              + name
              + " cannot be had: in Java it is a path, and that would be "
              + held);
    }
    return address;
  }

  /** A path may begin as an abstract name does; inside, the two must differ. */
  static UnixDomainSocketAddress unix(Path path) {
    if (path.toString().isEmpty()) {
      throw new IllegalArgumentException("the path of a Unix socket is empty");
    }
    return UnixDomainSocketAddress.of(
        path.toString().startsWith(ABSTRACT) ? Path.of(".").resolve(path) : path);
  }

  static String format(SocketAddress address) {
    return address instanceof InetSocketAddress inet ? format(inet) : address.toString();
  }

  private static String format(InetSocketAddress address) {
    String host =
        address.getAddress() == null
            ? address.getHostString()
            : address.getAddress().getHostAddress();
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + address.getPort();
  }
}
