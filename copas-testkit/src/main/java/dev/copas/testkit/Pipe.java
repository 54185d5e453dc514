package dev.copas.testkit;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;

/**
 * One direction of a connection: bytes that are under way, bytes that have arrived, the end.
 *
 * <p>Everything arrives in the order in which it was sent. What was sent and not yet read is
 * bounded; so a writer that is faster than its reader finds no room.
 */
final class Pipe {

  private final MemoryTransport transport;
  private final MemoryStream from;
  private final MemoryStream to;
  private final Faults.Fate fate;
  private final ArrayDeque<ByteBuffer> arrived = new ArrayDeque<>();
  private int unread;
  private int underWay;
  private boolean ended;
  private int writes;
  private boolean cut;
  private boolean stalled;
  private int arrivals;
  private long lastArrival;

  Pipe(MemoryTransport transport, MemoryStream from, MemoryStream to, Faults.Fate fate) {
    this.transport = transport;
    this.from = from;
    this.to = to;
    this.fate = fate;
    this.lastArrival = transport.clock.nanoTime();
  }

  // ---- The writer's end

  boolean hasRoom() {
    return room() > 0;
  }

  private int room() {
    return from.sendCapacity() + to.receiveCapacity() - unread - underWay;
  }

  /** What the network has in store for this write. */
  void meetFate() {
    if (writes == fate.reset()) {
      from.note("is reset by the network");
      from.resetArrives();
      arrive(to::resetArrives);
    }
    if (writes == fate.halfClose() && !cut) {
      from.note("is cut by the network");
      end();
      cut = true;
    }
    stalled |= writes == fate.stall();
    writes++;
  }

  int write(ByteBuffer source) {
    int count = transport.drawPiece(Math.min(source.remaining(), room()));
    if (count <= 0) {
      return 0;
    }
    ByteBuffer bytes = ByteBuffer.allocate(count);
    bytes.put(source.slice(source.position(), count)).flip();
    source.position(source.position() + count);
    from.note("writes", count);
    if (!cut) {
      underWay += count;
      if (!stalled) {
        arrive(() -> bytesArrive(bytes));
      }
    }
    return count;
  }

  /** No more will be written. */
  void end() {
    if (!cut && !stalled) {
      arrive(this::endArrives);
    }
  }

  /** Has something arrive behind what was sent before. */
  void arrive(Runnable arrival) {
    long now = transport.clock.nanoTime();
    long when = now + transport.drawLatency();
    if (when - lastArrival < 0) {
      when = lastArrival;
    }
    lastArrival = when;
    if (when == now && arrivals == 0) {
      arrival.run();
    } else {
      arrivals++;
      transport.clock.at(
          when,
          () -> {
            arrivals--;
            arrival.run();
          });
    }
  }

  // ---- The reader's end

  private void bytesArrive(ByteBuffer bytes) {
    int count = bytes.remaining();
    underWay -= count;
    to.changed();
    if (to.isReset()) {
      to.note("drops what comes after a reset", count);
    } else if (to.isOpen()) {
      unread += count;
      arrived.add(bytes);
      to.note("gets", count);
    } else {
      to.answerWithReset(from);
    }
  }

  private void endArrives() {
    if (!to.isReset()) {
      ended = true;
      to.changed();
      to.note("gets the end");
    }
  }

  boolean hasUnread() {
    return unread > 0;
  }

  boolean isEnded() {
    return ended;
  }

  /** As many bytes as there are and fit, or fewer. */
  int read(ByteBuffer target) {
    int count = transport.drawPiece(Math.min(target.remaining(), unread));
    for (int left = count; left > 0; ) {
      ByteBuffer first = arrived.element();
      int piece = Math.min(left, first.remaining());
      target.put(first.slice(first.position(), piece));
      first.position(first.position() + piece);
      if (!first.hasRemaining()) {
        arrived.remove();
      }
      left -= piece;
    }
    unread -= count;
    if (count > 0) {
      to.changed();
      to.note("reads", count);
    }
    return count;
  }

  /** Nobody will read any more. */
  void drop() {
    arrived.clear();
    unread = 0;
    to.changed();
  }
}
