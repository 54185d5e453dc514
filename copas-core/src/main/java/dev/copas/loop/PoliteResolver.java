package dev.copas.loop;

import static java.util.Objects.requireNonNull;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Looks names up on a thread of its own when a virtual thread asks, which waits politely. The
 * system's look-up is native code, and would hold whatever carries the virtual thread.
 *
 * <p>{@link InetAddress} has a lock for each name, and the caller holds it meanwhile. So these
 * threads do nothing but look up, and never wait for such a lock: with others in front of it that
 * do, the look-up of the one who holds it would never have its turn. And a coroutine that is
 * stepped does not wait: nobody may step it again before the stepping thread has that lock itself.
 */
record PoliteResolver(InetAddressResolver resolver) implements InetAddressResolver {

  private static final int MOST_THREADS = 64;

  private static final Executor THREADS = threads();

  private static ThreadPoolExecutor threads() {
    var threads =
        new ThreadPoolExecutor(
            MOST_THREADS,
            MOST_THREADS,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("copas-dns-", 1).factory());
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }

  @Override
  public Stream<InetAddress> lookupByName(String host, LookupPolicy policy)
      throws UnknownHostException {
    return waitsPolitely()
        ? elsewhere(() -> resolver.lookupByName(host, policy))
        : resolver.lookupByName(host, policy);
  }

  @Override
  public String lookupByAddress(byte[] address) throws UnknownHostException {
    return waitsPolitely()
        ? elsewhere(() -> resolver.lookupByAddress(address))
        : resolver.lookupByAddress(address);
  }

  private static boolean waitsPolitely() {
    if (!Thread.currentThread().isVirtual()) {
      return false;
    }
    Coroutine self = Loops.currentCoroutine();
    return self == null || !self.loop().isStepped();
  }

  /**
   * An interrupt does not end the wait, as it does not end the JDK's: a look-up that fails is
   * remembered, for everybody who asks for that name in the next seconds.
   */
  private static <T> T elsewhere(Callable<T> lookup) throws UnknownHostException {
    var result = new CompletableFuture<T>();
    THREADS.execute(() -> {
      try {
        result.complete(lookup.call());
      } catch (Throwable e) {
        result.completeExceptionally(e);
      }
    });
    try {
      return result.join();
    } catch (CompletionException e) {
      throw withTheStackOfTheCaller(e);
    }
  }

  private static UnknownHostException withTheStackOfTheCaller(CompletionException e) {
    Throwable cause = requireNonNull(e.getCause());
    if (cause instanceof Error error) {
      throw error;
    }
    var unknown = new UnknownHostException(cause.getMessage());
    unknown.initCause(cause);
    return unknown;
  }
}
