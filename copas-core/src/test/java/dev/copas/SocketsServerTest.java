package dev.copas;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.function.Executable;

/** Servers: how they start, treat their connections, and stop. And the options of sockets. */
@Timeout(60)
class SocketsServerTest {

  private static void echo(CopasSocket socket) throws IOException {
    for (String line; (line = socket.receive()) != null; ) {
      socket.send(line + "\n");
    }
  }

  private static void checkEcho(Socket client, String line) throws IOException {
    client.getOutputStream().write((line + "\n").getBytes(ISO_8859_1));
    byte[] answer = client.getInputStream().readNBytes(line.length() + 1);
    assertEquals(line + "\n", new String(answer, ISO_8859_1));
  }

  @Test
  void severalServersRunAtOnce() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var servers = new java.util.ArrayList<CopasServerSocket>();
      for (int i = 0; i < 5; i++) {
        String greeting = "server " + i + "\n";
        servers.add(
            fixture.serve(socket -> {
              socket.send(greeting);
              echo(socket);
            }));
      }
      for (int i = 0; i < 5; i++) {
        Socket client = fixture.client(servers.get(i));
        assertEquals(
            "server " + i + "\n", new String(client.getInputStream().readNBytes(9), ISO_8859_1));
        checkEcho(client, "hello");
      }
    }
  }

  @Test
  void aConnectionIsClosedWhenItsHandlerEnds() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var sockets = new LinkedBlockingQueue<CopasSocket>();
      var server =
          fixture.serve(socket -> {
            sockets.add(socket);
            socket.send("bye");
          });
      Socket client = fixture.client(server);
      assertEquals("bye", new String(client.getInputStream().readAllBytes(), ISO_8859_1));
      assertTrue(sockets.take().isClosed());
    }
  }

  @Test
  void withoutAutoCloseAConnectionOutlivesItsHandler() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var sockets = new LinkedBlockingQueue<CopasSocket>();
      var server = fixture.serve(ServerOptions.defaults().autoClose(false), sockets::add);
      Socket client = fixture.client(server);
      CopasSocket kept = sockets.take();
      fixture.runInTask(Copas::pause); // The handler has ended.
      fixture.runInTask(() -> {
        assertFalse(kept.isClosed());
        kept.send("later");
        kept.close();
      });
      assertEquals("later", new String(client.getInputStream().readAllBytes(), ISO_8859_1));
    }
  }

  private record Reported(Throwable error, Task task, @Nullable CopasSocket socket, boolean open) {}

  @Test
  void aHandlerThatThrowsHurtsNobodyAndIsReportedWithItsSocket() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var reports = new LinkedBlockingQueue<Reported>();
      fixture.copas.setErrorHandler((error, task, socket) -> {
        reports.add(new Reported(error, task, socket, socket != null && !socket.isClosed()));
        try {
          assertNotNull(socket).send("sorry");
        } catch (IOException e) {
          throw new AssertionError(e);
        }
      });
      var failures =
          List.of(
              new IllegalStateException("runtime"),
              new IOException("checked"),
              new AssertionError("error"),
              new StackOverflowError("deep"));
      var next = new LinkedBlockingQueue<Throwable>(failures);
      Handler handler =
          socket -> {
            switch (next.take()) {
              case Exception e -> throw e;
              case Error e -> throw e;
              case Throwable e -> throw new AssertionError(e);
            }
          };
      var failing = fixture.serve(ServerOptions.defaults().name("failing"), handler);
      var good = fixture.serve(SocketsServerTest::echo);
      Socket witness = fixture.client(good);
      for (int i = 0; i < failures.size(); i++) {
        checkEcho(witness, "before");
        Socket client = fixture.client(failing);
        assertEquals("sorry", new String(client.getInputStream().readAllBytes(), ISO_8859_1));
        checkEcho(witness, "after");
        Reported report = reports.take();
        assertSame(failures.get(i), report.error());
        assertEquals("failing:handler_" + (i + 1), report.task().name());
        assertTrue(report.open());
        CopasSocket socket = assertNotNull(report.socket());
        assertEquals(client.getLocalPort(), socket.getPort());
        fixture.await(socket::isClosed);
      }
      assertTrue(reports.isEmpty(), reports.toString());
    }
  }

  private static <T> T assertNotNull(@Nullable T value) {
    if (value == null) {
      throw new AssertionError("null");
    }
    return value;
  }

  @Test
  void anErrorHandlerThatThrowsHurtsNobody() throws Exception {
    try (var fixture = SocketFixture.started()) {
      fixture.copas.setErrorHandler((error, task, socket) -> {
        throw new IllegalStateException("the error handler of this test fails on purpose");
      });
      var server =
          fixture.serve(socket -> {
            throw new IOException("and so does the handler");
          });
      for (int i = 0; i < 3; i++) {
        assertEquals(-1, fixture.client(server).getInputStream().read());
      }
    }
  }

  @Test
  void aSecondServerOnOneSocketIsRefusedAndTheFirstGoesOn() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var server = fixture.serve(SocketsServerTest::echo);
      var error =
          assertThrows(
              IllegalStateException.class,
              () -> fixture.copas.addServer(server, socket -> socket.send("other")));
      SocketFixture.assertSays(server.toString(), error);
      checkEcho(fixture.client(server), "still the first");
    }
  }

  @Tag("native")
  @Test
  void serverSocketsOfOthersAndClosedOnesAreRefused() throws Exception {
    try (var fixture = SocketFixture.started();
        var other = SocketFixture.stepped();
        ServerSocket plain = fixture.plainListener();
        var ofAnother = other.copas.bind(SocketFixture.LOCAL, 0)) {
      for (ServerSocket socket : List.of(plain, ofAnother)) {
        var error =
            assertThrows(
                IllegalArgumentException.class,
                () -> fixture.copas.addServer(socket, SocketsServerTest::echo));
        SocketFixture.assertSays("bind(host, port)", error);
        assertThrows(IllegalArgumentException.class, () -> fixture.copas.removeServer(socket));
      }
      CopasServerSocket closed = fixture.copas.bind(SocketFixture.LOCAL, 0);
      closed.close();
      var error =
          assertThrows(
              IllegalArgumentException.class,
              () -> fixture.copas.addServer(closed, SocketsServerTest::echo));
      SocketFixture.assertSays("closed", error);
      assertThrows(
          NullPointerException.class,
          () ->
              fixture.copas.addServer(
                  SocketsSendTest.<ServerSocket>none(), SocketsServerTest::echo));
      assertThrows(
          NullPointerException.class,
          () -> fixture.copas.addServer(ofAnother, SocketsSendTest.<Handler>none()));
    }
  }

  @Test
  void removeServerFreesThePortAndLeavesConnectionsAlive() throws Exception {
    try (var fixture = SocketFixture.started()) {
      for (boolean inTask : new boolean[] {true, false}) {
        var server = fixture.serve(SocketsServerTest::echo);
        Socket client = fixture.client(server);
        checkEcho(client, "before");
        boolean removed =
            inTask
                ? fixture.inTask(() -> fixture.copas.removeServer(server))
                : fixture.copas.removeServer(server);
        assertTrue(removed);
        fixture.runInTask(Copas::pause);
        checkEcho(client, "after");
        assertTrue(server.isClosed());
        assertThrows(ConnectException.class, () -> fixture.client(server));
        fixture.copas.bind(SocketFixture.LOCAL, server.getLocalPort()).close();
        assertFalse(fixture.copas.removeServer(server));
      }
      assertTrue(fixture.errors.isEmpty(), fixture.errors.toString());
    }
  }

  @Test
  void closingTheServerSocketEndsTheServer() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var server = fixture.serve(SocketsServerTest::echo);
      checkEcho(fixture.client(server), "before");
      server.close();
      fixture.await(() -> !fixture.copas.removeServer(server));
      assertTrue(fixture.errors.isEmpty(), fixture.errors.toString());
    }
  }

  @Test
  void aServerSocketHasToBeBoundBeforeItIsServed() throws Exception {
    try (var fixture = SocketFixture.started();
        var server = fixture.copas.serverSocket()) {
      var error =
          assertThrows(
              IllegalStateException.class,
              () -> fixture.copas.addServer(server, SocketsServerTest::echo));
      SocketFixture.assertSays("bind() it first", error);
      assertThrows(SocketException.class, () -> fixture.runInTask(server::accept));
      try (var unused = fixture.copas.serverSocket()) {
        assertFalse(unused.isBound());
      }
      server.bind(new InetSocketAddress(InetAddress.ofLiteral(SocketFixture.LOCAL), 0));
      fixture.copas.addServer(server, SocketsServerTest::echo);
      checkEcho(fixture.client(server), "hello");
    }
  }

  @Test
  void aServerSocketThatCouldNotBeBoundCanBeBoundElsewhere() throws Exception {
    try (var fixture = SocketFixture.started();
        var taken = fixture.plainListener();
        var server = fixture.copas.serverSocket()) {
      assertThrows(BindException.class, () -> server.bind(taken.getLocalSocketAddress()));
      server.bind(null);
      fixture.copas.addServer(server, SocketsServerTest::echo);
      checkEcho(fixture.client(server), "hello");
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void serverSocketsThatAreToldToBeforeTheyAreBoundShareAPort() throws Exception {
    try (var fixture = SocketFixture.started();
        var first = sharing(fixture, 0);
        var second = sharing(fixture, first.getLocalPort())) {
      fixture.copas.addServer(first, socket -> socket.send("1"));
      fixture.copas.addServer(second, socket -> socket.send("2"));
      var answers = new HashSet<Integer>();
      for (int i = 0; i < 64; i++) {
        answers.add(fixture.client(first).getInputStream().read());
      }
      assertEquals(Set.of((int) '1', (int) '2'), answers);
      assertThrows(
          BindException.class, () -> fixture.copas.bind(SocketFixture.LOCAL, first.getLocalPort()));
    }
  }

  private static CopasServerSocket sharing(SocketFixture fixture, int port) throws IOException {
    CopasServerSocket socket = fixture.copas.serverSocket();
    socket.setOption(StandardSocketOptions.SO_REUSEPORT, true);
    socket.bind(new InetSocketAddress(InetAddress.ofLiteral(SocketFixture.LOCAL), port));
    return socket;
  }

  @Test
  void timeoutsOfTheServerAreThoseOfItsConnections() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var outcomes = new LinkedBlockingQueue<Object>();
      var options = ServerOptions.defaults().timeouts(null, Duration.ofMillis(20));
      var server =
          fixture.serve(
              options,
              socket -> {
                outcomes.add(socket.getSoTimeout());
                socket.receive();
              });
      Socket client = fixture.client(server);
      assertEquals(20, outcomes.take());
      assertEquals(-1, client.getInputStream().read());
      fixture.await(() -> !fixture.errors.isEmpty());
      assertTrue(
          fixture.errors.peek() instanceof SocketTimeoutException, fixture.errors.toString());
    }
  }

  @Test
  void optionsAreThoseOfAPlainSocket() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var pair = fixture.pair();
      try (var plain = fixture.client(fixture.serve(s -> {}))) {
        for (Socket socket : List.of(pair.ours(), plain)) {
          String which = socket.toString();
          socket.setTcpNoDelay(false);
          assertFalse(socket.getTcpNoDelay(), which);
          socket.setTcpNoDelay(true);
          assertTrue(socket.getTcpNoDelay(), which);
          assertFalse(socket.getKeepAlive(), which);
          socket.setKeepAlive(true);
          assertTrue(socket.getKeepAlive(), which);
          assertEquals(-1, socket.getSoLinger(), which);
          socket.setSoLinger(true, 7);
          assertEquals(7, socket.getSoLinger(), which);
          socket.setSoLinger(false, 0);
          assertEquals(-1, socket.getSoLinger(), which);
          socket.setSendBufferSize(20_000);
          assertTrue(socket.getSendBufferSize() >= 20_000, which);
          socket.setReceiveBufferSize(20_000);
          assertTrue(socket.getReceiveBufferSize() >= 20_000, which);
          socket.setReuseAddress(true);
          assertTrue(socket.getReuseAddress(), which);
          socket.setOption(StandardSocketOptions.TCP_NODELAY, false);
          assertFalse(socket.getOption(StandardSocketOptions.TCP_NODELAY), which);
          assertTrue(socket.supportedOptions().contains(StandardSocketOptions.SO_LINGER), which);
          assertThrows(IllegalArgumentException.class, () -> socket.setSoLinger(true, -1), which);
          assertThrows(IllegalArgumentException.class, () -> socket.setSendBufferSize(0), which);
        }
      }
    }
  }

  @Test
  @DisabledIf("dev.copas.Modes#onEpoll")
  void withoutEpollThereAreNoOptionsThatJavaNetLacks() throws Exception {
    try (var fixture = SocketFixture.started();
        var server = fixture.copas.bind(SocketFixture.LOCAL, 0);
        var socket = new CopasSocket(fixture.copas)) {
      for (var option :
          List.of(CopasSocketOptions.TCP_USER_TIMEOUT, CopasSocketOptions.TCP_DEFER_ACCEPT)) {
        assertFalse(server.supportedOptions().contains(option));
        assertFalse(socket.supportedOptions().contains(option));
        assertUnsupported(option, () -> server.setOption(option, Duration.ofSeconds(1)));
        assertUnsupported(option, () -> server.getOption(option));
        assertUnsupported(option, () -> socket.setOption(option, Duration.ofSeconds(1)));
        assertUnsupported(option, () -> socket.getOption(option));
      }
    }
  }

  private static void assertUnsupported(SocketOption<?> option, Executable call) {
    var error = assertThrows(UnsupportedOperationException.class, call);
    assertEquals("'" + option.name() + "' not supported", error.getMessage());
  }
}
