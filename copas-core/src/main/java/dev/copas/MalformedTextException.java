package dev.copas;

import java.nio.charset.CharacterCodingException;

/**
 * Bytes that are no text in the socket's charset, or a text that it cannot express.
 *
 * <p>Nothing is lost: a line that was received stays, {@link CopasSocket#receivePartial} returns
 * its bytes, and another {@link CopasSocket#setCharset charset} may fit. Of a text that was to be
 * sent, nothing was.
 */
public class MalformedTextException extends CharacterCodingException {

  private static final long serialVersionUID = 1;

  private final String message;

  MalformedTextException(String message, CharacterCodingException cause) {
    initCause(cause);
    this.message = message;
  }

  @Override
  public String getMessage() {
    return message;
  }
}
