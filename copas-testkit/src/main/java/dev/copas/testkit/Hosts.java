package dev.copas.testkit;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** The names and addresses of the simulated machine. */
final class Hosts {

  private final Map<String, InetAddress[]> byName = new HashMap<>();

  Hosts() {
    put("localhost", InetAddress.ofLiteral("127.0.0.1"));
  }

  void put(String name, InetAddress... addresses) {
    byName.put(name, addresses.clone());
  }

  /** None for a name that is not known: nobody is asked outside. */
  InetAddress[] resolve(String name) {
    InetAddress[] known = byName.get(name);
    return known == null ? new InetAddress[0] : known.clone();
  }

  /** Whether somebody answers at the address, be it that nobody listens. */
  boolean has(InetAddress address) {
    return address.isLoopbackAddress()
        || byName.values().stream().anyMatch(known -> Arrays.asList(known).contains(address));
  }
}
