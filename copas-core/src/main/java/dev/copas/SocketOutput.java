package dev.copas;

import dev.copas.loop.Coroutine;
import dev.copas.loop.Loop;
import dev.copas.loop.Timer;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The sending side of a connection.
 *
 * <p>What is sent is collected, and leaves in one system call when the task that sent it gives up
 * the loop, however it does that. What the operating system does not take then goes on leaving as
 * the peer makes room. A large piece with nothing in front of it is written at once, and only the
 * rest collected. What does not fit into the buffer is not collected but written from where it is,
 * and the sender waits: that is the back-pressure.
 *
 * <pre>
 *     open ---shutdown---&gt; finishing ---all written---&gt; finished
 *       \                     |                          |
 *        +-------close--------+---&gt; lingering (bytes left) ---written or time is up---&gt; closed
 * </pre>
 */
final class SocketOutput extends Sending implements Loop.Deferred {

  /** What the JDK's streams collect before they write. */
  private static final int SMALL = 8 * 1024;

  private final Loop loop;
  private final Buffers buffers;
  private final int capacity;
  private final long closeNanos;
  private final CopasSocketImpl socket;
  private ByteBuffer pending = Buffers.NONE;
  private boolean settles;
  private boolean awaitsRoom;
  private boolean finishing;
  private boolean finished;
  private boolean closed;
  private boolean lingering;
  private @Nullable Timer lingerTimer;
  private @Nullable IOException failure;
  private boolean failureShown;
  private long timeout = Timeouts.FOREVER;
  private long sent;

  SocketOutput(Copas copas, CopasSocketImpl socket) {
    this.loop = copas.machine;
    this.buffers = copas.buffers;
    this.capacity = copas.options.sendBufferBytes();
    this.closeNanos = Timeouts.nanos(copas.options.closeTimeout());
    this.socket = socket;
  }

  @Override
  void arm() throws IOException {
    awaitsRoom = true;
    socket.channel().awaitWritable();
  }

  @Override
  String verb() {
    return "Write";
  }

  /** The fields lie on two lines of the cache; this is one from each. */
  @Override
  int prefetch() {
    return super.prefetch() + (failure == null ? 0 : 1);
  }

  void setTimeout(long nanos) {
    timeout = nanos;
  }

  long timeout() {
    return timeout;
  }

  /** How many bytes the operating system has taken, in all. */
  long sent() {
    return sent;
  }

  /** How many it has still to take. */
  int unsent() {
    return pending.position();
  }

  // ---- What the user can ask for

  /** Sends everything, or throws; a time-out or interrupt says how many bytes are on their way. */
  void send(Coroutine self, ByteBuffer source) throws IOException {
    self.countOperation();
    long deadline = self.loop().deadlineAfter(timeout);
    takeTurn(self, deadline);
    int total = source.remaining();
    try {
      checkUsable();
      if (pending.position() == 0 && !awaitsRoom) {
        writeLarge(source);
      }
      if (fits(source)) {
        collect(source);
      } else {
        writeThrough(self, source, deadline);
      }
    } catch (InterruptedIOException e) {
      e.bytesTransferred = total - source.remaining();
      throw e;
    } finally {
      passTurn(self);
    }
  }

  /** Sends everything if that needs no waiting, and else nothing. Never gives up the loop. */
  boolean trySend(ByteBuffer source) throws IOException {
    if (source.remaining() > capacity) {
      throw new IllegalArgumentException(
          "trySend takes at most Options.sendBufferBytes, which is "
              + capacity
              + ", not "
              + source.remaining()
              + " bytes");
    }
    checkUsable();
    if (isSomebodySending()) {
      return false;
    }
    if (!fits(source)) {
      writePending();
      checkUsable();
    }
    if (!fits(source)) {
      return false;
    }
    collect(source);
    return true;
  }

  /** Waits until the operating system has taken everything. */
  void flush(Coroutine self) throws IOException {
    long deadline = self.loop().deadlineAfter(timeout);
    takeTurn(self, deadline);
    try {
      checkOpen();
      drain(self, deadline);
    } finally {
      passTurn(self);
    }
  }

  // ---- Bytes out

  private void checkOpen() throws IOException {
    checkFailure();
    if (closed) {
      throw new SocketException("Socket closed");
    }
  }

  private void checkUsable() throws IOException {
    checkOpen();
    socket.checkConnected();
    if (finishing) {
      throw new SocketException("Socket output is shutdown");
    }
  }

  private void checkFailure() throws IOException {
    if (failure == null) {
      return;
    }
    showFailure();
    throw again(failure);
  }

  private boolean fits(ByteBuffer source) {
    return source.remaining() <= capacity - pending.position();
  }

