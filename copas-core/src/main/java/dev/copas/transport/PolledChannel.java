package dev.copas.transport;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/** A channel of which a poll finds out what can be done with it. */
abstract sealed class PolledChannel implements TransportChannel permits EpollChannel, NioChannel {

  private @Nullable Listener listener;

  /** Whether it is among {@link DueChannels}. */
  boolean due;

  @Override
  public void setListener(Listener listener) {
    this.listener = listener;
  }

  final Listener listener() {
    return requireNonNull(listener, "a channel without a listener was waited on");
  }

  final int prefetch() {
    return listener == null ? 0 : listener.prefetch();
  }

  /** Tells its listener what it waits for and what is there. The listener may close the channel. */
  abstract void tell();
}
