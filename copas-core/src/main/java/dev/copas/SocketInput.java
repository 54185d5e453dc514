package dev.copas;

import dev.copas.loop.Coroutine;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The receiving side of a connection.
 *
 * <p>Bytes that were read but not asked for yet stay in the buffer, whatever ends a call: the next
 * call, of any kind, begins with them. An empty buffer goes back to the pool, so that a connection
 * that waits has none.
 */
@SuppressWarnings("ByteBufferBackingArray") // All buffers here are whole arrays.
final class SocketInput extends Direction {

  private static final int SMALL_READ = 4096;
  private static final int FIRST_CHUNK = 64 * 1024;

  private final Buffers buffers;
  private final Options options;
  private final CopasSocketImpl socket;
  private ByteBuffer buffer = Buffers.NONE;
  private int start;
  private int end;
  private boolean ended;
  private boolean closed;
  private @Nullable IOException failure;
  private @Nullable Coroutine receiver;
  private long timeout = Timeouts.FOREVER;
  private long received;
  private Charset charset = StandardCharsets.UTF_8;

  SocketInput(Copas copas, CopasSocketImpl socket) {
    this.buffers = copas.buffers;
    this.options = copas.options;
    this.socket = socket;
  }

  @Override
  void arm() throws IOException {
    socket.channel().awaitReadable();
  }

  @Override
  String verb() {
    return "Read";
  }

  /** The fields lie on two lines of the cache; this is one from each. */
  @Override
  int prefetch() {
    return super.prefetch() + (receiver == null ? 0 : 1);
  }

  void setTimeout(long nanos) {
    timeout = nanos;
  }

  long timeout() {
    return timeout;
  }

  void setCharset(Charset charset) {
    this.charset = charset;
  }

  Charset charset() {
    return charset;
  }

  /** How many bytes have come, in all. */
  long received() {
    return received;
  }

  /** How many of them nobody has asked for yet. */
  int unread() {
    return end - start;
  }

  // ---- What the user can ask for

  @Nullable String line(Coroutine self) throws IOException {
    begin(self);
    try {
      long deadline = self.loop().deadlineAfter(timeout);
      int lineFeed;
      int searched = 0;
      while ((lineFeed = indexOfLineFeed(start + searched)) < 0) {
        searched = end - start;
        if (searched > options.maxLineBytes() + 1) {
          throw new LineTooLongException(options.maxLineBytes());
        }
        if (more(self, deadline) < 0) {
          return start == end ? null : takeLine(end, 0);
        }
      }
      return takeLine(lineFeed, 1);
    } finally {
      end();
    }
  }

  byte[] exactly(Coroutine self, int count) throws IOException {
    begin(self);
    try {
      long deadline = self.loop().deadlineAfter(timeout);
      while (end - start < count) {
        makeRoom(Math.min(count, Math.max(FIRST_CHUNK, 2 * (end - start))));
        if (more(self, deadline) < 0) {
          throw new EOFException(
              "the stream ended after "
                  + (end - start)
                  + " of "
                  + count
                  + " bytes; receivePartial() returns what there is");
        }
      }
      return take(count);
    } finally {
      end();
    }
  }

  byte[] all(Coroutine self) throws IOException {
    begin(self);
    try {
      long deadline = self.loop().deadlineAfter(timeout);
      while (more(self, deadline) >= 0) {
        if (end - start > options.maxReceiveAllBytes()) {
          throw new IOException(
              "receiveAll got more than "
                  + options.maxReceiveAllBytes()
                  + " bytes; raise Options.maxReceiveAllBytes or receive piece by piece");
        }
      }
      return take(end - start);
    } finally {
      end();
    }
  }

  byte @Nullable [] partial(Coroutine self) throws IOException {
    begin(self);
    try {
      if (start == end && more(self, self.loop().deadlineAfter(timeout)) < 0) {
        return null;
      }
      return take(end - start);
    } finally {
      end();
    }
  }

  /** At least one byte, or -1 at the end; 0 only when there is no room for any. */
  int into(Coroutine self, ByteBuffer target) throws IOException {
    begin(self);
    try {
      if (start == end && target.remaining() >= SMALL_READ) {
        return read(self, target, self.loop().deadlineAfter(timeout));
      }
      if (!target.hasRemaining()) {
        return 0;
      }
      if (start == end && more(self, self.loop().deadlineAfter(timeout)) < 0) {
        return -1;
      }
      int count = Math.min(target.remaining(), end - start);
      target.put(buffer.array(), start, count);
      start += count;
      return count;
    } finally {
      end();
    }
  }

  /** Passes everything on until the stream ends. While it waits for more, it has no buffer. */
  long transferTo(Coroutine self, SocketOutput target) throws IOException {
    long total = 0;
    while (true) {
      begin(self);
      try {
        if (start == end && more(self, self.loop().deadlineAfter(timeout)) < 0) {
          return total;
        }
        ByteBuffer passed =
            buffer; // A close or shutdown meanwhile would give it to another socket.
        int count = end - start;
        passed.limit(end).position(start);
        buffer = Buffers.NONE;
        start = 0;
        end = 0;
        try {
          target.send(self, passed);
        } finally {
          buffers.give(passed);
        }
        total += count;
      } finally {
        end();
      }
    }
  }

  /** How many bytes can be had without waiting. */
  int available(Coroutine self) throws IOException {
    if (receiver != null) {
      return end - start; // Somebody is receiving: what comes now is his.
    }
    begin(self);
    try {
      if (start == end && !ended && failure == null) {
        makeRoom(1);
        fill();
      }
      return end - start;
    } catch (IOException e) {
      failure = e; // For the next who reads: to ask never fails, as in java.net.
      return 0;
    } finally {
      end();
    }
  }

