package dev.copas.loop;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * What other threads have for the loop, in the order in which it came.
 *
 * <p>A stack that is pushed with one compare-and-set and taken whole. It never blocks either side,
 * and pushing allocates nothing: the messages are the links.
 */
final class Inbox {

  /** Something that arrives on the loop. In the inbox at most once at a time. */
  abstract static class Message {

    private @Nullable Message earlier;

    /** Called by the owner of the loop. */
    abstract void arrive();
  }

  private static final VarHandle LATEST;

  static {
    try {
      LATEST = MethodHandles.lookup().findVarHandle(Inbox.class, "latest", Message.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private volatile @Nullable Message latest;

  boolean isEmpty() {
    return latest == null;
  }

  /** From any thread. */
  void push(Message message) {
    Message seen;
    do {
      seen = latest;
      message.earlier = seen;
    } while (!LATEST.compareAndSet(this, seen, message));
  }

  /** Lets everything arrive that has been pushed. Only for the owner of the loop. */
  void drain() {
    if (latest == null) {
      return;
    }
    Message message = inOrderOfArrival((Message) LATEST.getAndSet(this, (Message) null));
    while (message != null) {
      Message next = message.earlier;
      message.earlier = null;
      try {
        message.arrive();
      } catch (Throwable e) {
        Reports.error("what another thread had for the loop failed", e);
      }
      message = next;
    }
  }

  private static @Nullable Message inOrderOfArrival(@Nullable Message latest) {
    Message first = null;
    while (latest != null) {
      Message earlier = latest.earlier;
      latest.earlier = first;
      first = latest;
      latest = earlier;
    }
    return first;
  }
}
