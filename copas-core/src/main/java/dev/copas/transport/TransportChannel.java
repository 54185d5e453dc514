package dev.copas.transport;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What all channels of a transport have in common: readiness, options, an address, an end. */
public interface TransportChannel {

  /** Is told, inside {@link Transport#poll}, that an operation is worth another try. */
  interface Listener {

    /** The channel can be read, or accepted from; false when nobody waits for that. */
    boolean readable();

    /** The channel can be written to, or its connection attempt has ended. */
    void writable();

    /**
     * Reads what it will need when it is told, so that the processor has it at hand. The result
     * means nothing.
     */
    default int prefetch() {
      return 0;
    }
  }

  void setListener(Listener listener);

  /** Asks for {@link Listener#readable()}, once. */
  void awaitReadable() throws IOException;

  /** Asks for {@link Listener#writable()}, once. */
  void awaitWritable() throws IOException;

  <T> void setOption(SocketOption<T> option, @Nullable T value) throws IOException;

  <T> @Nullable T getOption(SocketOption<T> option) throws IOException;

  Set<SocketOption<?>> supportedOptions();

  @Nullable SocketAddress localAddress() throws IOException;

  /** Closes the channel; never waits. */
  void close() throws IOException;
}
