package dev.copas;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.SocketFixture.Job;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Scanner;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeoutException;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Connections of Unix sockets: they are CopasSockets as those of TCP. */
@EnabledOnOs({OS.LINUX, OS.MAC})
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class UnixSocketsTest {

  private static final Duration SHORT = Duration.ofMillis(30);

  @TempDir Path folder;

  private Path path() {
    return folder.resolve("s");
  }

  private UnixDomainSocketAddress address() {
    return UnixDomainSocketAddress.of(path());
  }

  /** A plain client of java.nio. */
  private SocketChannel plainClient(SocketFixture fixture) throws IOException {
    return fixture.opened(SocketChannel.open(address()));
  }

  /** A plain server of java.nio. */
  private ServerSocketChannel plainServer(SocketFixture fixture, int backlog) throws IOException {
    var server = fixture.opened(ServerSocketChannel.open(StandardProtocolFamily.UNIX));
    return server.bind(address(), backlog);
  }

  private CopasServerSocket serve(SocketFixture fixture, Handler handler) throws IOException {
    var server = fixture.copas.bindUnix(path());
    fixture.copas.addServer(server, handler);
    return server;
  }

  // ---- Bytes

  @Test
  void aServerAndAClientOfOneLoopTalk() {
    LoopFixture.run(() -> {
      var copas = Copas.current().copas();
      var server = copas.bindUnix(path());
      copas.addServer(server, LoopFixture::echo);
      try (var socket = copas.connectUnix(path())) {
        for (int i = 0; i < 100; i++) {
          socket.send("line " + i + "\n");
          assertEquals("line " + i, socket.receive());
        }
      }
      copas.removeServer(server);
    });
  }

  @Test
  void aHandlerOfPlainSocketsServesAPlainClient() throws Exception {
    try (var fixture = SocketFixture.started()) {
      serve(fixture, UnixSocketsTest::oldHandler);
      var client = plainClient(fixture);
      client.write(ByteBuffer.wrap("once\ntwice\n".getBytes(ISO_8859_1)));
      var in = new BufferedReader(Channels.newReader(client, ISO_8859_1));
      assertEquals("ONCE", in.readLine());
      assertEquals("TWICE", in.readLine());
      client.shutdownOutput();
      assertNull(in.readLine());
    }
  }

  /** Sets what such handlers set, and knows nothing of Copas nor of Unix sockets. */
  private static void oldHandler(Socket socket) throws IOException {
    socket.setTcpNoDelay(true);
    socket.setKeepAlive(true);
    var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), ISO_8859_1));
    for (String line; (line = in.readLine()) != null; ) {
      socket.getOutputStream().write((line.toUpperCase(Locale.ROOT) + "\n").getBytes(ISO_8859_1));
    }
  }

  @Test
  void aClientTalksToAPlainServer() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var server = plainServer(fixture, 10);
      var job =
          fixture.start(() -> {
            try (var socket = fixture.copas.connectUnix(path())) {
              socket.send("who is there?\n");
              return socket.receive();
            }
          });
      try (var accepted = server.accept()) {
        var in = new BufferedReader(Channels.newReader(accepted, ISO_8859_1));
        assertEquals("who is there?", in.readLine());
        accepted.write(ByteBuffer.wrap("java.nio\n".getBytes(ISO_8859_1)));
        assertEquals("java.nio", fixture.result(job));
        assertNull(in.readLine());
      }
    }
  }

  @Test
  void muchPassesBothWaysAtOnceThroughSmallBuffers() throws Exception {
    byte[] there = SocketFixture.pattern(4_000_000, 1);
    byte[] back = SocketFixture.pattern(3_000_000, 2);
    try (var fixture = SocketFixture.started()) {
      var server =
          serve(
              fixture,
              socket -> {
                var job = fixture.startRun(() -> sendAll(socket, back));
                assertArrayEquals(there, socket.receiveAll());
                job.task.join();
              });
      server.setReceiveBufferSize(4096);
      byte[] got =
          fixture.inTask(() -> {
            try (var socket = fixture.copas.connectUnix(path())) {
              socket.setSendBufferSize(4096);
              var job = fixture.startRun(() -> sendAll(socket, there));
              byte[] all = socket.receiveAll();
              job.task.join();
              return all;
            }
          });
      assertArrayEquals(back, got);
      assertNull(fixture.errors.poll());
    }
  }

  private static void sendAll(CopasSocket socket, byte[] bytes) throws IOException {
    socket.send(bytes);
    socket.shutdownOutput();
  }

  /** A wake-up that is lost when the last bytes and the end come together would show here. */
  @Test
  void theEndThatComesWithTheLastBytesIsSeen() throws Exception {
    var lines = new LinkedBlockingQueue<String>();
    try (var fixture = SocketFixture.started()) {
      serve(
          fixture,
          socket -> {
            lines.add(String.valueOf(socket.receive()));
            lines.add(String.valueOf(socket.receive()));
          });
      for (int i = 0; i < 2000; i++) {
        try (var client = SocketChannel.open(address())) {
          client.write(ByteBuffer.wrap(("last " + i + "\n").getBytes(ISO_8859_1)));
        }
        assertEquals("last " + i, lines.take());
        assertEquals("null", lines.take());
      }
    }
  }

  @Test
  void halfACloseLeavesTheOtherHalf() throws Exception {
    try (var fixture = SocketFixture.started()) {
      serve(
          fixture,
          socket -> {
            byte[] all = socket.receiveAll();
            assertNull(socket.receive());
            socket.send(all);
            socket.send(" and goodbye");
          });
      byte[] answer =
          fixture.inTask(() -> {
            try (var socket = fixture.copas.connectUnix(path())) {
              socket.send("hello");
              socket.shutdownOutput();
              assertThrows(SocketException.class, () -> socket.send("x"));
              return socket.receiveAll();
            }
          });
      assertEquals("hello and goodbye", new String(answer, ISO_8859_1));
    }
  }

  @Test
  void aPeerThatIsGoneIsToldAtOnce() throws Exception {
    try (var fixture = SocketFixture.started();
        var server = fixture.copas.bindUnix(path())) {
      var gone = plainClient(fixture);
      var left = fixture.opened(server.accept());
      gone.close();
      assertNull(left.receive());
      left.send("x");
      SocketFixture.assertSays("Broken pipe", assertThrows(SocketException.class, left::flush));
      var deaf = plainClient(fixture);
      var unheard = fixture.opened(server.accept());
      unheard.send("not read");
      unheard.flush();
      deaf.close();
      SocketFixture.assertSays(
          "Connection reset", assertThrows(SocketException.class, unheard::receive));
      try (var client = plainClient(fixture)) {
        var ours = server.accept();
        ours.send("read");
        ours.flush();
        ours.setSoLinger(true, 0);
        ours.close();
        assertEquals("read", new Scanner(client, ISO_8859_1).nextLine());
      }
    }
  }

  @Test
  void aPeerThatDoesNotReadMakesTheSenderWait() throws Exception {
    byte[] message = SocketFixture.pattern(8_000_000, 3);
    try (var fixture = SocketFixture.started()) {
      serve(fixture, socket -> socket.send(message));
      var client = plainClient(fixture);
      var filled = new LinkedBlockingQueue<Integer>();
      serveAnother(fixture, filled, message);
      int sent = filled.take();
      assertTrue(sent < message.length, () -> "sent: " + sent);
      var in = Channels.newInputStream(client);
      assertEquals(message.length, SocketFixture.readExpected(in, message, message.length));
      assertEquals(-1, in.read());
    }
  }

  private void serveAnother(
      SocketFixture fixture, LinkedBlockingQueue<Integer> filled, byte[] message)
      throws IOException {
    var server = fixture.copas.bindUnix(folder.resolve("t"));
    fixture.copas.addServer(server, socket -> filled.add(SocketFixture.fill(socket, message)));
    fixture.opened(SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("t"))));
  }

  @Test
  void anyThreadMayUseIt() throws Exception {
    try (var fixture = SocketFixture.started()) {
      serve(fixture, LoopFixture::echo);
      try (var socket = fixture.copas.connectUnix(path())) {
        socket.send("from outside\n");
        assertEquals("from outside", socket.receive());
      }
    }
  }

  // ---- Waits that end early

  @Test
  void aReceiveTimesOutIsCancelledOrClosed() throws Exception {
    try (var fixture = SocketFixture.started()) {
      plainServer(fixture, 10);
      var socket = fixture.copas.connectUnix(path());
      socket.setTimeouts(null, null, SHORT);
      assertThrows(SocketTimeoutException.class, socket::receive);
      socket.setTimeouts(null, null, null);
      Job<@Nullable String> cancelled = fixture.start(socket::receive);
      fixture.awaitWaiting(cancelled);
      cancelled.task.cancel();
      assertThrows(InterruptedIOException.class, () -> fixture.finish(cancelled));
      assertFalse(socket.isClosed());
      Job<@Nullable String> closed = fixture.start(socket::receive);
      fixture.awaitWaiting(closed);
      socket.close();
      assertThrows(SocketException.class, () -> fixture.finish(closed));
    }
  }

  @Test
  void acceptTimesOutIsCancelledOrClosed() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var server = fixture.copas.bindUnix(path());
      server.setSoTimeout(20);
      assertThrows(SocketTimeoutException.class, server::accept);
      server.setSoTimeout(0);
      Job<CopasSocket> cancelled = fixture.start(server::accept);
      fixture.awaitWaiting(cancelled);
      cancelled.task.cancel();
      assertThrows(InterruptedIOException.class, () -> fixture.finish(cancelled));
      Job<CopasSocket> closed = fixture.start(server::accept);
      fixture.awaitWaiting(closed);
      server.close();
      assertThrows(SocketException.class, () -> fixture.finish(closed));
    }
  }

  // ---- Connecting

  @Test
  void whereNobodyListensNobodyConnects() throws Exception {
    try (var fixture = SocketFixture.started()) {
      SocketFixture.assertSays(
          path().toString(),
          assertThrows(SocketException.class, () -> fixture.copas.connectUnix(path())));
      plainServer(fixture, 10).close();
      SocketFixture.assertSays(
          path().toString(),
          assertThrows(ConnectException.class, () -> fixture.copas.connectUnix(path())));
    }
  }

  @Test
  void aPathThatIsTooLongIsRefusedClearly() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Path path = folder.resolve("x".repeat(120));
      for (var call :
          Set.<Executable>of(
              () -> fixture.copas.connectUnix(path), () -> fixture.copas.bindUnix(path))) {
        var error = assertThrows(SocketException.class, call);
        SocketFixture.assertSays("too long", error);
        SocketFixture.assertSays(path.toString(), error);
      }
      assertFalse(Files.exists(path));
    }
  }

  @Test
  void theLongestPathThatJavaTakesCanBeBound() throws Exception {
    int most = OS.MAC.isCurrentOs() ? 102 : 106;
    Path path = folder.resolve("x".repeat(most - folder.toString().length() - 1));
    try (var fixture = SocketFixture.started()) {
      fixture.copas.addServer(fixture.copas.bindUnix(path), LoopFixture::echo);
      try (var socket = fixture.copas.connectUnix(path)) {
        socket.send("far away\n");
        assertEquals("far away", socket.receive());
      }
    }
  }

  /** On Linux; elsewhere the system refuses such a connection. */
  @EnabledOnOs(OS.LINUX)
  @Test
  void whoFindsTheBacklogFullConnectsWhenThereIsRoom() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var server = plainServer(fixture, 1);
      int waiting = fill(fixture);
      var job = fixture.start(() -> fixture.copas.connectUnix(path()));
      fixture.awaitWaiting(job);
      assertFalse(job.isDone());
      for (int i = 0; i < waiting; i++) {
        server.accept().close();
      }
      try (CopasSocket ours = fixture.result(job);
          var accepted = server.accept()) {
        ours.send("at last");
        ours.flush();
        var bytes = ByteBuffer.allocate(7);
        accepted.read(bytes);
        assertEquals("at last", new String(bytes.array(), ISO_8859_1));
      }
    }
  }

  /** Connects until the system says no. */
  private int fill(SocketFixture fixture) throws IOException {
    for (int count = 0; ; count++) {
      var client = fixture.opened(SocketChannel.open(StandardProtocolFamily.UNIX));
      client.configureBlocking(false);
      try {
        client.connect(address());
      } catch (SocketException e) {
        return count;
      }
    }
  }

  @EnabledOnOs(OS.LINUX)
  @Test
  void theWaitForRoomInTheBacklogEndsEarlyAsEveryOther() throws Exception {
    try (var fixture = SocketFixture.started()) {
      plainServer(fixture, 1);
      fill(fixture);
      var copas = fixture.copas;
      for (Duration timeout : new Duration[] {Duration.ZERO, SHORT}) {
        var late =
            assertThrows(SocketTimeoutException.class, () -> copas.connectUnix(path(), timeout));
        SocketFixture.assertSays("Connect to " + path() + " timed out", late);
      }
      var cancelled = fixture.start(() -> copas.connectUnix(path()));
      fixture.awaitWaiting(cancelled);
      cancelled.task.cancel();
      assertThrows(InterruptedIOException.class, () -> fixture.finish(cancelled));
      fixture.runInTask(() ->
          assertThrows(
              TimeoutException.class, () -> Copas.within(SHORT, () -> copas.connectUnix(path()))));
    }
  }

  @EnabledOnOs(OS.LINUX)
  @Test
  void theWaitForRoomInTheBacklogEndsWithTheLoop() throws Exception {
    try (var fixture = SocketFixture.started()) {
      plainServer(fixture, 1);
      fill(fixture);
      var job = fixture.start(() -> fixture.copas.connectUnix(path()));
      fixture.awaitWaiting(job);
      fixture.copas.close();
      assertThrows(IOException.class, () -> fixture.finish(job));
    }
  }

  // ---- What java.net asks of a socket

  @Test
  void addressesAreThoseOfTheUnixSocket() throws Exception {
    try (var fixture = SocketFixture.started();
        var server = fixture.copas.bindUnix(path())) {
      assertEquals(address(), server.getLocalSocketAddress());
      assertEquals(InetAddress.getLoopbackAddress(), server.getInetAddress());
      assertEquals(0, server.getLocalPort());
      assertTrue(server.isBound());
      assertEquals(path().toString(), server.toString());
      try (var client = fixture.copas.connectUnix(path());
          var accepted = server.accept()) {
        var unnamed = UnixDomainSocketAddress.of("");
        assertEquals(address(), client.getRemoteSocketAddress());
        assertEquals(unnamed, client.getLocalSocketAddress());
        assertEquals(address(), accepted.getLocalSocketAddress());
        assertEquals(unnamed, accepted.getRemoteSocketAddress());
        assertEquals("CopasSocket[" + path() + "]", client.toString());
        assertEquals("CopasSocket[a client of " + path() + "]", accepted.toString());
        for (var socket : new CopasSocket[] {client, accepted}) {
          assertTrue(socket.isConnected());
          assertTrue(socket.isBound());
          assertEquals(InetAddress.getLoopbackAddress(), socket.getInetAddress());
          assertEquals(InetAddress.getLoopbackAddress(), socket.getLocalAddress());
          assertEquals(0, socket.getPort());
          assertEquals(0, socket.getLocalPort());
        }
        assertSame(client, Copas.wrap(client));
      }
    }
  }

  @Test
  void theAddressesOfAClosedSocketAreKnown() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var server = fixture.copas.bindUnix(path());
      var client = fixture.copas.connectUnix(path());
      client.close();
      server.close();
      assertEquals(address(), client.getRemoteSocketAddress());
      assertEquals(address(), server.getLocalSocketAddress());
    }
  }

  @Test
  void optionsOfTcpAreAcceptedAndIgnored() throws Exception {
    try (var fixture = SocketFixture.started();
        var server = fixture.copas.bindUnix(path());
        var socket = fixture.copas.connectUnix(path())) {
      socket.setTcpNoDelay(false);
      assertTrue(socket.getTcpNoDelay());
      socket.setKeepAlive(true);
      assertFalse(socket.getKeepAlive());
      socket.setOOBInline(true);
      assertFalse(socket.getOOBInline());
      socket.setReuseAddress(true);
      assertFalse(socket.getReuseAddress());
      socket.setTrafficClass(8);
      assertEquals(0, socket.getTrafficClass());
      server.setReuseAddress(true);
      assertFalse(server.getReuseAddress());
      assertFalse(socket.supportedOptions().contains(StandardSocketOptions.TCP_NODELAY));
      assertThrows(
          UnsupportedOperationException.class,
          () -> socket.setOption(StandardSocketOptions.TCP_NODELAY, true));
    }
  }

  @Test
  void optionsOfAllSocketsAreSet() throws Exception {
    try (var fixture = SocketFixture.started();
        var server = fixture.copas.bindUnix(path());
        var socket = fixture.copas.connectUnix(path())) {
      assertEquals(
          Set.of(
              StandardSocketOptions.SO_SNDBUF,
              StandardSocketOptions.SO_RCVBUF,
              StandardSocketOptions.SO_LINGER,
              ExtendedSocketOptions.SO_PEERCRED),
          socket.supportedOptions());
      assertEquals(Set.of(StandardSocketOptions.SO_RCVBUF), server.supportedOptions());
      socket.setSendBufferSize(20_000);
      assertEquals(20_000, socket.getSendBufferSize());
      server.setReceiveBufferSize(30_000);
      assertEquals(30_000, server.getReceiveBufferSize());
      socket.setSoLinger(true, 3);
      assertEquals(3, socket.getSoLinger());
      socket.setSoTimeout(4);
      assertEquals(4, socket.getSoTimeout());
    }
  }

  @Test
  void thePeerHasAUserAndAGroup() throws Exception {
    try (var fixture = SocketFixture.started();
        var server = fixture.copas.bindUnix(path());
        var client = fixture.copas.connectUnix(path());
        var accepted = server.accept()) {
      var owner = Files.getOwner(path());
      for (var socket : new CopasSocket[] {client, accepted}) {
        var peer = socket.getOption(ExtendedSocketOptions.SO_PEERCRED);
        assertEquals(owner, peer.user());
        assertEquals(owner.getName(), peer.user().getName());
        assertEquals(Files.getAttribute(path(), "posix:group"), peer.group());
        assertThrows(
            SocketException.class, () -> socket.setOption(ExtendedSocketOptions.SO_PEERCRED, peer));
      }
      assertInstanceOf(UnixDomainSocketAddress.class, server.getLocalSocketAddress());
    }
  }

  @Test
  void anInternetAddressCannotBeBound() throws Exception {
    try (var fixture = SocketFixture.started();
        var server = fixture.copas.bindUnix(path());
        var socket = fixture.copas.connectUnix(path())) {
      assertThrows(SocketException.class, () -> socket.bind(null));
      assertThrows(SocketException.class, () -> server.bind(null));
      assertThrows(SocketException.class, () -> socket.connect(server.getLocalSocketAddress()));
    }
  }
}
