import org.jspecify.annotations.NullMarked;

/**
 * An event loop that blocking I/O, locks and sleeps do not block, running plain sequential code.
 */
@NullMarked
@SuppressWarnings("module") // The test kit is built after this.
module dev.copas {
  requires static transitive org.jspecify;
  requires static jdk.jfr;
  requires jdk.management;
  requires jdk.net;

  uses java.net.spi.InetAddressResolverProvider;

  provides java.net.spi.InetAddressResolverProvider with
      dev.copas.loop.LookupProvider;

  exports dev.copas;
  exports dev.copas.sync;
  exports dev.copas.loop to
      dev.copas.testkit;
  exports dev.copas.transport to
      dev.copas.testkit;
}
