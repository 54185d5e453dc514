package dev.copas;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.example.waits.Program;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.BindException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.PortUnreachableException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Datagram sockets, and plain ones of java.net to talk to. */
@Timeout(60)
class DatagramsTest {

  private static final String LOCAL = "127.0.0.1";
  private static final int MOST_BYTES = 65_507;

  private final SocketFixture fixture = SocketFixture.started();
  private final Copas copas = fixture.copas;

  @AfterEach
  void close() throws IOException {
    fixture.close();
    assertTrue(fixture.errors.isEmpty(), () -> fixture.errors.toString());
  }

  private CopasDatagramSocket bound() throws IOException {
    return fixture.opened(copas.bindDatagram(LOCAL, 0));
  }

  private DatagramSocket plain() throws IOException {
    return plain(LOCAL);
  }

  private DatagramSocket plain(String host) throws IOException {
    var socket = fixture.opened(new DatagramSocket(0, InetAddress.ofLiteral(host)));
    socket.setSoTimeout((int) SocketFixture.SOON.toMillis());
    return socket;
  }

  private static DatagramPacket packet(byte[] bytes, SocketAddress target) {
    return new DatagramPacket(bytes, bytes.length, target);
  }

  private static void send(DatagramSocket from, String text, DatagramSocket to) throws IOException {
    from.send(packet(text.getBytes(UTF_8), to.getLocalSocketAddress()));
  }

  private static String receive(DatagramSocket plain) throws IOException {
    var packet = new DatagramPacket(new byte[100], 100);
    plain.receive(packet);
    return new String(packet.getData(), 0, packet.getLength(), UTF_8);
  }

  private static String text(Datagram datagram) {
    return new String(datagram.bytes(), UTF_8);
  }

  private static SocketAddress addressOf(DatagramSocket socket) {
    return socket.getLocalSocketAddress();
  }

  private static SocketAddress at(String host, DatagramSocket socket) {
    return new InetSocketAddress(InetAddress.ofLiteral(host), socket.getLocalPort());
  }

  private String next(CopasDatagramSocket socket) throws Exception {
    return text(fixture.inTask(socket::receive));
  }

  private void assertNothingComes(CopasDatagramSocket socket) throws Exception {
    socket.setTimeouts(null, Duration.ofMillis(50));
    assertThrows(SocketTimeoutException.class, () -> fixture.inTask(socket::receive));
    socket.setTimeouts(null, null);
  }

