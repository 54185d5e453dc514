package dev.copas;

/** Code without a result, and with checked exceptions that pass through to the caller. */
@FunctionalInterface
public interface CheckedRunnable<E extends Exception> {

  void run() throws E;
}
