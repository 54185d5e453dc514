package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.List;
import javax.net.SocketFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sockets of the loop for libraries that ask for a {@link SocketFactory}. */
@Timeout(60)
class SocketFactoryTest {

  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

  private interface Connect {
    Socket using(SocketFactory factory, int port) throws IOException;
  }

  private static final List<Connect> ALL_WAYS =
      List.of(
          (factory, port) -> factory.createSocket("127.0.0.1", port),
          (factory, port) -> factory.createSocket("127.0.0.1", port, LOOPBACK, 0),
          (factory, port) -> factory.createSocket(LOOPBACK, port),
          (factory, port) -> factory.createSocket(LOOPBACK, port, LOOPBACK, 0),
          (factory, port) -> {
            Socket socket = factory.createSocket();
            assertFalse(socket.isConnected());
            socket.connect(new InetSocketAddress(LOOPBACK, port), 10_000);
            return socket;
          });

  private static void assertAllWork(LoopFixture fixture, SocketFactory factory, int port)
      throws IOException {
    for (Connect way : ALL_WAYS) {
      try (Socket socket = way.using(factory, port)) {
        assertSame(fixture.copas, assertInstanceOf(CopasSocket.class, socket).impl.copas);
        Copas.send(socket, "hello\n");
        assertEquals("hello", Copas.receive(socket));
      }
    }
  }

  @Test
  void allKindsOfSocketsAreMadeInATask() {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        try (CopasServerSocket server = fixture.echo()) {
          assertAllWork(fixture, fixture.copas.socketFactory(), server.getLocalPort());
          assertAllWork(fixture, new CopasSocketFactory(), server.getLocalPort());
          assertAllWork(fixture, CopasSocketFactory.getDefault(), server.getLocalPort());
        }
      });
    }
  }

  @Test
  void anotherThreadGetsSocketsOfTheOnlyLoop() throws Exception {
    try (var fixture = new LoopFixture()) {
      fixture.start();
      try (CopasServerSocket server = fixture.echo()) {
        assertAllWork(fixture, fixture.copas.socketFactory(), server.getLocalPort());
        assertAllWork(fixture, new CopasSocketFactory(), server.getLocalPort());
      }
    }
  }

  @Test
  void withoutALoopThereIsNoSocket() {
    new LoopFixture().close();
    LoopFixture.assertSays(
        "there are 0 that are open",
        SocketException.class,
        () -> new CopasSocketFactory().createSocket());
  }

  @Test
  void aLoopThatWasClosedIsForgotten() throws Exception {
    for (int i = 0; i < 100; i++) { // Once is not enough to meet close() where it returns.
      try (var closed = new LoopFixture()) {
        closed.start();
      }
      LoopFixture.assertSays(
          "there are 0 that are open",
          SocketException.class,
          () -> new CopasSocketFactory().createSocket());
    }
  }

  @Test
  @Tag("native")
  void withSeveralLoopsAnotherThreadHasToNameOne() throws Exception {
    try (var one = new LoopFixture();
        var other = new LoopFixture()) {
      LoopFixture.assertSays(
          "there are 2 that are open",
          SocketException.class,
          () -> new CopasSocketFactory().createSocket());
      class Named extends CopasSocketFactory {
        Named() {
          super(other.copas);
        }
      }
      assertSame(other.copas, ((CopasSocket) new Named().createSocket()).impl.copas);
      Socket[] ofTheTask = new Socket[1];
      one.loop(() -> ofTheTask[0] = new CopasSocketFactory().createSocket());
      assertSame(one.copas, ((CopasSocket) ofTheTask[0]).impl.copas);
    }
  }

  @Test
  void aSocketThatIsNotConnectedSaysSo() {
    LoopFixture.run(() -> {
      try (CopasSocket socket = (CopasSocket) new CopasSocketFactory().createSocket()) {
        LoopFixture.assertSays("not connected", SocketException.class, socket::receive);
        LoopFixture.assertSays("not connected", SocketException.class, () -> socket.send("x"));
      }
    });
  }

  @Test
  void theFactoryOfAClosedLoopSaysSo() {
    var fixture = new LoopFixture();
    SocketFactory factory = fixture.copas.socketFactory();
    fixture.close();
    LoopFixture.assertSays("closed", SocketException.class, factory::createSocket);
  }

  @Test
  void theReasonWhyASocketIsNotConnectedIsThatOfJavaNet() {
    try (var fixture = new LoopFixture()) {
      fixture.loop(() -> {
        SocketFactory factory = fixture.copas.socketFactory();
        int port;
        try (CopasServerSocket server = fixture.copas.bind("127.0.0.1", 0)) {
          port = server.getLocalPort();
        }
        assertThrows(ConnectException.class, () -> factory.createSocket("127.0.0.1", port));
        assertThrows(
            UnknownHostException.class, () -> factory.createSocket("no-such-host.invalid", port));
      });
    }
  }
}
