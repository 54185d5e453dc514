package dev.copas;

import org.jspecify.annotations.Nullable;

/** Code with a result, and with checked exceptions that pass through to the caller. */
@FunctionalInterface
public interface CheckedCallable<T extends @Nullable Object, E extends Exception> {

  T call() throws E;
}
