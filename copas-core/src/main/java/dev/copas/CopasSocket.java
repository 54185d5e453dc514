package dev.copas;

import dev.copas.loop.Coroutine;
import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.ref.Reference;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A connection whose every call that waits lets other tasks run.
 *
 * <p>It is a {@link Socket}: streams, options, half-close and time-outs work as they do there, and
 * share one buffer with the methods that this class adds. Those are Copas' own: {@code receive} a
 * line, a number of bytes or everything, and {@code send}.
 *
 * <p><strong>Receiving</strong> waits until there is what was asked for. It ends early with a
 * {@link java.net.SocketTimeoutException} after the receive time-out (none by default), a {@link
 * SocketException} when the socket is closed or the peer reset it, an {@link
 * java.io.InterruptedIOException} when the task is cancelled or the time of {@link Copas#within} is
 * over. Bytes that had come by then stay, and the next receive begins with them. One task at a time
 * can receive; another gets an {@link IllegalStateException}.
 *
 * <p><strong>Sending</strong> collects bytes; they leave in one system call when the task next
 * gives up the loop, or on {@link #flush()}; a piece of more than 8 KiB leaves at once when nothing
 * is in front of it. It waits when {@link Options#sendBufferBytes} are on their way already. So a
 * peer that is gone shows with a later call: the next send, flush or close, or when a receive comes
 * to the end of the stream. Several tasks may send: first come, first served, whole messages.
 *
 * <p>TCP_NODELAY is on from the beginning. What java.net has no options for is in {@link
 * CopasSocketOptions}.
 *
 * <p>A <strong>Unix socket</strong> ({@link Copas#connectUnix}, {@link Copas#bindUnix}) has no host
 * and no port: {@link #getInetAddress} is the loopback address, and ports are 0. What is for TCP
 * only ({@link #setTcpNoDelay}, {@link #setKeepAlive}, {@link #setTrafficClass}, {@link
 * #setOOBInline}, {@link #setReuseAddress}) is accepted and does nothing. {@code
 * getOption(jdk.net.ExtendedSocketOptions.SO_PEERCRED)} tells the user and group of the peer.
 *
 * <p>{@link #close()} never waits: what was sent before is still delivered, for {@link
 * Options#closeTimeout} at most; then the connection is reset. It may be called from any thread,
 * and so may everything else: on a thread that is no task of the loop, a call is made on the loop
 * and the thread waits for it. That needs somebody to run the loop.
 *
 * <p>A server closes its connections itself; what comes from {@link Copas#connect}, {@link
 * CopasServerSocket#accept} or a server without {@link ServerOptions#autoClose} is the user's to
 * close. When such a socket was forgotten, that is when nobody can reach it nor its streams any
 * more, the garbage collector may find it; then the loop closes it, and a warning names the peer.
 */
public final class CopasSocket extends Socket {

  final CopasSocketImpl impl;
  private @Nullable InputStream inputStream;
  private @Nullable OutputStream outputStream;

  /** Not yet connected; see {@link Copas#connect}. */
  CopasSocket(Copas copas) throws SocketException {
    this(new TcpSocketImpl(copas));
  }

  CopasSocket(CopasSocketImpl impl) throws SocketException {
    super(impl);
    this.impl = impl;
  }

  @Override
  public void connect(SocketAddress endpoint, int timeout) throws IOException {
    super.connect(endpoint, timeout);
    closeWhenForgotten();
  }

  /** Only for a socket that nobody but its user closes. */
  void closeWhenForgotten() {
    impl.closeWhenForgotten(this);
  }

  /*
   * Compiled code does not hold what it does not need any more, so a socket could be unreachable
   * while a task waits in its last call on it. The fences keep it.
   */

  private <T extends @Nullable Object> T call(Outside.Call<T> call) throws IOException {
    try {
      return Outside.call(impl.copas, call);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  // ---- Receiving

  /**
   * Receives a line: what comes before the next line feed, and before a carriage return directly in
   * front of it. As Copas' {@code receive("*l")}.
   *
   * @return the line without its end, in the socket's charset; the last line need not have an end;
   *     null when the stream has ended
   * @throws LineTooLongException when the line has more than {@link Options#maxLineBytes}
   * @throws MalformedTextException when its bytes are no text in the charset; they are not lost
   */
  public @Nullable String receive() throws IOException {
    try {
      Coroutine self = impl.copas.machine.current();
      return self != null ? impl.input.line(self) : Outside.call(impl.copas, impl.input::line);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Receives exactly so many bytes; none at once when the count is 0.
   *
   * @throws java.io.EOFException when the stream ends before; {@link #receivePartial} still returns
   *     the bytes that came
   */
  public byte[] receive(int count) throws IOException {
    if (count < 0) {
      throw new IllegalArgumentException("cannot receive " + count + " bytes");
    }
    return call(self -> impl.input.exactly(self, count));
  }

  /**
   * Receives everything until the peer ends the stream. As Copas' {@code receive("*a")}.
   *
   * @return the bytes, maybe none
   * @throws IOException also when they are more than {@link Options#maxReceiveAllBytes}; then they
   *     stay in the buffer
   */
  public byte[] receiveAll() throws IOException {
    return call(impl.input::all);
  }

  /**
   * Receives what is there, at least one byte.
   *
   * @return the bytes, or null when the stream has ended
   */
  public byte @Nullable [] receivePartial() throws IOException {
    return this.<byte @Nullable []>call(impl.input::partial);
  }

  /**
   * Receives what is there, at least one byte, into a buffer.
   *
   * @return the number of bytes, -1 when the stream has ended, 0 when the buffer has no room
   * @throws ReadOnlyBufferException when the buffer is read-only; then nothing was received
   */
  public int receive(ByteBuffer target) throws IOException {
    if (target.isReadOnly()) {
      throw new ReadOnlyBufferException();
    }
    try {
      Coroutine self = impl.copas.machine.current();
      return self != null
          ? impl.input.into(self, target)
          : Outside.call(impl.copas, caller -> impl.input.into(caller, target));
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  // ---- Sending

  /**
   * Sends a text in the socket's charset.
   *
   * @throws MalformedTextException when the charset cannot express it; nothing was sent then
   */
  public void send(String text) throws IOException {
    Objects.requireNonNull(text, "text is null; receive() returns null at the end of the stream");
    send(encode(text));
  }

  /** Sends bytes; see {@link #send(ByteBuffer)}. */
  public void send(byte[] bytes) throws IOException {
    Objects.requireNonNull(bytes, "bytes");
    send(ByteBuffer.wrap(bytes));
  }

  /** Sends a part of an array; see {@link #send(ByteBuffer)}. */
  public void send(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    send(ByteBuffer.wrap(bytes, offset, length));
  }

  /**
   * Sends what remains in the buffer.
   *
   * @throws java.net.SocketTimeoutException after the send time-out; its {@code bytesTransferred}
   *     says how many bytes are on their way, as that of every {@link
   *     java.io.InterruptedIOException} does
   */
  public void send(ByteBuffer source) throws IOException {
    Objects.requireNonNull(source, "source");
    try {
      Coroutine self = impl.copas.machine.current();
      if (self != null) {
        impl.output.send(self, source);
      } else {
        Outside.perform(impl.copas, caller -> impl.output.send(caller, source));
      }
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /** Sends a text if that needs no waiting; see {@link #trySend(ByteBuffer)}. */
  public boolean trySend(String text) throws IOException {
    Objects.requireNonNull(text, "text");
    return trySend(encode(text));
  }

  /** Sends bytes if that needs no waiting; see {@link #trySend(ByteBuffer)}. */
  public boolean trySend(byte[] bytes) throws IOException {
    return trySend(ByteBuffer.wrap(bytes));
  }

  /**
   * Sends what remains in the buffer if that needs no waiting, and else nothing at all: for peers
   * that read slowly while others must not wait for them. The one socket call that never lets other
   * tasks run, so that a list of sockets can be gone through with it.
   *
   * @return whether it was sent
   * @throws IllegalArgumentException when it is more than {@link Options#sendBufferBytes}
   */
  public boolean trySend(ByteBuffer source) throws IOException {
    Objects.requireNonNull(source, "source");
    var sent = new boolean[1];
    try {
      Outside.run(impl.copas.machine, () -> sent[0] = impl.output.trySend(source));
    } finally {
      Reference.reachabilityFence(this);
    }
    return sent[0];
  }

  /** Waits until the operating system has taken everything that was sent. */
  public void flush() throws IOException {
    try {
      Outside.perform(impl.copas, impl.output::flush);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /** The JDK's fast path puts a question mark where it cannot encode; the strict one says so. */
  private ByteBuffer encode(String text) throws IOException {
    Charset charset = impl.input.charset();
    if (charset == StandardCharsets.UTF_8) {
      byte[] bytes = text.getBytes(charset);
      if (!containsQuestionMark(bytes)) {
        return ByteBuffer.wrap(bytes);
      }
    }
    try {
      return charset.newEncoder().encode(CharBuffer.wrap(text));
    } catch (CharacterCodingException e) {
      throw new MalformedTextException(
          "the text cannot be expressed in " + charset + "; setCharset() to one that can", e);
    }
  }

  private static boolean containsQuestionMark(byte[] bytes) {
    for (byte b : bytes) {
      if (b == '?') {
        return true;
      }
    }
    return false;
  }

  @Override
  public InputStream getInputStream() throws IOException {
    InputStream plain = super.getInputStream();
    if (inputStream == null) {
      inputStream = new PassingStream(plain);
    }
    return inputStream;
  }

  /**
   * The JDK's stream of a socket passes on through a buffer of its own, also while it waits. To
   * another socket of its loop, this one takes those of the loop. Others may keep what they are
   * given.
   */
  private final class PassingStream extends FilterInputStream {

    PassingStream(InputStream plain) {
      super(plain);
    }

    @Override
    public long transferTo(OutputStream target) throws IOException {
      if (!(target instanceof FlushingStream sink) || !sink.isOf(impl.copas) || isInputShutdown()) {
        return in.transferTo(target);
      }
      try {
        return call(self -> impl.input.transferTo(self, sink.output()));
      } finally {
        Reference.reachabilityFence(sink);
      }
    }
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    OutputStream plain = super.getOutputStream();
    if (outputStream == null) {
      outputStream = new FlushingStream(plain);
    }
    return outputStream;
  }

  /**
   * The JDK's stream of a socket does not pass on flush, since it has nothing to flush. As the
   * JDK's own streams do, it keeps the socket from being forgotten.
   */
  private final class FlushingStream extends FilterOutputStream {

    FlushingStream(OutputStream plain) {
      super(plain);
    }

    boolean isOf(Copas copas) {
      return impl.copas == copas;
    }

    SocketOutput output() {
      return impl.output;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      try {
        out.write(bytes, offset, length);
      } finally {
        Reference.reachabilityFence(this);
      }
    }

    /** After the end there is nothing to flush; java.net lets streams be closed in any order. */
    @Override
    public void flush() throws IOException {
      if (!isClosed() && !isOutputShutdown()) {
        CopasSocket.this.flush();
      }
    }

    @Override
    public void close() throws IOException {
      CopasSocket.this.close();
    }
  }

  /** Closes the connection; never waits, see above. From any thread. */
  @Override
  public void close() throws IOException {
    super.close();
    impl.copas.machine.drainUnlessTurning();
  }

  // ---- Settings

  /** The charset of {@link #receive()} and {@link #send(String)}: UTF-8 by default. */
  public void setCharset(Charset charset) {
    impl.input.setCharset(Objects.requireNonNull(charset, "charset"));
  }

  public Charset getCharset() {
    return impl.input.charset();
  }

  /**
   * Sets how long each call may take, in all and not for each chunk; null is for ever, the default,
   * and zero only looks.
   *
   * @throws IllegalArgumentException when one is negative
   */
  public void setTimeouts(
      @Nullable Duration connect, @Nullable Duration send, @Nullable Duration receive) {
    long connectNanos = Timeouts.nanos(connect, "connect");
    long sendNanos = Timeouts.nanos(send, "send");
    long receiveNanos = Timeouts.nanos(receive, "receive");
    impl.setConnectTimeout(connectNanos);
    impl.output.setTimeout(sendNanos);
    impl.input.setTimeout(receiveNanos);
  }

  /**
   * What has gone over the connection, and how old it is; also when it is closed. As LuaSocket's
   * {@code getstats}. From any thread: while the loop runs, elsewhere than in a task it is made in
   * its next turn, and the caller waits for that.
   *
   * @throws IllegalStateException when a task holds the loop for longer than {@link
   *     Options#statusTimeout}, or the calling thread is interrupted
   */
  public Status.SocketStatus stats() {
    return Outside.ask(impl.copas, impl::status);
  }

  // ---- Addresses

  /**
   * The peer's address: an {@link java.net.InetSocketAddress} or, of a Unix socket, a {@link
   * UnixDomainSocketAddress}, whose path is empty when the peer is a client. Null before it is
   * connected.
   */
  @Override
  public @Nullable SocketAddress getRemoteSocketAddress() {
    return impl.remote() instanceof UnixDomainSocketAddress unix
        ? unix
        : super.getRemoteSocketAddress();
  }

  /** The own address; see {@link #getRemoteSocketAddress}. */
  @Override
  public @Nullable SocketAddress getLocalSocketAddress() {
    return impl.local() instanceof UnixDomainSocketAddress unix
        ? unix
        : super.getLocalSocketAddress();
  }

  /** The peer's address and port, like {@code 127.0.0.1:40112}, or that it is not connected. */
  @Override
  public String toString() {
    String peer = impl.peer();
    return "CopasSocket[" + (peer == null ? "unconnected" : peer) + "]";
  }
}
