package dev.copas.integration;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.commons.net.ftp.FTP;
import org.apache.commons.net.ftp.FTPClient;
import org.apache.commons.net.io.CopyStreamException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** FTP through Commons Net. */
@ParameterizedClass
@EnumSource
@Timeout(60)
class FtpTest extends LibraryTest {

  @TempDir private static Path files;
  private static FileServer server;

  private final Sockets sockets;

  FtpTest(Sockets sockets) {
    this.sockets = sockets;
  }

  @BeforeAll
  static void startServer() throws Exception {
    server = new FileServer(files);
    Files.write(files.resolve("half a second"), new byte[FileServer.BYTES_PER_SECOND / 2]);
    Files.write(files.resolve("a minute"), new byte[60 * FileServer.BYTES_PER_SECOND]);
  }

  @AfterAll
  static void stopServer() {
    server.stop();
  }

  /** A client that is logged in. */
  private final class Client extends FTPClient implements AutoCloseable {

    Client(String user) throws IOException {
      if (sockets == Sockets.OF_THE_LOOP) {
        setSocketFactory(loop.copas.socketFactory());
      }
      connect("127.0.0.1", server.port());
      assertTrue(login(user, ""));
      enterLocalPassiveMode();
      assertTrue(setFileType(FTP.BINARY_FILE_TYPE));
    }

    byte[] download(String name) throws IOException {
      var bytes = new ByteArrayOutputStream();
      assertTrue(retrieveFile(name, bytes));
      return bytes.toByteArray();
    }

    @Override
    public void close() throws IOException {
      disconnect();
    }
  }

  @Test
  void downloadsOfManyHandlersWaitTogether() throws Exception {
    loop.run(
            HANDLERS,
            () -> {
              try (var ftp = new Client("slow")) {
                assertEquals(FileServer.BYTES_PER_SECOND / 2, ftp.download("half a second").length);
              }
            })
        .assertWaitedTogether(HANDLERS, Duration.ofMillis(400));
  }

  @Test
  void filesComeBackByteForByte() throws Exception {
    byte[] file = new byte[1_000_000];
    new Random(1).nextBytes(file);
    var number = new AtomicInteger();
    loop.run(
        5,
        () -> {
          String name = "file " + number.incrementAndGet();
          try (var ftp = new Client("fast")) {
            assertTrue(ftp.storeFile(name, new ByteArrayInputStream(file)));
            assertEquals(file.length, ftp.listFiles(name)[0].getSize());
            assertArrayEquals(file, ftp.download(name));
            assertTrue(ftp.logout());
          }
          assertArrayEquals(file, Files.readAllBytes(files.resolve(name)));
        });
  }

  @Test
  void aTimeOutEndsACall() throws Exception {
    try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      loop.run(
          1,
          () -> {
            var ftp = new FTPClient();
            ftp.setConnectTimeout(200); // Also for the server's greeting.
            var e =
                assertThrows(
                    IOException.class, () -> ftp.connect("127.0.0.1", silent.getLocalPort()));
            assertInstanceOf(SocketTimeoutException.class, e.getCause());
          });
    }
  }

  @Test
  void cancellingATaskEndsItsDownload() throws Exception {
    Exception e =
        loop.cancelIn(
            "copyStream",
            () -> {
              try (var ftp = new Client("slow")) {
                ftp.download("a minute");
              }
            });
    assertInstanceOf(CopyStreamException.class, e);
    assertInstanceOf(sockets.onCancel, e.getCause());
  }

  @Test
  void aDeadlineEndsADownload() throws Exception {
    loop.run(
        1,
        () -> {
          try (var ftp = new Client("slow")) {
            assertThrows(
                TimeoutException.class,
                () -> Copas.within(Duration.ofMillis(200), () -> ftp.download("a minute")));
          }
        });
  }
}
