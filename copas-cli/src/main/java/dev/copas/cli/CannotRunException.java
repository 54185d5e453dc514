package dev.copas.cli;

/** The command cannot run on this machine; its message tells the user why. */
final class CannotRunException extends Exception {

  private static final long serialVersionUID = 1L;

  CannotRunException(String message) {
    super(message);
  }

  CannotRunException(Throwable cause) {
    super(cause.getMessage(), cause);
  }
}