  /** Writes as much as there is room for, while a call of its own costs less than a copy. */
  private void writeLarge(ByteBuffer source) throws IOException {
    int written = 1;
    while (source.remaining() > SMALL && written > 0) {
      written = write(source);
    }
  }

  private void collect(ByteBuffer source) {
    if (!source.hasRemaining()) {
      return;
    }
    int wanted = pending.position() + source.remaining();
    if (pending == Buffers.NONE) {
      pending = buffers.take();
    }
    if (wanted > pending.capacity()) {
      ByteBuffer smaller = pending;
      pending = ByteBuffer.allocate(Math.min(capacity, Math.max(wanted, 2 * smaller.capacity())));
      pending.put(smaller.flip());
      buffers.give(smaller);
    }
    pending.put(source);
    if (!settles && !awaitsRoom) {
      loop.atSwitch(this);
      settles = true;
    }
  }

  private void writeThrough(Coroutine self, ByteBuffer source, long deadline) throws IOException {
    drain(self, deadline);
    while (source.hasRemaining()) {
      perform(self, deadline, () -> write(source));
    }
  }

  private void drain(Coroutine self, long deadline) throws IOException {
    writePending();
    while (pending.position() > 0) {
      await(self, deadline);
    }
    checkFailure();
  }

  private int write(ByteBuffer source) throws IOException {
    checkUsable();
    try {
      int count = socket.channel().write(source);
      sent += count;
      return count;
    } catch (IOException e) {
      fail(e);
      failureShown = true;
      throw e;
    }
  }

  /** Writes as much as there is room for. A failure is kept for whoever uses the socket next. */
  private void writePending() {
    if (pending.position() == 0) {
      return;
    }
    pending.flip();
    try {
      sent += socket.channel().write(pending);
    } catch (IOException e) {
      fail(e);
      return;
    } finally {
      pending.compact();
    }
    if (pending.position() == 0) {
      buffers.give(pending);
      pending = Buffers.NONE;
    }
  }

  private void fail(IOException e) {
    failure = e;
    buffers.give(pending);
    pending = Buffers.NONE;
  }

  /** The task that sent has given up the loop. */
  @Override
  public void settle() {
    settles = false;
    if (!awaitsRoom) {
      goOnWriting();
    }
  }

  /** There is room again. */
  void writable() {
    awaitsRoom = false;
    goOnWriting();
    open();
  }

  private void goOnWriting() {
    writePending();
    if (pending.position() > 0) {
      try {
        arm();
        return;
      } catch (IOException e) {
        fail(e);
      }
    }
    if (lingering) {
      endLingering();
    } else if (finishing && !finished && !closed) {
      finish();
    }
  }

  // ---- The end

  /** No more will be sent: the peer sees the end of the stream after what was sent before. */
  void shutdown() throws IOException {
    checkUsable();
    finishing = true;
    goOnWriting();
    checkFailure();
  }

  private void finish() {
    finished = true;
    try {
      socket.channel().shutdownOutput();
    } catch (IOException e) {
      fail(e);
    }
  }

  /**
   * Closes the channel when everything is written, or when that takes too long. Never waits.
   *
   * @throws IOException when bytes were lost and no call has said so before
   */
  void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    shut();
    shutTurns();
    writePending();
    if (pending.position() == 0) {
      socket.closeChannel();
    } else {
      linger();
    }
    showFailure();
  }

  /** Tells of a failed write unless a call has already. */
  void showFailure() throws IOException {
    if (failure != null && !failureShown) {
      failureShown = true;
      throw failure;
    }
  }

  /**
   * What broke the connection, for one to whom the stream seems to end; null when the peer ended
   * it.
   *
   * <p>The system tells an error once, and if it told a write, reads find what looks like an end. A
   * broken pipe is what it says when the end had come before.
   */
  @Nullable IOException failureBeforeEnd() {
    boolean endedBefore =
        failureShown && failure != null && "Broken pipe".equals(failure.getMessage());
    return endedBefore ? null : failure;
  }

  /** A call that receives has told of it; or will have, before a write finds it. */
  void failureIsKnown() {
    failureShown = true;
  }

  private void linger() {
    lingering = true;
    loop.countLingering(1);
    lingerTimer = new Timer(this::cutOff);
    loop.arm(lingerTimer, closeNanos);
    goOnWriting();
  }

  /** The peer did not take the rest in time. A reset tells it that there was one. */
  private void cutOff() {
    try {
      socket.channel().setOption(StandardSocketOptions.SO_LINGER, 0);
    } catch (IOException e) {
      fail(e);
    }
    endLingering();
  }

  private void endLingering() {
    lingering = false;
    loop.countLingering(-1);
    if (lingerTimer != null) {
      loop.cancel(lingerTimer);
    }
    try {
      socket.closeChannel();
    } catch (IOException e) {
      fail(e);
    }
  }
}
