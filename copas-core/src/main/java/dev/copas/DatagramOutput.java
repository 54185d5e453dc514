package dev.copas;

import dev.copas.loop.Coroutine;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The sending side of a datagram socket. What is sent leaves at once. */
final class DatagramOutput extends Sending {

  /** What fits into a datagram over IPv4; over IPv6 it is 20 bytes more. */
  private static final int MOST_BYTES = 65_507;

  /** What the system says of one that does not fit. */
  private static final String TOO_LONG = "Message too long";

  private final DatagramEndpoint socket;
  private long timeout = Timeouts.FOREVER;
  private long sent;

  DatagramOutput(DatagramEndpoint socket) {
    this.socket = socket;
  }

  @Override
  void arm() throws IOException {
    socket.channel.awaitWritable();
  }

  @Override
  String verb() {
    return "Send";
  }

  void setTimeout(long nanos) {
    timeout = nanos;
  }

  long timeout() {
    return timeout;
  }

  /** How many bytes of datagrams have left, in all. */
  long sent() {
    return sent;
  }

  /**
   * @param target null is the peer that the socket is connected to
   */
  void send(Coroutine self, ByteBuffer source, @Nullable InetSocketAddress target)
      throws IOException {
    long deadline = self.loop().deadlineAfter(timeout);
    takeTurn(self, deadline);
    try {
      perform(self, deadline, () -> sendNow(source, target) ? 1 : 0);
    } finally {
      passTurn(self);
    }
  }

  /** Sends if that needs no waiting. Never gives up the loop. */
  boolean trySend(ByteBuffer source, @Nullable InetSocketAddress target) throws IOException {
    return !isSomebodySending() && sendNow(source, target);
  }

  private boolean sendNow(ByteBuffer source, @Nullable InetSocketAddress target)
      throws IOException {
    socket.prepare();
    int length = source.remaining();
    try {
      boolean done = socket.channel.send(source, socket.route(target));
      sent += done ? length : 0;
      return done;
    } catch (SocketException e) {
      boolean isTooLong = length > MOST_BYTES && TOO_LONG.equals(e.getMessage());
      throw isTooLong ? tooLong(length, e) : e;
    }
  }

  private static SocketException tooLong(int length, SocketException cause) {
    var clearer =
        new SocketException(
            TOO_LONG
                + ": a datagram of "
                + length
                + " bytes; IPv4 takes at most 65507, IPv6 65527. Nothing was sent.");
    clearer.initCause(cause);
    return clearer;
  }
}
