package dev.copas.transport;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.BindException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What only two servers that start at the same moment can do to each other. */
@Timeout(60)
class SocketFileTest {

  @TempDir private Path folder;

  private final NioTransport transport = new NioTransport();

  SocketFileTest() throws IOException {}

  @AfterEach
  void close() throws IOException {
    transport.close();
  }

  @Test
  void aServerWhosePlaceWasTakenWhileItStartedIsToldAndLeavesTheFileAlone() throws IOException {
    Path path = folder.resolve("s");
    var address = UnixDomainSocketAddress.of(path);
    try (var first = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        var second = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      SocketFile file =
          requireNonNull(SocketFile.bind(transport, address, () -> first.bind(address)));
      file.checkInPlace();
      Files.delete(path);
      assertThrows(BindException.class, file::checkInPlace);
      assertThrows(BindException.class, () -> file.restrictTo(Set.of()));
      second.bind(address);
      assertThrows(BindException.class, file::checkInPlace);
      file.delete();
      assertTrue(Files.exists(path), "the file of the other one");
    }
  }

  @Test
  void permissionsBecomeTheBitsThatTheSystemHas() {
    assertEquals(0640, SocketFile.mode(PosixFilePermissions.fromString("rw-r-----")));
    assertEquals(0777, SocketFile.mode(PosixFilePermissions.fromString("rwxrwxrwx")));
  }

  @Test
  void aServerWhoseFileIsGoneAtOnceIsToldThatThePlaceIsTaken() {
    var address = UnixDomainSocketAddress.of(folder.resolve("s"));
    assertThrows(BindException.class, () -> SocketFile.bind(transport, address, () -> {}));
  }
}
