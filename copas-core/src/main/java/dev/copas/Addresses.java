package dev.copas;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/** From a host's name to its addresses, without holding the loop. */
final class Addresses {

  private Addresses() {}

  /** All addresses of a host, in the order in which they should be tried. */
  static InetAddress[] resolve(Copas copas, String host) throws IOException {
    InetAddress literal = literalOrNull(host);
    if (literal != null) {
      return new InetAddress[] {literal};
    }
    try {
      return copas.offload(() -> InetAddress.getAllByName(host));
    } catch (UnknownHostException e) {
      var clearer = new UnknownHostException("unknown host: " + host);
      clearer.initCause(e);
      throw clearer;
    } catch (InterruptedException e) {
      var cancelled = new InterruptedIOException("cancelled while looking up " + host);
      cancelled.initCause(e);
      throw cancelled;
    }
  }

  private static @org.jspecify.annotations.Nullable InetAddress literalOrNull(String host) {
    try {
      return InetAddress.ofLiteral(host);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  static String format(InetSocketAddress address) {
    String host =
        address.getAddress() == null
            ? address.getHostString()
            : address.getAddress().getHostAddress();
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + address.getPort();
  }
}
