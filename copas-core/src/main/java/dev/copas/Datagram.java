package dev.copas;

import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Objects;

/**
 * A datagram that was received; see {@link CopasDatagramSocket#receive()}.
 *
 * @param bytes its bytes, maybe none; nobody else has the array
 * @param sender who sent it, and where an answer goes
 */
@SuppressWarnings("ArrayRecordComponent") // Compared by its content, below.
public record Datagram(byte[] bytes, InetSocketAddress sender) {

  public Datagram {
    Objects.requireNonNull(bytes, "bytes");
    Objects.requireNonNull(sender, "sender");
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Datagram that
        && Arrays.equals(bytes, that.bytes)
        && sender.equals(that.sender);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(bytes) + sender.hashCode();
  }

  /** The number of bytes and the sender, like {@code Datagram[5 bytes from 127.0.0.1:40112]}. */
  @Override
  public String toString() {
    return "Datagram[" + bytes.length + " bytes from " + Addresses.format(sender) + "]";
  }
}
