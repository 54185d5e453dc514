package dev.copas.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/**
 * The bytes that every connection sends, again and again, each beginning at another place: so an
 * answer that is lost, doubled, changed or somebody else's shows at its first byte.
 */
final class Stream {

  private static final int PERIOD = 256 * 1024;
  private static final int MOST_AT_ONCE = 256 * 1024;
  private static final int LINE = 64;

  /** Longer than its period, so that a piece from any place in it is in one piece. */
  static final MemorySegment BYTES = bytes();

  private Stream() {}

  /** Lines of 63 letters: good for servers that look for them and for those that do not. */
  private static MemorySegment bytes() {
    var random = new Random(42);
    byte[] period = new byte[PERIOD];
    for (int i = 0; i < PERIOD; i++) {
      period[i] = (byte) (i % LINE == LINE - 1 ? '\n' : 'a' + random.nextInt(26));
    }
    MemorySegment twice = Arena.global().allocate(PERIOD + MOST_AT_ONCE, 64);
    MemorySegment.copy(period, 0, twice, ValueLayout.JAVA_BYTE, 0, PERIOD);
    MemorySegment.copy(period, 0, twice, ValueLayout.JAVA_BYTE, PERIOD, MOST_AT_ONCE);
    return twice;
  }

  /** Where in the bytes the byte is that a connection has at this place in what it sends. */
  static long at(int connection, long place) {
    return (connection * 31L * LINE + place) % PERIOD;
  }

  static void check(MemorySegment received, int count, int connection, long place)
      throws IOException {
    long from = at(connection, place);
    long mismatch = MemorySegment.mismatch(received, 0, count, BYTES, from, from + count);
    if (mismatch >= 0) {
      throw new IOException(
          "connection " + connection + " got a wrong byte at " + (place + mismatch));
    }
  }
}
