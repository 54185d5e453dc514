package dev.copas;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.SocketFixture.Job;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How connections and listening sockets come about, or do not. */
@Timeout(60)
class SocketsConnectTest {

  private static final String NOWHERE = "no-such-host.invalid";
  private static final Options ONE_OFFLOAD_THREAD = Options.defaults().offloadThreads(1);

  // ---- Connect

  @Test
  void aConnectionKnowsItsAddresses() throws Exception {
    try (var fixture = SocketFixture.started();
        ServerSocket listener = fixture.plainListener()) {
      int port = listener.getLocalPort();
      try (CopasSocket ours =
              fixture.inTask(() -> fixture.copas.connect(SocketFixture.LOCAL, port));
          Socket peer = listener.accept()) {
        assertTrue(ours.isConnected());
        assertTrue(ours.isBound());
        assertFalse(ours.isClosed());
        assertEquals(port, ours.getPort());
        assertEquals(peer.getPort(), ours.getLocalPort());
        assertEquals(listener.getInetAddress(), ours.getInetAddress());
        assertEquals(listener.getInetAddress(), ours.getLocalAddress());
        assertEquals("CopasSocket[127.0.0.1:" + port + "]", ours.toString());
        assertNull(ours.getChannel());
        fixture.runInTask(() -> ours.send("hello\n"));
        assertEquals("hello", new String(peer.getInputStream().readNBytes(5), UTF_8));
      }
    }
  }

  @Test
  void aNameIsLookedUp() throws Exception {
    try (var fixture = SocketFixture.started();
        var listener = new ServerSocket(0, 1, InetAddress.getAllByName("localhost")[0])) {
      // Some of its addresses may refuse: the one that listens is found.
      try (CopasSocket ours =
          fixture.inTask(() -> fixture.copas.connect("localhost", listener.getLocalPort()))) {
        assertEquals(listener.getInetAddress(), ours.getInetAddress());
      }
    }
  }

  @Test
  void aClosedPortIsAnErrorThatNamesIt() throws Exception {
    try (var fixture = SocketFixture.started()) {
      int port = SocketFixture.closedPort();
      for (String host : List.of("127.0.0.1", "localhost")) {
        var error =
            assertThrows(
                ConnectException.class,
                () -> fixture.runInTask(() -> fixture.copas.connect(host, port)));
        SocketFixture.assertSays("127.0.0.1:" + port, error);
      }
    }
  }