  // ---- One call at a time

  private void begin(Coroutine self) throws IOException {
    self.countOperation();
    if (closed) {
      throw new SocketException("Socket closed");
    }
    socket.checkConnected();
    if (receiver != null) {
      throw new IllegalStateException(
          "task \""
              + receiver.thread().getName()
              + "\" is already receiving on this socket; one task at a time can");
    }
    receiver = self;
  }

  private void end() {
    receiver = null;
    if (start == end) {
      dropBuffer();
    }
  }

  private void dropBuffer() {
    buffers.give(buffer);
    buffer = Buffers.NONE;
    start = 0;
    end = 0;
  }

  // ---- Bytes in

  private void checkFailure() throws IOException {
    if (failure != null) {
      socket.output.failureIsKnown();
      throw again(failure);
    }
  }

  /** Waits for more bytes behind those in the buffer; -1 at the end of the stream. */
  private int more(Coroutine self, long deadline) throws IOException {
    checkFailure();
    if (ended) {
      return -1;
    }
    if (socket.channel().drained() && deadline != Coroutine.AT_ONCE) {
      if (start == end) {
        dropBuffer();
      }
      await(self, deadline);
    }
    return perform(
        self,
        deadline,
        () -> {
          makeRoom(end - start + 1);
          int count = fillOrTell();
          if (count == 0 && start == end) {
            dropBuffer();
          }
          return count;
        });
  }

  private int fillOrTell() throws IOException {
    try {
      return fill();
    } catch (IOException e) {
      throw told(e);
    }
  }

  /** The user learns with this that the connection is broken; the system tells it only once. */
  private IOException told(IOException e) {
    failure = e;
    socket.output.failureIsKnown();
    return e;
  }

  private int fill() throws IOException {
    if (ended) {
      return -1;
    }
    int count = socket.channel().read(buffer.limit(buffer.capacity()).position(end));
    if (count > 0) {
      end += count;
      received += count;
    } else if (count < 0) {
      streamEnded();
    }
    return count;
  }

  private int read(Coroutine self, ByteBuffer target, long deadline) throws IOException {
    checkFailure();
    if (ended) {
      return -1;
    }
    if (socket.channel().drained() && deadline != Coroutine.AT_ONCE) {
      await(self, deadline);
    }
    int count = perform(self, deadline, () -> readOrTell(target));
    if (count < 0) {
      streamEnded();
    } else {
      received += count;
    }
    return count;
  }

  private int readOrTell(ByteBuffer target) throws IOException {
    try {
      return socket.channel().read(target);
    } catch (IOException e) {
      throw told(e);
    }
  }

  private void streamEnded() throws IOException {
    ended = true;
    failure = socket.output.failureBeforeEnd();
    checkFailure();
  }

  /** Makes the buffer take so many bytes from the first one that was not asked for yet. */
  private void makeRoom(int wanted) {
    if (buffer == Buffers.NONE) {
      buffer = buffers.take();
    }
    int capacity = buffer.capacity();
    if (wanted > capacity) {
      ByteBuffer smaller = buffer;
      moveTo(ByteBuffer.allocate(Math.max(wanted, grown(capacity))));
      buffers.give(smaller);
    } else if (start + wanted > capacity) {
      moveTo(buffer);
    }
  }

  private static int grown(int capacity) {
    return (int) Math.min(2L * capacity, Integer.MAX_VALUE - 8);
  }

  private void moveTo(ByteBuffer target) {
    System.arraycopy(buffer.array(), start, target.array(), 0, end - start);
    end -= start;
    start = 0;
    buffer = target;
  }

  // ---- Bytes out

  private byte[] take(int count) {
    byte[] bytes = Arrays.copyOfRange(buffer.array(), start, start + count);
    start += count;
    return bytes;
  }

  private int indexOfLineFeed(int from) {
    byte[] bytes = buffer.array();
    for (int i = from; i < end; i++) {
      if (bytes[i] == '\n') {
        return i;
      }
    }
    return -1;
  }

  /** A carriage return belongs to the end of a line only directly before the line feed. */
  private String takeLine(int lineEnd, int terminator) throws IOException {
    byte[] bytes = buffer.array();
    boolean hasReturn = terminator > 0 && lineEnd > start && bytes[lineEnd - 1] == '\r';
    int length = lineEnd - start - (hasReturn ? 1 : 0);
    if (length > options.maxLineBytes()) {
      throw new LineTooLongException(options.maxLineBytes());
    }
    String line = decode(bytes, start, length);
    start = lineEnd + terminator;
    return line;
  }

  /** Decodes strictly. The JDK's fast path replaces what it cannot decode, and so tells of it. */
  private String decode(byte[] bytes, int from, int length) throws IOException {
    String text = new String(bytes, from, length, charset);
    if (text.indexOf('\uFFFD') >= 0) {
      ByteBuffer line = ByteBuffer.wrap(bytes, from, length);
      try {
        charset.newDecoder().decode(line);
      } catch (CharacterCodingException e) {
        throw new MalformedTextException(
            "the line is not "
                + charset
                + " text at byte "
                + (line.position() - from)
                + "; setCharset() if it is meant to be something else",
            e);
      }
    }
    return text;
  }

  // ---- The end

  /** From now on the stream has ended, whatever the peer still sends. */
  void shutdown() throws IOException {
    socket.channel().shutdownInput();
    ended = true;
    dropBuffer();
    open();
  }

  void close() {
    closed = true;
    shut();
    if (receiver == null) {
      dropBuffer();
    }
  }
}
