package dev.copas.integration;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketException;

/** Whose sockets a library uses. */
enum Sockets {
  /** Its own: the JDK's, which an interrupt closes. */
  OF_THE_LIBRARY(SocketException.class),
  /** Those that a Copas makes for it. */
  OF_THE_LOOP(InterruptedIOException.class);

  /** What a cancelled task gets from its socket. */
  final Class<? extends IOException> onCancel;

  Sockets(Class<? extends IOException> onCancel) {
    this.onCancel = onCancel;
  }
}
