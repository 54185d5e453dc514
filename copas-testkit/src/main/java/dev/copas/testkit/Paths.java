package dev.copas.testkit;

import java.net.BindException;
import java.net.UnixDomainSocketAddress;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where Unix sockets of the simulated machine listen. They have no files: nothing is left behind,
 * and everybody may connect.
 */
final class Paths {

  private final Map<UnixDomainSocketAddress, MemoryListener> listeners = new HashMap<>();

  void take(MemoryListener listener, UnixDomainSocketAddress wanted) throws BindException {
    if (listeners.putIfAbsent(wanted, listener) != null) {
      throw new BindException("Address already in use by a server that runs");
    }
  }

  void giveBack(MemoryChannel channel) {
    listeners.values().remove(channel);
  }

  /** Who listens there; null for nobody. */
  @Nullable MemoryListener listenerAt(UnixDomainSocketAddress target) {
    return listeners.get(target);
  }
}
