package dev.copas.transport;

import java.util.ArrayDeque;

/**
 * The channels that have something to tell, in order.
 *
 * <p>With many connections, the memory of one is cold when its turn comes, and to fetch its lines
 * one after another, each when the code comes to it, takes longer than the code. A processor
 * fetches many at a time, as long as nothing between the reads makes it wait; to wake a task does,
 * by its atomic operations. So a group of channels is looked at before it is told, and has its turn
 * before the next group.
 */
final class DueChannels {

  /** Few enough that what was fetched is still in the cache when the last one runs. */
  static final int GROUP = 64;

  private final ArrayDeque<PolledChannel> queue = new ArrayDeque<>();

  /** Means nothing; but the compiler would leave out reads that lead to nothing. */
  int prefetched;

  void add(PolledChannel channel) {
    if (!channel.due) {
      channel.due = true;
      queue.add(channel);
    }
  }

  boolean isEmpty() {
    return queue.isEmpty();
  }

  /** What becomes due meanwhile waits for the next time. */
  void tellGroup() {
    int count = Math.min(queue.size(), GROUP);
    prefetch(count);
    for (int i = 0; i < count; i++) {
      PolledChannel channel = queue.poll();
      if (channel != null) { // A listener may poll, too.
        channel.due = false;
        channel.tell();
      }
    }
  }

  private void prefetch(int count) {
    int read = 0;
    var channels = queue.iterator();
    for (int i = 0; i < count; i++) {
      read += channels.next().prefetch();
    }
    prefetched = read;
  }
}
