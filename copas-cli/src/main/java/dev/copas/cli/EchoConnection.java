package dev.copas.cli;

import dev.copas.CopasSocket;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Sends bytes back until the stream ends or has a line "quit".
 *
 * <p>Lines may be of any length, since none is collected: a byte goes back as soon as it cannot be
 * part of a line "quit". Those that still can are held back, and take no memory: they are known.
 */
final class EchoConnection {

  private static final byte[] QUIT = "quit\r".getBytes(StandardCharsets.US_ASCII);
  private static final int WITHOUT_RETURN = QUIT.length - 1;

  private final CopasSocket socket;

  /** So many bytes are held back. They are the present line so far, and the first of QUIT. */
  private int held;

  private boolean lineIsAnother;
  private boolean quit;

  EchoConnection(CopasSocket socket) {
    this.socket = socket;
  }

  void serve() throws IOException {
    for (byte[] bytes; !quit && (bytes = socket.receivePartial()) != null; ) {
      echo(bytes);
    }
    boolean lastLineSaysQuit = held == WITHOUT_RETURN;
    if (!quit && !lastLineSaysQuit) {
      socket.send(QUIT, 0, held);
    }
    socket.flush(); // A client that reads slowly has all the time it wants; a close has not.
  }

  /** Sends back what was held before and these bytes, without what is to be held now. */
  private void echo(byte[] bytes) throws IOException {
    int before = held;
    int looked = 0;
    while (looked < bytes.length && !quit) {
      look(bytes[looked++]);
    }
    int certain = before + looked - held;
    if (certain > 0) {
      socket.send(QUIT, 0, before);
      socket.send(bytes, 0, certain - before);
    }
  }

  private void look(byte b) {
    if (!lineIsAnother && held < QUIT.length && b == QUIT[held]) {
      held++;
    } else if (b != '\n') {
      lineIsAnother = true;
      held = 0;
    } else if (held >= WITHOUT_RETURN) {
      quit = true;
      held++; // The line feed is not sent back either.
    } else {
      lineIsAnother = false;
      held = 0;
    }
  }
}
