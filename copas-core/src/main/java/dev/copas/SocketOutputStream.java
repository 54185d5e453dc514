package dev.copas;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Objects;

/** The sending side of a socket as a stream. */
final class SocketOutputStream extends OutputStream {

  private final CopasSocketImpl socket;

  SocketOutputStream(CopasSocketImpl socket) {
    this.socket = socket;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    if (length > 0) {
      var source = ByteBuffer.wrap(bytes, offset, length);
      Outside.perform(socket.copas, self -> socket.output.send(self, source));
    }
  }
}
