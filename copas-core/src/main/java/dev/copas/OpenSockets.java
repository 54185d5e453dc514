package dev.copas;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a loop has open, for {@link Copas#status}. Belongs to the owner of the loop.
 *
 * <p>Connections come and go often, so they are linked through themselves. The list does not hold
 * the {@link CopasSocket}s, which may be forgotten; see {@link Forgotten}.
 */
final class OpenSockets {

  private final Set<CopasServerSocketImpl> listeners = new LinkedHashSet<>();
  private final Set<DatagramEndpoint> datagrams = new LinkedHashSet<>();
  private @Nullable CopasSocketImpl lastConnection;

  void add(CopasServerSocketImpl listener) {
    listeners.add(listener);
  }

  void remove(CopasServerSocketImpl listener) {
    listeners.remove(listener);
  }

  void add(DatagramEndpoint socket) {
    datagrams.add(socket);
  }

  void remove(DatagramEndpoint socket) {
    datagrams.remove(socket);
  }

  /** Does nothing when it is there. */
  void add(CopasSocketImpl connection) {
    if (connection.isListed) {
      return;
    }
    connection.isListed = true;
    connection.older = lastConnection;
    if (lastConnection != null) {
      lastConnection.newer = connection;
    }
    lastConnection = connection;
  }

  /** Does nothing when it is not there. */
  void remove(CopasSocketImpl connection) {
    if (!connection.isListed) {
      return;
    }
    CopasSocketImpl older = connection.older;
    CopasSocketImpl newer = connection.newer;
    if (newer == null) {
      lastConnection = older;
    } else {
      newer.older = older;
    }
    if (older != null) {
      older.newer = newer;
    }
    connection.older = null;
    connection.newer = null;
    connection.isListed = false;
  }

  /** The oldest first. */
  List<CopasServerSocketImpl> listeners() {
    return List.copyOf(listeners);
  }

  /** The oldest first. */
  List<DatagramEndpoint> datagrams() {
    return List.copyOf(datagrams);
  }

  /** The oldest first. */
  List<CopasSocketImpl> connections() {
    List<CopasSocketImpl> all = new ArrayList<>();
    for (CopasSocketImpl next = lastConnection; next != null; next = next.older) {
      all.add(next);
    }
    return all.reversed();
  }

  /** The transport has closed them all. */
  void clear() {
    listeners.clear();
    datagrams.clear();
    connections().forEach(this::remove);
  }
}
