package dev.copas;

import static dev.copas.CopasSocketOptions.TCP_DEFER_ACCEPT;
import static dev.copas.CopasSocketOptions.TCP_USER_TIMEOUT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketOption;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;

/** The options that java.net lacks. Without epoll there are none: {@link SocketsServerTest}. */
@EnabledIf("dev.copas.Modes#onEpoll")
@Timeout(60)
class EpollOptionsTest {

  private static final Duration LONG = Duration.ofSeconds(40);

  private final SocketFixture fixture = SocketFixture.started();

  @AfterEach
  void close() throws IOException {
    fixture.close();
  }

  private CopasServerSocket listener() throws IOException {
    return fixture.opened(fixture.copas.bind(SocketFixture.LOCAL, 0));
  }

  @Test
  void onEpollAServerHasBothAndAConnectionTheUserTimeout() throws Exception {
    var both = List.of(TCP_USER_TIMEOUT, TCP_DEFER_ACCEPT);
    assertTrue(listener().supportedOptions().containsAll(both));
    var socket = fixture.opened(new CopasSocket(fixture.copas));
    assertTrue(socket.supportedOptions().contains(TCP_USER_TIMEOUT));
    assertFalse(socket.supportedOptions().contains(TCP_DEFER_ACCEPT));
    assertThrows(
        UnsupportedOperationException.class, () -> socket.setOption(TCP_DEFER_ACCEPT, LONG));
  }

  @Test
  void bothAreOffUntilTheyAreSetAndAgainWithZero() throws Exception {
    CopasServerSocket listener = listener();
    for (var option : List.of(TCP_USER_TIMEOUT, TCP_DEFER_ACCEPT)) {
      assertEquals(Duration.ZERO, listener.getOption(option));
      listener.setOption(option, LONG);
      assertTrue(listener.getOption(option).compareTo(LONG) >= 0);
      listener.setOption(option, Duration.ZERO);
      assertEquals(Duration.ZERO, listener.getOption(option));
    }
  }

  @Test
  void timesAreRoundedUpToTheUnitOfTheSystem() throws Exception {
    CopasServerSocket listener = listener();
    listener.setOption(TCP_USER_TIMEOUT, Duration.ofMillis(12_345));
    assertEquals(Duration.ofMillis(12_345), listener.getOption(TCP_USER_TIMEOUT));
    listener.setOption(TCP_USER_TIMEOUT, Duration.ofMillis(7).plusNanos(1));
    assertEquals(Duration.ofMillis(8), listener.getOption(TCP_USER_TIMEOUT));
    listener.setOption(TCP_DEFER_ACCEPT, Duration.ofNanos(1));
    assertEquals(Duration.ofSeconds(1), listener.getOption(TCP_DEFER_ACCEPT));
  }

  @Test
  void timesThatTheSystemCannotCountAreRefusedAndChangeNothing() throws Exception {
    CopasServerSocket listener = listener();
    Duration mostMillis = Duration.ofMillis(Integer.MAX_VALUE);
    listener.setOption(TCP_USER_TIMEOUT, mostMillis);
    assertRefused(listener, TCP_USER_TIMEOUT, mostMillis.plusNanos(1));
    assertRefused(listener, TCP_USER_TIMEOUT, Duration.ofNanos(-1));
    assertEquals(mostMillis, listener.getOption(TCP_USER_TIMEOUT));
    Duration mostSeconds = Duration.ofSeconds(Integer.MAX_VALUE);
    listener.setOption(TCP_DEFER_ACCEPT, mostSeconds);
    Duration kept = listener.getOption(TCP_DEFER_ACCEPT);
    assertRefused(listener, TCP_DEFER_ACCEPT, mostSeconds.plusNanos(1));
    assertRefused(listener, TCP_DEFER_ACCEPT, Duration.ofSeconds(Long.MAX_VALUE));
    assertRefused(listener, TCP_DEFER_ACCEPT, Duration.ofSeconds(-1));
    assertEquals(kept, listener.getOption(TCP_DEFER_ACCEPT));
  }

