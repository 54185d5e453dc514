package dev.copas.testkit;

import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which addresses of the simulated machine are in use, and by whom. */
final class Ports {

  private static final int FIRST_EPHEMERAL = 49_152;
  private static final int LAST = 65_535;

  private final Hosts hosts;
  private final Map<Integer, Map<MemoryChannel, InetSocketAddress>> byPort = new HashMap<>();
  private int nextEphemeral = FIRST_EPHEMERAL;

  Ports(Hosts hosts) {
    this.hosts = hosts;
  }

  /**
   * Takes an address.
   *
   * @return it, with a port of its own where 0 was asked for
   */
  InetSocketAddress take(MemoryChannel channel, InetSocketAddress wanted) throws BindException {
    if (!wanted.getAddress().isAnyLocalAddress() && !hosts.has(wanted.getAddress())) {
      throw new BindException("Cannot assign requested address");
    }
    InetSocketAddress address =
        wanted.getPort() == 0 ? ephemeral(channel, wanted.getAddress()) : wanted;
    if (!isFree(channel, address)) {
      throw new BindException("Address already in use");
    }
    byPort.computeIfAbsent(address.getPort(), port -> new LinkedHashMap<>()).put(channel, address);
    return address;
  }

  void giveBack(MemoryChannel channel) {
    if (channel.local instanceof InetSocketAddress address) {
      byPort.computeIfPresent(
          address.getPort(),
          (port, holders) -> {
            holders.remove(channel);
            return holders.isEmpty() ? null : holders;
          });
    }
  }

  private InetSocketAddress ephemeral(MemoryChannel channel, InetAddress host)
      throws BindException {
    for (int tries = FIRST_EPHEMERAL; tries <= LAST; tries++) {
      var candidate = new InetSocketAddress(host, nextEphemeral);
      nextEphemeral = nextEphemeral == LAST ? FIRST_EPHEMERAL : nextEphemeral + 1;
      if (isFree(channel, candidate)) {
        return candidate;
      }
    }
    throw new BindException("Address already in use");
  }

  private boolean isFree(MemoryChannel channel, InetSocketAddress address) {
    for (var entry : holdersOf(address.getPort()).entrySet()) {
      MemoryChannel other = entry.getKey();
      boolean shared =
          channel.reusesAddress()
              && other.reusesAddress()
              && !(channel instanceof MemoryListener && other instanceof MemoryListener);
      if (overlap(entry.getValue().getAddress(), address.getAddress()) && !shared) {
        return false;
      }
    }
    return true;
  }

  /** Who shares the port; the last who came is the first. */
  List<MemoryChannel> holders(int port) {
    return List.copyOf(holdersOf(port).keySet()).reversed();
  }

  private Map<MemoryChannel, InetSocketAddress> holdersOf(int port) {
    return byPort.getOrDefault(port, Map.of());
  }

  private static boolean overlap(InetAddress a, InetAddress b) {
    return a.isAnyLocalAddress() || b.isAnyLocalAddress() || a.equals(b);
  }

  /** Who listens there; null for nobody. */
  @Nullable MemoryListener listenerAt(InetSocketAddress target) {
    for (var entry : holdersOf(target.getPort()).entrySet()) {
      if (entry.getKey() instanceof MemoryListener listener
          && overlap(entry.getValue().getAddress(), target.getAddress())) {
        return listener;
      }
    }
    return null;
  }
}