  // ---- Datagrams

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "::1"})
  void datagramsGoBothWaysAndSayWhereTheyComeFrom(String host) throws Exception {
    try (var ours = copas.bindDatagram(host, 0)) {
      DatagramSocket plain = plain(host);
      send(plain, "question", ours);
      Datagram question = fixture.inTask(ours::receive);
      assertEquals("question", text(question));
      assertEquals(plain.getLocalSocketAddress(), question.sender());
      fixture.runInTask(() -> ours.send("answer".getBytes(UTF_8), question.sender()));
      assertEquals("answer", receive(plain));
    }
  }

  @Test
  void aSocketOnAllAddressesSpeaksBothFamilies() throws Exception {
    try (var ours = copas.bindDatagram("*", 0)) {
      for (String host : List.of("127.0.0.1", "::1")) {
        DatagramSocket plain = plain(host);
        plain.send(packet(new byte[] {1}, at(host, ours)));
        Datagram datagram = fixture.inTask(ours::receive);
        assertEquals(plain.getLocalSocketAddress(), datagram.sender());
        fixture.runInTask(() -> ours.send("answer".getBytes(UTF_8), datagram.sender()));
        assertEquals("answer", receive(plain));
      }
    }
  }

  @Test
  void anEmptyDatagramArrivesAsEmpty() throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket plain = plain();
    send(plain, "", ours);
    send(plain, "behind", ours);
    assertEquals(0, fixture.inTask(ours::receive).bytes().length);
    assertEquals("behind", next(ours));
    fixture.runInTask(() -> ours.send(new byte[0], plain.getLocalSocketAddress()));
    assertEquals("", receive(plain));
  }

  @Test
  void whatIsLongerThanTheDatagramSizeIsCut() throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket plain = plain();
    assertEquals(8192, ours.getDatagramSize());
    plain.send(packet(SocketFixture.pattern(8193, 1), addressOf(ours)));
    send(plain, "12345678", ours);
    send(plain, "next", ours);
    assertArrayEquals(
        Arrays.copyOf(SocketFixture.pattern(8193, 1), 8192), fixture.inTask(ours::receive).bytes());
    ours.setDatagramSize(5);
    assertEquals(5, ours.getDatagramSize());
    assertEquals("12345", next(ours));
    assertEquals("next", next(ours), "the rest is lost, and does not come as another");
    for (int wrong : new int[] {0, -1, 65_536}) {
      assertThrows(IllegalArgumentException.class, () -> ours.setDatagramSize(wrong));
    }
  }

  @Test
  void theLongestDatagramArrivesWhole() throws Exception {
    CopasDatagramSocket here = bound();
    CopasDatagramSocket there = bound();
    there.setDatagramSize(65_535);
    byte[] bytes = SocketFixture.pattern(MOST_BYTES, 7);
    fixture.runInTask(() -> {
      here.send(bytes, addressOf(there));
      assertArrayEquals(bytes, there.receive().bytes());
    });
  }

  @ParameterizedTest
  @ValueSource(ints = {MOST_BYTES + 1, 70_000})
  void aDatagramThatIsTooLongIsAnErrorAndTheSocketGoesOn(int length) throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket plain = plain();
    var error =
        assertThrows(
            SocketException.class,
            () ->
                fixture.runInTask(
                    () -> ours.send(new byte[length], plain.getLocalSocketAddress())));
    SocketFixture.assertSays("Message too long: a datagram of " + length, error);
    fixture.runInTask(() -> ours.send("short".getBytes(UTF_8), plain.getLocalSocketAddress()));
    assertEquals("short", receive(plain));
  }

  @Test
  void datagramsThatCameTogetherAllArrive() throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket plain = plain();
    var waiting = fixture.start(ours::receive);
    fixture.awaitWaiting(waiting);
    for (int i = 0; i < 50; i++) {
      send(plain, "datagram " + i, ours);
    }
    assertEquals("datagram 0", text(fixture.result(waiting)));
    fixture.runInTask(() -> {
      for (int i = 1; i < 50; i++) {
        assertEquals("datagram " + i, text(ours.receive()));
      }
    });
  }

  @Test
  void aBurstOfDatagramsStarvesNobody() throws Exception {
    int most = Options.defaults().operationsPerTurn();
    CopasDatagramSocket ours = bound();
    DatagramSocket plain = plain();
    for (int i = 0; i < 2 * most; i++) {
      send(plain, "x", ours);
    }
    var turns = new int[1];
    var over = new boolean[1];
    var other =
        fixture.startRun(() -> {
          while (!over[0]) {
            turns[0]++;
            Copas.pause();
          }
        });
    fixture.runInTask(() -> {
      int before = turns[0];
      for (int i = 0; i < 2 * most; i++) {
        ours.receive();
      }
      assertNotEquals(before, turns[0], "others have to have a turn");
      before = turns[0];
      for (int i = 0; i < 2 * most; i++) {
        ours.send(new byte[1], plain.getLocalSocketAddress());
      }
      assertNotEquals(before, turns[0], "others have to have a turn");
      over[0] = true;
    });
    fixture.finish(other);
  }

  @Test
  void trySendNeverGivesUpTheLoopAndWorksOnAnyThread() throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket plain = plain();
    fixture.runInTask(() ->
        Copas.atomic(() -> {
          for (int i = 0; i < 200; i++) {
            assertTrue(ours.trySend("task".getBytes(UTF_8), plain.getLocalSocketAddress()));
          }
        }));
    assertEquals("task", receive(plain));
    DatagramSocket other = plain();
    assertTrue(ours.trySend("thread".getBytes(UTF_8), other.getLocalSocketAddress()));
    assertEquals("thread", receive(other));
  }

  @Test
  void aTargetHasToBeAnAddressThatIsLookedUp() throws Exception {
    CopasDatagramSocket ours = bound();
    var unresolved = InetSocketAddress.createUnresolved("localhost", 7);
    SocketFixture.assertSays(
        "unresolved address",
        assertThrows(IllegalArgumentException.class, () -> ours.send(new byte[1], unresolved)));
    SocketFixture.assertSays(
        "port 0",
        assertThrows(
            SocketException.class,
            () -> ours.send(new byte[1], new InetSocketAddress(InetAddress.ofLiteral(LOCAL), 0))));
    assertThrows(SocketException.class, () -> ours.connect(unresolved));
    assertThrows(SocketException.class, () -> fixture.runInTask(() -> ours.send(new byte[1])));
  }

  // ---- Packets

  @Test
  void aPacketThatIsUsedAgainTakesAsMuchAsAtFirst() throws Exception {
    CopasDatagramSocket ours = bound();
    CopasDatagramSocket another = bound();
    DatagramSocket plain = plain();
    var packet = new DatagramPacket(new byte[20], 5, 10);
    for (String text : List.of("long text", "short", "", "0123456789", "too long to fit", "end")) {
      for (CopasDatagramSocket socket : List.of(ours, another)) {
        send(plain, text, socket);
        fixture.runInTask(() -> socket.receive(packet));
        assertEquals(
            text.substring(0, Math.min(10, text.length())),
            new String(packet.getData(), 5, packet.getLength(), UTF_8));
        assertEquals(plain.getLocalSocketAddress(), packet.getSocketAddress());
        assertEquals(0, packet.getData()[15], "what is behind its room is not touched");
      }
    }
    packet.setLength(2);
    send(plain, "text", ours);
    fixture.runInTask(() -> ours.receive(packet));
    assertEquals(2, packet.getLength(), "unless it is told to take less");
  }

  @Test
  void aPacketIsSentFromItsPlaceAndNeedsAnAddress() throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket plain = plain();
    var packet = new DatagramPacket("--text--".getBytes(UTF_8), 2, 4);
    assertThrows(IllegalArgumentException.class, () -> fixture.runInTask(() -> ours.send(packet)));
    ours.connect(plain.getLocalSocketAddress());
    fixture.runInTask(() -> ours.send(packet));
    assertEquals("text", receive(plain));
    assertEquals(plain.getLocalSocketAddress(), packet.getSocketAddress(), "as java.net has it");
  }

  // ---- Waits

  @Test
  void aReceiveThatTimesOutLosesNothing() throws Exception {
    CopasDatagramSocket ours = bound();
    ours.setTimeouts(null, Duration.ofMillis(20));
    var timeout = assertThrows(SocketTimeoutException.class, () -> fixture.inTask(ours::receive));
    assertEquals("Receive timed out", timeout.getMessage());
    ours.setTimeouts(null, Duration.ZERO);
    assertThrows(SocketTimeoutException.class, () -> fixture.inTask(ours::receive));
    send(plain(), "late", ours);
    assertEquals("late", next(ours), "zero takes what is there");
  }

  @Test
  void soTimeoutIsThatOfJavaNet() throws Exception {
    CopasDatagramSocket ours = bound();
    assertEquals(0, ours.getSoTimeout());
    ours.setSoTimeout(20);
    assertEquals(20, ours.getSoTimeout());
    assertThrows(SocketTimeoutException.class, () -> fixture.inTask(ours::receive));
    ours.setTimeouts(null, Duration.ZERO);
    assertEquals(1, ours.getSoTimeout());
    ours.setSoTimeout(0);
    assertEquals(0, ours.getSoTimeout());
    var waiting = fixture.start(ours::receive);
    fixture.awaitWaiting(waiting);
    send(plain(), "at last", ours);
    assertEquals("at last", text(fixture.result(waiting)));
    assertThrows(IllegalArgumentException.class, () -> ours.setSoTimeout(-1));
    assertThrows(
        IllegalArgumentException.class, () -> ours.setTimeouts(null, Duration.ofMillis(-1)));
    assertThrows(
        IllegalArgumentException.class, () -> ours.setTimeouts(Duration.ofMillis(-1), null));
  }

  @Test
  void oneTaskReceivesAtATimeAndAnotherSendsBesideIt() throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket plain = plain();
    var first = fixture.start(ours::receive);
    fixture.awaitWaiting(first);
    var error = assertThrows(IllegalStateException.class, () -> fixture.inTask(ours::receive));
    SocketFixture.assertSays("is already receiving on this socket", error);
    fixture.runInTask(() -> ours.send("beside".getBytes(UTF_8), plain.getLocalSocketAddress()));
    assertEquals("beside", receive(plain));
    send(plain, "for the first", ours);
    assertEquals("for the first", text(fixture.result(first)));
  }

  @Test
  void aCancelledReceiveLeavesTheSocketOpen() throws Exception {
    CopasDatagramSocket ours = bound();
    var waiting = fixture.start(ours::receive);
    fixture.awaitWaiting(waiting);
    waiting.task.cancel();
    var error = assertThrows(InterruptedIOException.class, () -> fixture.result(waiting));
    SocketFixture.assertSays("the socket is still open", error);
    send(plain(), "next", ours);
    assertEquals("next", next(ours));
  }

  @Test
  void aScopeEndsAReceive() throws Exception {
    CopasDatagramSocket ours = bound();
    assertThrows(
        TimeoutException.class,
        () -> fixture.inTask(() -> Copas.within(Duration.ofMillis(20), () -> ours.receive())));
    send(plain(), "next", ours);
    assertEquals("next", next(ours));
  }

  @Test
  void aCloseWakesWhoeverWaits() throws Exception {
    CopasDatagramSocket byTask = bound();
    CopasDatagramSocket byThread = bound();
    for (CopasDatagramSocket socket : List.of(byTask, byThread)) {
      var waiting = fixture.start(socket::receive);
      fixture.awaitWaiting(waiting);
      if (socket == byTask) {
        fixture.runInTask(socket::close);
      } else {
        socket.close();
      }
      var error = assertThrows(SocketException.class, () -> fixture.result(waiting));
      assertEquals("Socket closed", error.getMessage());
    }
  }

  @Test
  void aClosedSocketSaysSo() throws Exception {
    CopasDatagramSocket ours = bound();
    SocketAddress peer = plain().getLocalSocketAddress();
    ours.close();
    ours.close();
    assertTrue(ours.isClosed());
    List<CheckedRunnable<Exception>> calls =
        List.of(
            () -> ours.receive(),
            () -> ours.receive(new DatagramPacket(new byte[1], 1)),
            () -> ours.send(new byte[1], peer),
            () -> ours.send(packet(new byte[1], peer)),
            () -> ours.trySend(new byte[1], peer),
            () -> ours.bind(null),
            () -> ours.connect(peer),
            () -> ours.setSoTimeout(1),
            () -> ours.getSoTimeout(),
            () -> ours.setReuseAddress(true),
            () -> ours.getReceiveBufferSize(),
            () -> ours.setOption(StandardSocketOptions.IP_TOS, 1),
            () -> ours.getOption(StandardSocketOptions.IP_TOS),
            () ->
                ours.joinGroup(
                    new InetSocketAddress(InetAddress.ofLiteral("224.0.0.251"), 0), loopback()));
    for (CheckedRunnable<Exception> call : calls) {
      var error = assertThrows(SocketException.class, () -> fixture.runInTask(call));
      assertEquals("Socket closed", error.getMessage());
    }
    ours.disconnect();
  }

  @Test
  void onReturnOfCloseThePortIsFree() throws Exception {
    for (int i = 0; i < 20; i++) {
      CopasDatagramSocket ours = copas.bindDatagram(LOCAL, 0);
      int port = ours.getLocalPort();
      var waiting = fixture.start(ours::receive);
      fixture.awaitWaiting(waiting);
      ours.close();
      new DatagramSocket(port, InetAddress.ofLiteral(LOCAL)).close();
      assertThrows(SocketException.class, () -> fixture.finish(waiting));
      fixture.runInTask(() -> {
        copas.bindDatagram(LOCAL, port).close();
        copas.bindDatagram(LOCAL, port).close();
      });
    }
  }

  // ---- Other threads

  @Test
  void foreignThreadsSendAndReceiveWhileTheLoopRuns() throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket plain = plain();
    for (Thread.Builder kind : List.of(Thread.ofPlatform(), Thread.ofVirtual())) {
      send(plain, "question", ours);
      var outcome =
          SocketFixture.onThread(
              kind,
              () -> {
                Datagram question = ours.receive();
                ours.send("answer".getBytes(UTF_8), question.sender());
                return text(question);
              });
      assertEquals("question", SocketFixture.get(outcome));
      assertEquals("answer", receive(plain));
    }
    ours.setSoTimeout(20);
    assertThrows(SocketTimeoutException.class, ours::receive);
  }

  @Test
  void anInterruptEndsTheWaitOfAForeignThreadAndLosesNothing() throws Exception {
    CopasDatagramSocket ours = bound();
    var thread = new Thread[1];
    var outcome =
        SocketFixture.onThread(
            Thread.ofPlatform(),
            () -> {
              thread[0] = Thread.currentThread();
              return ours.receive();
            });
    fixture.await(() -> thread[0] != null && thread[0].getState() == Thread.State.TIMED_WAITING);
    thread[0].interrupt();
    assertThrows(InterruptedIOException.class, () -> SocketFixture.get(outcome));
    fixture.runInTask(Copas::pause);
    send(plain(), "next", ours);
    assertEquals("next", next(ours));
  }

  // ---- Connections

  @Test
  void aConnectedSocketHearsItsPeerAlone() throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket peer = plain();
    DatagramSocket stranger = plain();
    send(stranger, "before", ours);
    ours.connect(peer.getLocalSocketAddress());
    assertTrue(ours.isConnected());
    assertEquals(peer.getLocalSocketAddress(), ours.getRemoteSocketAddress());
    assertEquals(peer.getLocalAddress(), ours.getInetAddress());
    assertEquals(peer.getLocalPort(), ours.getPort());
    send(stranger, "noise", ours);
    send(peer, "voice", ours);
    assertEquals("voice", next(ours));
    assertNothingComes(ours);
    fixture.runInTask(() -> {
      ours.send("by connection".getBytes(UTF_8));
      ours.send("by address".getBytes(UTF_8), peer.getLocalSocketAddress());
    });
    assertEquals("by connection", receive(peer));
    assertEquals("by address", receive(peer));
    var error =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                fixture.runInTask(() -> ours.send(new byte[1], stranger.getLocalSocketAddress())));
    SocketFixture.assertSays("is connected to", error);
  }

  @Test
  void aDisconnectedSocketHearsEverybodyOnTheSamePort() throws Exception {
    for (String host : List.of(LOCAL, "*")) {
      try (var ours = copas.bindDatagram(host, 0)) {
        SocketAddress bound = ours.getLocalSocketAddress();
        DatagramSocket peer = plain();
        DatagramSocket other = plain();
        ours.connect(peer.getLocalAddress(), peer.getLocalPort());
        assertEquals(InetAddress.ofLiteral(LOCAL), ours.getLocalAddress());
        ours.connect(other.getLocalSocketAddress());
        assertEquals(other.getLocalPort(), ours.getPort(), "connected to another");
        ours.disconnect();
        ours.disconnect();
        assertFalse(ours.isConnected());
        assertNull(ours.getInetAddress());
        assertEquals(-1, ours.getPort());
        assertNull(ours.getRemoteSocketAddress());
        assertEquals(bound, ours.getLocalSocketAddress());
        for (DatagramSocket any : List.of(peer, other)) {
          any.send(packet("any".getBytes(UTF_8), at(LOCAL, ours)));
          assertEquals("any", next(ours));
        }
      }
    }
  }

  @Test
  void aPeerThatRefusesIsUnreachableAndTheSocketGoesOn() throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket gone = plain();
    SocketAddress address = gone.getLocalSocketAddress();
    int port = gone.getLocalPort();
    ours.connect(address);
    gone.close();
    fixture.runInTask(() -> ours.send(new byte[1]));
    assertThrows(PortUnreachableException.class, () -> fixture.inTask(ours::receive));
    try (var back = new DatagramSocket(port, InetAddress.ofLiteral(LOCAL))) {
      back.setSoTimeout(20_000);
      fixture.runInTask(() -> ours.send("again".getBytes(UTF_8)));
      assertEquals("again", receive(back));
    }
  }

  @Test
  void aReceiverThatWaitsLearnsThatItsPeerRefuses() throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket gone = plain();
    ours.connect(gone.getLocalSocketAddress());
    gone.close();
    var waiting = fixture.start(ours::receive);
    fixture.awaitWaiting(waiting);
    fixture.runInTask(() -> ours.send(new byte[1]));
    assertThrows(PortUnreachableException.class, () -> fixture.result(waiting));
  }

  /** java.nio has no way to do it; the JDK's own socket loses the datagram in silence. */
  @Test
  void anEmptyDatagramOfAConnectedSocketIsSentOrRefusedAloud() throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket plain = plain();
    ours.connect(plain.getLocalSocketAddress());
    var sending = fixture.startRun(() -> ours.send(new byte[0]));
    try {
      fixture.result(sending);
      assertEquals("", receive(plain));
    } catch (SocketException e) {
      assertNotEquals("native", Modes.MODE, "epoll sends it");
      SocketFixture.assertSays("java.nio sends no empty datagram", e);
    }
  }

  // ---- Addresses

  @Test
  void anUnboundSocketIsBoundWhenItIsUsed() throws Exception {
    DatagramSocket plain = plain();
    try (var ours = copas.datagramSocket()) {
      assertFalse(ours.isBound());
      assertEquals(0, ours.getLocalPort());
      assertNull(ours.getLocalSocketAddress());
      assertEquals(new InetSocketAddress(0).getAddress(), ours.getLocalAddress());
      assertEquals("unbound", ours.toString());
      fixture.runInTask(() -> ours.send("hello".getBytes(UTF_8), plain.getLocalSocketAddress()));
      assertTrue(ours.isBound());
      assertNotEquals(0, ours.getLocalPort());
      assertEquals("hello", receive(plain));
      var error = assertThrows(SocketException.class, () -> ours.bind(null));
      SocketFixture.assertSays("already bound to ", error);
    }
    try (var ours = copas.datagramSocket()) {
      ours.setReuseAddress(true);
      ours.bind(new InetSocketAddress(InetAddress.ofLiteral(LOCAL), 0));
      assertEquals(InetAddress.ofLiteral(LOCAL), ours.getLocalAddress());
      assertEquals(ours.getLocalSocketAddress(), at(LOCAL, ours));
    }
  }

  @Test
  void aClosedSocketKnowsItsPeerAndNotItsPort() throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket plain = plain();
    ours.connect(plain.getLocalSocketAddress());
    String name = ours.toString();
    ours.close();
    assertEquals(-1, ours.getLocalPort());
    assertNull(ours.getLocalAddress());
    assertNull(ours.getLocalSocketAddress());
    assertTrue(ours.isBound());
    assertEquals(plain.getLocalSocketAddress(), ours.getRemoteSocketAddress());
    assertEquals(name, ours.toString());
  }

  @Test
  void aPortThatIsTakenIsAnErrorThatNamesIt() throws Exception {
    int taken = plain().getLocalPort();
    var error = assertThrows(BindException.class, () -> copas.bindDatagram(LOCAL, taken));
    SocketFixture.assertSays(LOCAL + ":" + taken, error);
    assertThrows(IllegalArgumentException.class, () -> copas.bindDatagram(LOCAL, 65_536));
    assertThrows(IllegalArgumentException.class, () -> copas.bindDatagram(LOCAL, -1));
    var elsewhere = assertThrows(BindException.class, () -> copas.bindDatagram("192.0.2.1", 0));
    SocketFixture.assertSays("192.0.2.1", elsewhere);
  }

  // ---- Options

  @Test
  void optionsAreThoseOfJavaNet() throws Exception {
    CopasDatagramSocket ours = bound();
    try (var plain = new DatagramSocket()) {
      assertEquals(names(plain.supportedOptions()), names(ours.supportedOptions()));
      assertEquals(plain.getBroadcast(), ours.getBroadcast());
      assertEquals(plain.getReuseAddress(), ours.getReuseAddress());
      assertEquals(plain.getTrafficClass(), ours.getTrafficClass());
      assertEquals(plain.getSendBufferSize(), ours.getSendBufferSize());
      assertEquals(plain.getReceiveBufferSize(), ours.getReceiveBufferSize());
      for (SocketOption<?> option : plain.supportedOptions()) {
        assertEquals(plain.getOption(option), ours.getOption(option), option.name());
      }
    }
    ours.setBroadcast(false);
    assertFalse(ours.getBroadcast());
    ours.setTrafficClass(0x10);
    assertEquals(0x10, ours.getTrafficClass());
    ours.setSendBufferSize(20_000);
    assertEquals(20_000, ours.getSendBufferSize());
    ours.setReceiveBufferSize(30_000);
    assertEquals(30_000, ours.getReceiveBufferSize());
    assertSame(ours, ours.setOption(StandardSocketOptions.IP_MULTICAST_TTL, 3));
    assertEquals(3, ours.getOption(StandardSocketOptions.IP_MULTICAST_TTL));
    ours.setOption(StandardSocketOptions.IP_MULTICAST_LOOP, false);
    assertEquals(false, ours.getOption(StandardSocketOptions.IP_MULTICAST_LOOP));
    ours.setOption(StandardSocketOptions.IP_MULTICAST_IF, loopback());
    assertEquals(loopback(), ours.getOption(StandardSocketOptions.IP_MULTICAST_IF));
    assertNull(ours.getChannel());
    assertThrows(IllegalArgumentException.class, () -> ours.setTrafficClass(256));
    assertThrows(IllegalArgumentException.class, () -> ours.setSendBufferSize(0));
    assertThrows(IllegalArgumentException.class, () -> ours.setReceiveBufferSize(-1));
    assertThrows(
        IllegalArgumentException.class,
        () -> ours.setOption(StandardSocketOptions.IP_MULTICAST_TTL, 256));
    assertThrows(
        IllegalArgumentException.class,
        () -> ours.setOption(StandardSocketOptions.IP_MULTICAST_IF, nothing()));
    assertThrows(
        UnsupportedOperationException.class,
        () -> ours.setOption(StandardSocketOptions.TCP_NODELAY, true));
  }

  private static Set<String> names(Set<SocketOption<?>> options) {
    return Set.copyOf(options.stream().map(SocketOption::name).toList());
  }

  @Test
  void anAddressThatIsReusedIsSharedByTwo() throws Exception {
    try (var first = copas.datagramSocket();
        var second = copas.datagramSocket()) {
      first.setReuseAddress(true);
      second.setReuseAddress(true);
      assertTrue(first.getReuseAddress());
      first.bind(new InetSocketAddress(InetAddress.ofLiteral(LOCAL), 0));
      second.bind(addressOf(first));
      assertEquals(first.getLocalPort(), second.getLocalPort());
    }
  }

  // ---- One to many

  private static NetworkInterface loopback() throws SocketException {
    for (var any : NetworkInterface.networkInterfaces().toList()) {
      if (any.isLoopback()) {
        return any;
      }
    }
    throw new SocketException("no loopback");
  }

  @ParameterizedTest
  @ValueSource(strings = {"239.255.77.77", "ff01::7777"})
  void membersOfAGroupGetWhatIsSentToIt(String group) throws Exception {
    InetAddress address = InetAddress.ofLiteral(group);
    @Nullable NetworkInterface on = interfaceFor(address);
    assumeTrue(on != null, "no interface has groups of this family");
    try (var member = copas.datagramSocket();
        var outsider = copas.datagramSocket();
        var sender = copas.datagramSocket()) {
      member.setReuseAddress(true);
      member.bind(null);
      outsider.setReuseAddress(true);
      outsider.bind(new InetSocketAddress(member.getLocalPort()));
      var target = new InetSocketAddress(address, member.getLocalPort());
      sender.setOption(StandardSocketOptions.IP_MULTICAST_IF, on);
      member.joinGroup(target, on);
      fixture.runInTask(() -> sender.send("to all".getBytes(UTF_8), target));
      assertEquals("to all", next(member));
      assertNothingComes(outsider);
      var twice = assertThrows(SocketException.class, () -> member.joinGroup(target, on));
      SocketFixture.assertSays("already a member of " + address.getHostAddress(), twice);
      member.leaveGroup(target, on);
      fixture.runInTask(() -> sender.send("to nobody".getBytes(UTF_8), target));
      assertNothingComes(member);
      var never = assertThrows(SocketException.class, () -> member.leaveGroup(target, on));
      SocketFixture.assertSays("not a member of " + address.getHostAddress(), never);
      member.joinGroup(target, on);
      fixture.runInTask(() -> sender.send("again".getBytes(UTF_8), target));
      assertEquals("again", next(member));
    }
  }

  /** IPv4 has groups on the loopback, IPv6 needs a route for them; both groups stay in here. */
  private static @Nullable NetworkInterface interfaceFor(InetAddress group) throws SocketException {
    if (group instanceof Inet4Address) {
      return loopback();
    }
    for (var any : NetworkInterface.networkInterfaces().toList()) {
      boolean speaksIpv6 = any.inetAddresses().anyMatch(Inet6Address.class::isInstance);
      if (any.isUp() && any.supportsMulticast() && speaksIpv6) {
        return any;
      }
    }
    return null;
  }

  @Test
  void onlyAGroupCanBeJoined() throws Exception {
    CopasDatagramSocket ours = bound();
    var error =
        assertThrows(SocketException.class, () -> ours.joinGroup(addressOf(ours), loopback()));
    SocketFixture.assertSays("Not a multicast address", error);
  }

  @Test
  void theInterfaceOfAGroupThatIsNotNamedIsThatOfTheOption() throws Exception {
    try (var ours = copas.bindDatagram("*", 0)) {
      ours.setOption(StandardSocketOptions.IP_MULTICAST_IF, loopback());
      var group = new InetSocketAddress(InetAddress.ofLiteral("239.255.77.78"), 0);
      ours.joinGroup(group, null);
      assertThrows(SocketException.class, () -> ours.joinGroup(group, loopback()));
      ours.leaveGroup(group, null);
    }
  }

  /** Other systems have no such address. */
  @EnabledOnOs(OS.LINUX)
  @Test
  void broadcastsArriveUnlessTheyAreOff() throws Exception {
    try (var listener = copas.bindDatagram("*", 0);
        var sender = copas.datagramSocket()) {
      SocketAddress everybody = at("127.255.255.255", listener);
      fixture.runInTask(() -> sender.send("to all".getBytes(UTF_8), everybody));
      assertEquals("to all", next(listener));
      sender.setBroadcast(false);
      assertThrows(
          SocketException.class,
          () -> fixture.runInTask(() -> sender.send(new byte[1], everybody)));
      sender.setBroadcast(true);
      fixture.runInTask(() -> sender.send("again".getBytes(UTF_8), everybody));
      assertEquals("again", next(listener));
    }
  }

  // ---- The class

  /** What java.net does itself waits inside monitors. */
  @Test
  void everyPublicMethodIsOurs() {
    List<String> inherited = new ArrayList<>();
    for (Method method : CopasDatagramSocket.class.getMethods()) {
      if (Stream.of(Object.class, CopasDatagramSocket.class)
          .noneMatch(own -> own == method.getDeclaringClass())) {
        inherited.add(method.toString());
      }
    }
    inherited.removeIf(method -> method.contains("static"));
    assertEquals(List.of(), inherited);
    assertTrue(Modifier.isFinal(CopasDatagramSocket.class.getModifiers()));
  }

  @Test
  void aForgottenSocketIsClosedAndReported() throws Exception {
    try (var log = new LoopFixture.Log()) {
      int port = forget();
      fixture.await(() -> {
        System.gc();
        return canBind(port);
      });
      String report = log.await("was never closed").getMessage();
      SocketFixture.assertSays(LOCAL + ":" + port, new Exception(report));
    }
  }

  private int forget() throws IOException {
    return copas.bindDatagram(LOCAL, 0).getLocalPort();
  }

  private static boolean canBind(int port) {
    try {
      new DatagramSocket(port, InetAddress.ofLiteral(LOCAL)).close();
      return true;
    } catch (SocketException e) {
      return false;
    }
  }

  @Test
  void datagramsAreEqualWhenTheirBytesAndSendersAre() {
    var sender = new InetSocketAddress(InetAddress.ofLiteral(LOCAL), 7);
    var datagram = new Datagram(new byte[] {1, 2}, sender);
    assertEquals(new Datagram(new byte[] {1, 2}, sender), datagram);
    assertEquals(new Datagram(new byte[] {1, 2}, sender).hashCode(), datagram.hashCode());
    assertNotEquals(new Datagram(new byte[] {1, 3}, sender), datagram);
    assertEquals("Datagram[2 bytes from 127.0.0.1:7]", datagram.toString());
  }

  @Test
  void aSocketOfAClosedLoopSaysSo() throws Exception {
    CopasDatagramSocket ours = bound();
    @Nullable SocketAddress peer = plain().getLocalSocketAddress();
    copas.close();
    assertInstanceOf(SocketException.class, assertThrows(IOException.class, ours::receive));
    assertThrows(SocketException.class, () -> ours.send(new byte[1], peer));
    ours.close();
  }

  @Test
  void whoIsInterruptedBeforeTheLoopGetsToACallHasNotMadeIt() throws Exception {
    CopasDatagramSocket ours = bound();
    DatagramSocket plain = plain();
    var held = new CountDownLatch(1);
    var over = new CountDownLatch(1);
    var holder =
        fixture.startRun(() -> {
          held.countDown();
          Program.compute(over);
        });
    try {
      held.await();
      Thread.currentThread().interrupt();
      assertThrows(SocketException.class, () -> ours.connect(addressOf(plain)));
      assertTrue(Thread.interrupted());
    } finally {
      over.countDown();
    }
    fixture.finish(holder);
    fixture.runInTask(() -> {}); // What was asked before has had its turn.
    assertFalse(ours.isConnected());
  }

  @Test
  void aLongDatagramThatFailsForAnotherReasonIsNotSaidToBeTooLong() throws Exception {
    CopasDatagramSocket ours = bound();
    var error =
        assertThrows(
            SocketException.class, () -> fixture.runInTask(() -> ours.send(new byte[70_000])));
    SocketFixture.assertSays("Socket is not connected", error);
  }

  @SuppressWarnings("NullAway") // As a user may who has no checker.
  private static <T> T nothing() {
    return null;
  }
}