  @Test
  void anUnknownHostIsAnErrorThatNamesIt() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var error =
          assertThrows(
              UnknownHostException.class,
              () -> fixture.runInTask(() -> fixture.copas.connect(NOWHERE, 80)));
      SocketFixture.assertSays(NOWHERE, error);
    }
  }

  @Test
  void aLookUpDoesNotHoldTheLoop() throws Exception {
    try (var fixture = SocketFixture.started(ONE_OFFLOAD_THREAD)) {
      var release = new CountDownLatch(1);
      holdLookUps(fixture, release);
      Job<CopasSocket> lookUp = fixture.start(() -> fixture.copas.connect(NOWHERE, 80));
      fixture.awaitWaiting(lookUp);
      fixture.runInTask(Copas::pause); // Others run.
      assertFalse(lookUp.isDone());
      release.countDown();
      assertThrows(UnknownHostException.class, () -> fixture.finish(lookUp));
    }
  }

  /** Keeps the only thread for look-ups busy. */
  private static void holdLookUps(SocketFixture fixture, CountDownLatch release) throws Exception {
    Job<@Nullable Void> holding =
        fixture.startRun(() -> fixture.copas.offload(() -> release.await()));
    fixture.awaitWaiting(holding);
  }

  @Test
  void badArgumentsOfConnectAreRefused() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Copas copas = fixture.copas;
      for (int port : new int[] {-1, 65536}) {
        var error =
            assertThrows(
                IllegalArgumentException.class,
                () -> fixture.runInTask(() -> copas.connect("127.0.0.1", port)));
        SocketFixture.assertSays(String.valueOf(port), error);
      }
      assertThrows(
          NullPointerException.class,
          () -> fixture.runInTask(() -> copas.connect(SocketsSendTest.<String>none(), 80)));
      assertThrows(
          IllegalArgumentException.class,
          () -> fixture.runInTask(() -> copas.connect("127.0.0.1", 80, Duration.ofMillis(-1))));
    }
  }

  @Test
  void connectingASecondTimeIsAnErrorAndTheConnectionStays() throws Exception {
    try (var fixture = SocketFixture.started();
        ServerSocket listener = fixture.plainListener()) {
      CopasSocket ours =
          fixture.inTask(() -> fixture.copas.connect(SocketFixture.LOCAL, listener.getLocalPort()));
      var error =
          assertThrows(
              SocketException.class,
              () -> fixture.runInTask(() -> ours.connect(listener.getLocalSocketAddress())));
      SocketFixture.assertSays("lready connected", error);
      fixture.runInTask(() -> ours.send("still there"));
      ours.close();
      try (Socket peer = listener.accept()) {
        assertEquals("still there", new String(peer.getInputStream().readAllBytes(), UTF_8));
      }
    }
  }

  @Test
  void whatWasSetBeforeConnectingHolds() throws Exception {
    try (var fixture = SocketFixture.started();
        ServerSocket listener = fixture.plainListener();
        var ours = new CopasSocket(fixture.copas)) {
      ours.setKeepAlive(true);
      ours.setTcpNoDelay(true);
      ours.bind(new InetSocketAddress(InetAddress.ofLiteral(SocketFixture.LOCAL), 0));
      int port = ours.getLocalPort();
      assertTrue(port > 0);
      fixture.runInTask(() -> ours.connect(listener.getLocalSocketAddress(), 5000));
      assertTrue(ours.getKeepAlive());
      assertTrue(ours.getTcpNoDelay());
      assertEquals(port, ours.getLocalPort());
      try (Socket peer = listener.accept()) {
        assertEquals(port, peer.getPort());
      }
    }
  }

  // ---- Connect, to a server that does not answer

  /** A listening socket whose queue is full: more connection attempts hang. */
  private static final class Silent implements AutoCloseable {

    final ServerSocket listener = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"));
    private final List<Socket> filling = new ArrayList<>();

    Silent() throws IOException {
      try {
        while (filling.size() < 500) {
          var socket = new Socket();
          filling.add(socket);
          socket.connect(listener.getLocalSocketAddress(), 200);
        }
      } catch (SocketTimeoutException e) {
        return; // Full.
      }
      org.junit.jupiter.api.Assumptions.abort("this system never lets a connection wait");
    }

    int port() {
      return listener.getLocalPort();
    }

    @Override
    public void close() throws IOException {
      for (Socket socket : filling) {
        socket.close();
      }
      listener.close();
    }
  }

  @Test
  void connectingTimesOut() throws Exception {
    try (var fixture = SocketFixture.started();
        var silent = new Silent()) {
      for (Duration timeout : List.of(Duration.ZERO, Duration.ofMillis(50))) {
        long begin = System.nanoTime();
        assertThrows(
            SocketTimeoutException.class,
            () ->
                fixture.runInTask(
                    () -> fixture.copas.connect(SocketFixture.LOCAL, silent.port(), timeout)));
        assertTrue(System.nanoTime() - begin >= timeout.toNanos(), "too early");
      }
    }
  }

  @Test
  void closingASocketThatConnectsWakesItsTask() throws Exception {
    try (var fixture = SocketFixture.started();
        var silent = new Silent()) {
      for (String host : List.of("127.0.0.1", "localhost")) {
        for (boolean inTask : new boolean[] {true, false}) {
          var ours = new CopasSocket(fixture.copas);
          Job<@Nullable Void> job =
              fixture.startRun(
                  () -> ours.connect(InetSocketAddress.createUnresolved(host, silent.port())));
          fixture.awaitWaiting(job);
          if (inTask) {
            fixture.runInTask(ours::close);
          } else {
            ours.close();
          }
          assertThrows(SocketException.class, () -> fixture.finish(job));
          assertFalse(ours.isConnected());
        }
      }
    }
  }

  @Test
  void closingASocketDuringItsLookUpConnectsNothing() throws Exception {
    try (var fixture = SocketFixture.started(ONE_OFFLOAD_THREAD);
        ServerSocket listener = fixture.plainListener()) {
      var release = new CountDownLatch(1);
      holdLookUps(fixture, release);
      listener.setSoTimeout(200);
      var ours = new CopasSocket(fixture.copas);
      var target = InetSocketAddress.createUnresolved("localhost", listener.getLocalPort());
      Job<@Nullable Void> job = fixture.startRun(() -> ours.connect(target));
      fixture.awaitWaiting(job);
      ours.close();
      release.countDown();
      var error = assertThrows(SocketException.class, () -> fixture.finish(job));
      SocketFixture.assertSays("closed", error);
      assertThrows(SocketTimeoutException.class, listener::accept);
    }
  }

  @Test
  void cancellingATaskThatConnectsEndsItsAttempt() throws Exception {
    try (var fixture = SocketFixture.started();
        var silent = new Silent()) {
      Job<CopasSocket> job =
          fixture.start(() -> fixture.copas.connect(SocketFixture.LOCAL, silent.port()));
      fixture.awaitWaiting(job);
      job.task.cancel();
      assertThrows(InterruptedIOException.class, () -> fixture.finish(job));
    }
  }

  @Test
  void aSocketThatFailedToConnectIsClosed() throws Exception {
    try (var fixture = SocketFixture.started();
        var silent = new Silent()) {
      var refused = new CopasSocket(fixture.copas);
      var closedPort =
          new InetSocketAddress(
              InetAddress.ofLiteral(SocketFixture.LOCAL), SocketFixture.closedPort());
      assertThrows(
          ConnectException.class, () -> fixture.runInTask(() -> refused.connect(closedPort)));
      assertTrue(refused.isClosed());
      var late = new CopasSocket(fixture.copas);
      assertThrows(
          SocketTimeoutException.class,
          () -> fixture.runInTask(() -> late.connect(silent.listener.getLocalSocketAddress(), 50)));
      assertTrue(late.isClosed());
      var error =
          assertThrows(
              SocketException.class, () -> fixture.runInTask(() -> late.connect(closedPort)));
      SocketFixture.assertSays("closed", error);
    }
  }

  // ---- Bind

  @SuppressWarnings("try") // It is closed on purpose: its port is asked for afterwards.
  @Test
  void portZeroIsAnyFreeOne() throws Exception {
    try (var fixture = SocketFixture.started();
        var listener = fixture.copas.bind(SocketFixture.LOCAL, 0)) {
      int port = listener.getLocalPort();
      assertTrue(port > 0);
      assertEquals("127.0.0.1:" + port, listener.toString());
      assertEquals(InetAddress.ofLiteral(SocketFixture.LOCAL), listener.getInetAddress());
      assertTrue(listener.isBound());
      listener.close();
      assertEquals(port, listener.getLocalPort());
    }
  }

  @Test
  void aStarIsEveryAddress() throws Exception {
    try (var fixture = SocketFixture.started();
        var listener = fixture.copas.bind("*", 0)) {
      assertTrue(listener.getInetAddress().isAnyLocalAddress());
      fixture.client(listener).close();
    }
  }

  @Test
  void aPortInUseIsAnErrorThatNamesIt() throws Exception {
    try (var fixture = SocketFixture.started();
        ServerSocket other = fixture.plainListener()) {
      int port = other.getLocalPort();
      var error =
          assertThrows(BindException.class, () -> fixture.copas.bind(SocketFixture.LOCAL, port));
      SocketFixture.assertSays("127.0.0.1:" + port, error);
      SocketFixture.assertSays("in use", error);
      assertThrows(
          BindException.class,
          () -> fixture.runInTask(() -> fixture.copas.bind(SocketFixture.LOCAL, port)));
    }
  }

  @Test
  void anAddressOfAnotherMachineCannotBeBound() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var error = assertThrows(BindException.class, () -> fixture.copas.bind("192.0.2.1", 0));
      SocketFixture.assertSays("192.0.2.1:0", error);
    }
  }

  @Test
  void badArgumentsOfBindAreRefused() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Copas copas = fixture.copas;
      for (int port : new int[] {-1, 65536}) {
        var error =
            assertThrows(IllegalArgumentException.class, () -> copas.bind("127.0.0.1", port));
        SocketFixture.assertSays(String.valueOf(port), error);
      }
      assertThrows(NullPointerException.class, () -> copas.bind(SocketsSendTest.<String>none(), 0));
      var error = assertThrows(UnknownHostException.class, () -> copas.bind(NOWHERE, 0));
      SocketFixture.assertSays(NOWHERE, error);
    }
  }

  @Test
  void aPortCanBeBoundAgainRightAfterItsSocketWasClosed() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Copas copas = fixture.copas;
      var server = fixture.serve(socket -> socket.send("hello"));
      int port = server.getLocalPort();
      try (Socket client = fixture.client(server)) { // So that the port is not untouched.
        assertEquals("hello", new String(client.getInputStream().readAllBytes(), UTF_8));
      }
      assertTrue(copas.removeServer(server));
      copas.bind(SocketFixture.LOCAL, port).close(); // From a foreign thread,
      for (int i = 0; i < 20; i++) {
        fixture.runInTask( // in a task, while it was waited on,
            () -> {
              CopasServerSocket listener = copas.bind(SocketFixture.LOCAL, port);
              listener.setSoTimeout(1);
              assertThrows(SocketTimeoutException.class, listener::accept);
              listener.close();
              copas.bind(SocketFixture.LOCAL, port).close();
            });
        CopasServerSocket listener = copas.bind(SocketFixture.LOCAL, port);
        Job<CopasSocket> accepting = fixture.start(listener::accept);
        fixture.awaitWaiting(accepting);
        listener.close(); // and from a foreign thread while it is waited on.
        copas.bind(SocketFixture.LOCAL, port).close();
        assertThrows(SocketException.class, () -> fixture.finish(accepting));
      }
    }
  }

  @Tag("native")
  @Test
  void aPortCanBeBoundAgainWhileNobodyRunsTheLoop() throws Exception {
    try (var fixture = SocketFixture.stepped()) {
      Copas copas = fixture.copas;
      CopasServerSocket listener = copas.bind(SocketFixture.LOCAL, 0);
      int port = listener.getLocalPort();
      Job<CopasSocket> accepting = fixture.start(listener::accept);
      fixture.awaitWaiting(accepting);
      listener.close();
      copas.bind(SocketFixture.LOCAL, port).close();
      assertThrows(SocketException.class, () -> fixture.finish(accepting));
    }
  }
}
