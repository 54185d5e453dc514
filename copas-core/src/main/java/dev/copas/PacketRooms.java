package dev.copas;

import java.net.DatagramPacket;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.WeakHashMap;

/**
 * How much a {@link DatagramPacket} takes.
 *
 * <p>Its length is that of the last datagram, once one was received; used again, it takes as much
 * as at first all the same. The JDK remembers that inside the packet, where nobody else gets at it;
 * so it is remembered here. Belongs to the owner of the loop.
 */
final class PacketRooms {

  /** What was received into a packet, and how much could have been. */
  @SuppressWarnings("ArrayRecordComponent") // Which array it is, not what is in it.
  private record Use(byte[] data, int offset, int length, int room) {

    /** Whether nobody has set the packet to something else since. */
    boolean isLastOf(DatagramPacket packet) {
      return packet.getData() == data
          && packet.getOffset() == offset
          && packet.getLength() == length;
    }
  }

  private final Map<DatagramPacket, Use> lastUses = new WeakHashMap<>();

  /** All the room there is. */
  ByteBuffer of(DatagramPacket packet) {
    Use last = lastUses.get(packet);
    int room = last != null && last.isLastOf(packet) ? last.room : packet.getLength();
    return ByteBuffer.wrap(packet.getData(), packet.getOffset(), room);
  }

  /**
   * A datagram has been received.
   *
   * @param buffer the room, up to its position filled
   */
  void filled(DatagramPacket packet, ByteBuffer buffer, InetSocketAddress sender) {
    int offset = packet.getOffset();
    int length = buffer.position() - offset;
    int room = buffer.limit() - offset;
    packet.setLength(length);
    packet.setSocketAddress(sender);
    if (length < room) {
      lastUses.put(packet, new Use(packet.getData(), offset, length, room));
    } else {
      lastUses.remove(packet);
    }
  }
}
