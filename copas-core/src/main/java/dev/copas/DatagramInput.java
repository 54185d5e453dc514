package dev.copas;

import dev.copas.loop.Coroutine;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The receiving side of a datagram socket. While it waits it has no buffer. */
@SuppressWarnings("ByteBufferBackingArray") // All buffers here are whole arrays.
final class DatagramInput extends Direction {

  private static final int DEFAULT_DATAGRAM_SIZE = 8192;

  private final Copas copas;
  private final DatagramEndpoint socket;
  private @Nullable Coroutine receiver;
  private @Nullable Datagram taken;
  private long timeout = Timeouts.FOREVER;
  private int datagramSize = DEFAULT_DATAGRAM_SIZE;
  private @Nullable Coroutine server;
  private long received;

  DatagramInput(Copas copas, DatagramEndpoint socket) {
    this.copas = copas;
    this.socket = socket;
  }

  @Override
  void arm() throws IOException {
    socket.channel.awaitReadable();
  }

  @Override
  String verb() {
    return "Receive";
  }

  void setTimeout(long nanos) {
    timeout = nanos;
  }

  long timeout() {
    return timeout;
  }

  void setDatagramSize(int bytes) {
    datagramSize = bytes;
  }

  int datagramSize() {
    return datagramSize;
  }

  /** How many bytes of datagrams have come, in all. */
  long received() {
    return received;
  }

  /** Whose wait for a datagram is that of a server, which keeps no loop from its end. */
  void servedBy(@Nullable Coroutine server) {
    this.server = server;
  }

  // ---- What the user can ask for

  Datagram next(Coroutine self) throws IOException {
    receive(self, this::take);
    Datagram next = taken;
    taken = null;
    if (next == null) {
      throw new IllegalStateException("nothing was received");
    }
    return next;
  }

  private int take() throws IOException {
    ByteBuffer buffer = copas.buffers.take(datagramSize);
    try {
      InetSocketAddress sender = socket.channel.receive(buffer);
      if (sender == null) {
        return 0;
      }
      received += buffer.position();
      taken = new Datagram(Arrays.copyOf(buffer.array(), buffer.position()), sender);
      return 1;
    } finally {
      copas.buffers.give(buffer);
    }
  }

  void next(Coroutine self, DatagramPacket packet) throws IOException {
    receive(self, () -> takeInto(packet));
  }

  private int takeInto(DatagramPacket packet) throws IOException {
    ByteBuffer room = copas.packetRooms.of(packet);
    InetSocketAddress sender = socket.channel.receive(room);
    if (sender == null) {
      return 0;
    }
    copas.packetRooms.filled(packet, room, sender);
    received += packet.getLength();
    return 1;
  }

  // ---- One call at a time

  private void receive(Coroutine self, Attempt attempt) throws IOException {
    if (receiver != null && !receiver.isAbandoned()) {
      throw new IllegalStateException(
          "task \""
              + receiver.thread().getName()
              + "\" is already receiving on this socket; one task at a time can");
    }
    socket.prepare();
    boolean serves = self == server;
    receiver = self;
    if (serves) {
      copas.machine.countListeners(1);
    }
    try {
      perform(self, self.loop().deadlineAfter(timeout), attempt);
    } finally {
      if (!self.isAbandoned()) { // Else there may be another one by now.
        ended(serves);
      }
    }
  }

  private void ended(boolean serves) {
    receiver = null;
    if (serves) {
      copas.machine.countListeners(-1);
    }
  }
}
