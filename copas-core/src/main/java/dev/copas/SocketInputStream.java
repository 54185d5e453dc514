package dev.copas;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Objects;

/** The receiving side of a socket as a stream; it begins with what {@code receive} left over. */
final class SocketInputStream extends InputStream {

  private final CopasSocketImpl socket;

  SocketInputStream(CopasSocketImpl socket) {
    this.socket = socket;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    var target = ByteBuffer.wrap(bytes, offset, length);
    return length == 0 ? 0 : Outside.call(socket.copas, self -> socket.input.into(self, target));
  }

  @Override
  public int available() throws IOException {
    return socket.available();
  }
}
