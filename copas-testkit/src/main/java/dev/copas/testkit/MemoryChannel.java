package dev.copas.testkit;

import static java.util.Objects.requireNonNull;

import dev.copas.transport.TransportChannel;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedChannelException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Readiness, options and address of one channel.
 *
 * <p>Readiness is what a selector's is: a condition is reported for as long as it holds and
 * somebody is interested. Interest in reading stays until nobody waits, interest in writing is for
 * one report.
 */
abstract sealed class MemoryChannel implements TransportChannel
    permits MemoryStream, MemoryListener, MemoryDatagram {

  final MemoryTransport transport;
  final StoredOptions options;
  @Nullable SocketAddress local;
  private @Nullable Listener listener;
  private boolean awaitsReading;
  private boolean awaitsWriting;
  private boolean open = true;

  MemoryChannel(MemoryTransport transport, StoredOptions options) {
    this.transport = transport;
    this.options = options;
    transport.opened(this);
  }

  abstract boolean isReadable();

  abstract boolean isWritable();

  /** Called before a report that it can be read. */
  void onReadable() {}

  boolean isOpen() {
    return open;
  }

  boolean reusesAddress() {
    return options.isOn(StandardSocketOptions.SO_REUSEADDR);
  }

  final void checkOpen() throws ClosedChannelException {
    if (!open) {
      throw new ClosedChannelException();
    }
  }

  // ---- Readiness

  @Override
  public void setListener(Listener listener) {
    this.listener = listener;
  }

  @Override
  public void awaitReadable() throws IOException {
    checkOpen();
    awaitsReading = true;
    transport.mayBeReady(this);
  }

  @Override
  public void awaitWritable() throws IOException {
    checkOpen();
    awaitsWriting = true;
    transport.mayBeReady(this);
  }

  /** To be called whenever something changes that {@link #isReady} depends on. */
  void changed() {
    transport.mayBeReady(this);
  }

  boolean isReady() {
    return open && ((awaitsReading && isReadable()) || (awaitsWriting && isWritable()));
  }

  /** Tells the listener what holds now; another listener may have changed it in this poll. */
  void report() {
    if (open && awaitsWriting && isWritable()) {
      awaitsWriting = false;
      listener().writable();
    }
    if (open && awaitsReading && isReadable()) {
      onReadable();
      if (!listener().readable()) {
        awaitsReading = false;
      }
    }
  }

  private Listener listener() {
    return requireNonNull(listener, "a channel without a listener was waited on");
  }

  // ---- Options, address, end

  @Override
  public <T> void setOption(SocketOption<T> option, @Nullable T value) throws IOException {
    checkOpen();
    options.set(option, value);
    changed();
  }

  @Override
  public <T> @Nullable T getOption(SocketOption<T> option) throws IOException {
    checkOpen();
    return options.get(option);
  }

  @Override
  public Set<SocketOption<?>> supportedOptions() {
    return options.supported();
  }

  @Override
  public @Nullable SocketAddress localAddress() throws IOException {
    checkOpen();
    return local;
  }

  @Override
  public void close() throws IOException {
    if (open) {
      beforeClose();
      open = false;
      transport.closed(this);
    }
  }

  /** Tells the others. */
  abstract void beforeClose() throws IOException;
}
