package dev.copas.loop;

import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;
import java.util.ServiceLoader;

/**
 * Has {@link java.net.InetAddress} look names up with a {@link PoliteResolver}, for every library.
 *
 * <p>A JVM takes the first provider that it finds. So this one leaves the look-up itself to another
 * one, when there is one, and else to the JDK.
 */
public final class LookupProvider extends InetAddressResolverProvider {

  /** The system property that turns this off. */
  private static final String SWITCH = "copas.dns";

  /** For {@link ServiceLoader}. */
  public LookupProvider() {}

  @Override
  public InetAddressResolver get(Configuration configuration) {
    InetAddressResolver resolver = withoutThis(configuration);
    return "false".equals(System.getProperty(SWITCH)) ? resolver : new PoliteResolver(resolver);
  }

  private static InetAddressResolver withoutThis(Configuration configuration) {
    return ServiceLoader.load(InetAddressResolverProvider.class).stream()
        .filter(provider -> provider.type() != LookupProvider.class)
        .findFirst()
        .map(provider -> provider.get().get(configuration))
        .orElseGet(configuration::builtinResolver);
  }

  @Override
  public String name() {
    return "Copas";
  }
}
