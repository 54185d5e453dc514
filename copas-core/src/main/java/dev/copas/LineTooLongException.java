package dev.copas;

import java.io.IOException;

/**
 * A peer sent a line longer than {@link Options#maxLineBytes}. What was received of it is not lost:
 * {@link CopasSocket#receivePartial} returns it.
 */
public class LineTooLongException extends IOException {

  private static final long serialVersionUID = 1;

  LineTooLongException(int limit) {
    super(
        "a line is longer than "
            + limit
            + " bytes; raise Options.maxLineBytes if such lines are meant to be");
  }
}
