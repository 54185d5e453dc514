package dev.copas;

import dev.copas.loop.Loop;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;

/** Buffers that the sockets of one loop share. Belongs to the owner of the loop. */
final class Buffers {

  static final ByteBuffer NONE = ByteBuffer.allocate(0);

  private static final int MOST_KEPT = 64;

  private final ArrayDeque<ByteBuffer> free = new ArrayDeque<>();
  private final Loop loop;
  private final int capacity;

  Buffers(Loop loop, int capacity) {
    this.loop = loop;
    this.capacity = capacity;
  }

  /** An empty buffer with an accessible array. */
  ByteBuffer take() {
    ByteBuffer buffer = free.pollLast();
    return buffer == null ? ByteBuffer.allocate(capacity) : buffer;
  }

  /** An empty buffer with so many bytes of room and an accessible array. */
  ByteBuffer take(int bytes) {
    return bytes <= capacity ? take().limit(bytes) : ByteBuffer.allocate(bytes);
  }

  /**
   * Takes a buffer back. Those that have grown are left to the garbage collector, and so are those
   * of tasks that outlived the loop.
   */
  void give(ByteBuffer buffer) {
    if (buffer.capacity() == capacity && free.size() < MOST_KEPT && loop.isOnLoop()) {
      free.addLast(buffer.clear());
    }
  }
}