  private static void assertRefused(
      ServerSocket listener, SocketOption<Duration> option, Duration time) {
    var error =
        assertThrows(IllegalArgumentException.class, () -> listener.setOption(option, time));
    SocketFixture.assertSays("Invalid " + option.name() + " value: " + time, error);
  }

  @Test
  void aUserTimeoutThatIsSetBeforeTheConnectHoldsWhicheverAddressAnswers() throws Exception {
    InetAddress last = List.of(InetAddress.getAllByName("localhost")).getLast();
    var listener = fixture.opened(new ServerSocket(0, 1, last));
    var socket = fixture.opened(new CopasSocket(fixture.copas));
    socket.setOption(TCP_USER_TIMEOUT, LONG);
    var target = InetSocketAddress.createUnresolved("localhost", listener.getLocalPort());
    fixture.runInTask(() -> socket.connect(target));
    assertEquals(LONG, socket.getOption(TCP_USER_TIMEOUT));
  }

  @Test
  void aConnectionHasTheUserTimeoutOfItsServer() throws Exception {
    CopasServerSocket listener = listener();
    listener.setOption(TCP_USER_TIMEOUT, LONG);
    fixture.client(listener);
    CopasSocket accepted = fixture.opened(fixture.inTask(listener::accept));
    assertEquals(LONG, accepted.getOption(TCP_USER_TIMEOUT));
  }

  /** The peer's buffers fill up, and nothing makes room in them. */
  @Test
  void aConnectionWhosePeerDoesNotReadIsGivenUpAfterTheUserTimeout() throws Exception {
    CopasSocket ours = fixture.pair(10_000).ours();
    ours.setOption(TCP_USER_TIMEOUT, Duration.ofMillis(100));
    var error =
        assertThrows(
            SocketException.class, () -> fixture.runInTask(() -> ours.send(new byte[8_000_000])));
    SocketFixture.assertSays("Connection timed out", error);
  }

  @Test
  void whoReceivesLearnsOfTheUserTimeoutAsOftenAsHeAsks() throws Exception {
    CopasSocket ours = fixture.pair(10_000).ours();
    ours.setOption(TCP_USER_TIMEOUT, Duration.ofMillis(100));
    int sent = fixture.inTask(() -> SocketFixture.fill(ours, new byte[8_000_000]));
    assertTrue(sent > 0);
    for (int i = 0; i < 2; i++) {
      var error = assertThrows(SocketException.class, () -> fixture.runInTask(ours::receive));
      SocketFixture.assertSays("Connection timed out", error);
    }
  }

  @Test
  void aServerThatDefersAcceptsNobodyWhoHasSentNothing() throws Exception {
    CopasServerSocket listener = listener();
    listener.setOption(TCP_DEFER_ACCEPT, LONG);
    Socket first = fixture.client(listener);
    Socket second = fixture.client(listener);
    second.getOutputStream().write('x');
    assertEquals(second.getLocalPort(), acceptedPort(listener));
    first.getOutputStream().write('x');
    assertEquals(first.getLocalPort(), acceptedPort(listener));
  }

  private int acceptedPort(CopasServerSocket listener) throws Exception {
    return fixture.opened(fixture.inTask(listener::accept)).getPort();
  }

  @Test
  void aServerThatDefersAcceptsWhoEndsTheStreamWithoutAByte() throws Exception {
    CopasServerSocket listener = listener();
    listener.setOption(TCP_DEFER_ACCEPT, LONG);
    Socket client = fixture.client(listener);
    client.shutdownOutput();
    assertEquals(client.getLocalPort(), acceptedPort(listener));
  }

  @Test
  void aServerThatDefersAcceptsWhoIsSilentForLonger() throws Exception {
    CopasServerSocket listener = listener();
    listener.setOption(TCP_DEFER_ACCEPT, Duration.ofSeconds(1));
    long before = System.nanoTime();
    Socket client = fixture.client(listener);
    assertEquals(client.getLocalPort(), acceptedPort(listener));
    assertTrue(System.nanoTime() - before > Duration.ofMillis(500).toNanos(), "not deferred");
  }
}
