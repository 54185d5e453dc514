package dev.copas.bench.servers;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * What every server under test keeps to.
 *
 * <p>Its first argument is {@code raw}, then what one read brings goes back in one write, or {@code
 * lines}, then each line becomes a String and goes back from that. It listens on a free port of
 * 127.0.0.1, says which, and ends when its standard input does: so none survives who started it.
 */
final class Contract {

  static final String HOST = "127.0.0.1";
  static final int BACKLOG = 4096;
  static final int MAX_LINE_BYTES = 64 * 1024;

  /** What one read brings at most, where the server says. */
  static final int READ_BYTES = 16 * 1024;

  private Contract() {}

  static boolean isLines(String work) {
    return switch (work) {
      case "raw" -> false;
      case "lines" -> true;
      default -> throw new IllegalArgumentException("raw or lines, not " + work);
    };
  }

  static void listensOn(int port) {
    System.out.print("port " + port + "\n");
    System.out.flush();
    Thread.ofPlatform().daemon().name("end of input").start(Contract::endWithInput);
  }

  private static void endWithInput() {
    try (InputStream in = System.in) {
      in.transferTo(OutputStream.nullOutputStream());
    } catch (IOException e) {
      // Nobody can say any more that this server is wanted.
    }
    System.exit(0);
  }
}
