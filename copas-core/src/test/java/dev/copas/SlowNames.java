package dev.copas;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * A look-up of names that takes its time and, like the system's, cannot be interrupted. It is the
 * provider of a user who has one, in the JVMs of {@link LookupPrograms}: names that end in {@code
 * .slow} it knows, those in {@code .unknown} it does not, and everything else is the JDK's.
 */
public final class SlowNames extends InetAddressResolverProvider {

  static final Duration TIME = Duration.ofMillis(200);

  /** The threads that looked up, in order. */
  static final ConcurrentLinkedQueue<String> THREADS = new ConcurrentLinkedQueue<>();

  /** For {@link java.util.ServiceLoader}. */
  public SlowNames() {}

  @Override
  public InetAddressResolver get(Configuration configuration) {
    return new Resolver(configuration.builtinResolver());
  }

  @Override
  public String name() {
    return "slow";
  }

  private record Resolver(InetAddressResolver jdk) implements InetAddressResolver {

    @Override
    public Stream<InetAddress> lookupByName(String host, LookupPolicy policy)
        throws UnknownHostException {
      if (!host.endsWith(".slow") && !host.endsWith(".unknown")) {
        return jdk.lookupByName(host, policy);
      }
      takeTime();
      if (host.endsWith(".unknown")) {
        throw new UnknownHostException(host);
      }
      return Stream.of(InetAddress.getByAddress(host, new byte[] {127, 0, 0, 1}));
    }

    @Override
    public String lookupByAddress(byte[] address) throws UnknownHostException {
      takeTime();
      return List.of(address[0], address[1], address[2], address[3]) + ".slow";
    }
  }

  /** As native code does, keeps the carrier of a virtual thread. */
  private static void takeTime() {
    THREADS.add(Thread.currentThread().getName());
    long end = System.nanoTime() + TIME.toNanos();
    while (System.nanoTime() < end) {
      if (Thread.currentThread().isVirtual()) {
        Thread.onSpinWait();
      } else {
        LockSupport.parkNanos(end - System.nanoTime());
      }
    }
  }
}
