package dev.copas.sync;

import java.io.Serial;

/** What was waited for, or used, has been destroyed. */
public final class DestroyedException extends IllegalStateException {

  @Serial private static final long serialVersionUID = 1;

  DestroyedException(String what) {
    super(what + " was destroyed");
  }
}
