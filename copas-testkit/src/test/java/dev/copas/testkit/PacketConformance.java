package dev.copas.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.CopasDatagramSocket;
import dev.copas.Datagram;
import dev.copas.Task;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.BindException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.PortUnreachableException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What datagram sockets do, on every transport: the operating system's and the one in memory. */
@Timeout(60)
abstract class PacketConformance {

  private static final String LOCAL = "127.0.0.1";
  private static final Duration MOMENT = Duration.ofMillis(20);
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final int MOST_BYTES = 65_507;

  /** Runs it in a task, on this transport; what any task throws, is thrown. */
  abstract void run(SystemLoop.Body body);

  boolean sendsEmptyWhenConnected() {
    return true;
  }

  private static CopasDatagramSocket bound(Copas copas) throws IOException {
    CopasDatagramSocket socket = copas.bindDatagram(LOCAL, 0);
    socket.setTimeouts(LONG, LONG);
    return socket;
  }

  private static SocketAddress addressOf(DatagramSocket socket) {
    return socket.getLocalSocketAddress();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private static void send(CopasDatagramSocket from, String text, CopasDatagramSocket to)
      throws IOException {
    from.send(bytes(text), addressOf(to));
  }

  private static String receive(CopasDatagramSocket socket) throws IOException {
    return new String(socket.receive().bytes(), UTF_8);
  }

  private static void assertNothingComes(CopasDatagramSocket socket) {
    socket.setTimeouts(LONG, MOMENT);
    assertThrows(SocketTimeoutException.class, socket::receive);
    socket.setTimeouts(LONG, LONG);
  }

  private static void awaitWaiting(Task task) throws InterruptedException {
    while (task.state() == Task.State.ACTIVE) {
      Copas.pause();
    }
  }

  @Test
  void datagramsGoBothWays() {
    run(copas -> {
      try (var here = bound(copas);
          var there = bound(copas)) {
        send(here, "question", there);
        Datagram question = there.receive();
        assertEquals("question", new String(question.bytes(), UTF_8));
        assertEquals(here.getLocalSocketAddress(), question.sender());
        there.send(bytes("answer"), question.sender());
        assertEquals("answer", receive(here));
      }
    });
  }

  @Test
  void eachDatagramIsAWholeAndTheyComeInOrder() {
    run(copas -> {
      try (var here = bound(copas);
          var there = bound(copas)) {
        for (String text : List.of("one", "", "three", "four")) {
          send(here, text, there);
        }
        for (String text : List.of("one", "", "three", "four")) {
          assertEquals(text, receive(there));
        }
      }
    });
  }

  @Test
  void whatIsTooLongForTheReceiverIsCut() {
    run(copas -> {
      try (var here = bound(copas);
          var there = bound(copas)) {
        there.setDatagramSize(4);
        send(here, "12345678", there);
        send(here, "next", there);
        assertEquals("1234", receive(there));
        assertEquals("next", receive(there));
      }
    });
  }

  @Test
  void theLongestArrivesAndALongerOneIsAnError() {
    run(copas -> {
      try (var here = bound(copas);
          var there = bound(copas)) {
        there.setDatagramSize(MOST_BYTES);
        var error =
            assertThrows(
                SocketException.class, () -> here.send(new byte[MOST_BYTES + 1], addressOf(there)));
        assertTrue(String.valueOf(error.getMessage()).contains("too long"), error::toString);
        byte[] longest = new byte[MOST_BYTES];
        longest[MOST_BYTES - 1] = 1;
        here.send(longest, addressOf(there));
        assertArrayEquals(longest, there.receive().bytes());
      }
    });
  }

  @Test
  void aPacketCanBeUsedAgain() {
    run(copas -> {
      try (var here = bound(copas);
          var there = bound(copas)) {
        var packet = new DatagramPacket(new byte[5], 5);
        for (String text : List.of("a", "12345", "")) {
          send(here, text, there);
          there.receive(packet);
          assertEquals(text.length(), packet.getLength());
          there.send(packet);
          assertEquals(text, receive(here));
        }
      }
    });
  }

  @Test
  void aTimeOutLosesNothing() {
    run(copas -> {
      try (var here = bound(copas);
          var there = bound(copas)) {
        assertNothingComes(there);
        there.setTimeouts(null, Duration.ZERO);
        assertThrows(SocketTimeoutException.class, there::receive);
        send(here, "late", there);
        there.setTimeouts(null, LONG);
        assertEquals("late", receive(there));
      }
    });
  }

  @Test
  void aCloseWakesTheReceiver() {
    run(copas -> {
      var here = bound(copas);
      Task receiver =
          copas.addThread(() -> {
            var error = assertThrows(SocketException.class, here::receive);
            assertEquals("Socket closed", error.getMessage());
          });
      awaitWaiting(receiver);
      here.close();
      receiver.join();
      assertThrows(SocketException.class, here::receive);
    });
  }

  @Test
  void aCancelledReceiverLeavesTheSocketOpen() {
    run(copas -> {
      try (var here = bound(copas)) {
        Task receiver =
            copas.addThread(() -> assertThrows(InterruptedIOException.class, here::receive));
        awaitWaiting(receiver);
        receiver.cancel();
        receiver.join();
        send(here, "to itself", here);
        assertEquals("to itself", receive(here));
      }
    });
  }

  @Test
  void oneTaskAtATimeReceivesAndAnotherSendsBesideIt() {
    run(copas -> {
      try (var here = bound(copas)) {
        Task receiver = copas.addThread(() -> assertEquals("to itself", receive(here)));
        awaitWaiting(receiver);
        assertThrows(IllegalStateException.class, here::receive);
        send(here, "to itself", here);
        receiver.join();
      }
    });
  }

  @Test
  void aConnectedSocketHearsItsPeerAlone() {
    run(copas -> {
      try (var here = bound(copas);
          var peer = bound(copas);
          var stranger = bound(copas)) {
        send(stranger, "before", here);
        Copas.pause(MOMENT);
        here.connect(addressOf(peer));
        send(stranger, "noise", here);
        send(peer, "voice", here);
        assertEquals("voice", receive(here));
        assertNothingComes(here);
        here.send(bytes("answer"));
        assertEquals("answer", receive(peer));
        here.disconnect();
        send(stranger, "now", here);
        assertEquals("now", receive(here));
      }
    });
  }

  @Test
  void aConnectedSocketSendsEmptyDatagramsOrSaysThatItCannot() {
    run(copas -> {
      try (var here = bound(copas);
          var peer = bound(copas)) {
        here.connect(addressOf(peer));
        if (sendsEmptyWhenConnected()) {
          here.send(new byte[0]);
        } else {
          assertThrows(SocketException.class, () -> here.send(new byte[0]));
        }
        here.send(bytes("behind"));
        assertEquals(sendsEmptyWhenConnected() ? "" : "behind", receive(peer));
      }
    });
  }

  @Test
  void aPeerThatIsNotThereRefuses() {
    run(copas -> {
      try (var here = bound(copas)) {
        var gone = bound(copas);
        here.connect(addressOf(gone));
        gone.close();
        here.send(bytes("anybody?"));
        assertThrows(PortUnreachableException.class, here::receive);
        assertNothingComes(here);
      }
    });
  }

  @Test
  void whatIsSentToNobodyIsNoError() {
    run(copas -> {
      try (var here = bound(copas)) {
        var gone = bound(copas);
        var address = new InetSocketAddress(InetAddress.ofLiteral(LOCAL), gone.getLocalPort());
        gone.close();
        here.send(bytes("anybody?"), address);
        assertNothingComes(here);
      }
    });
  }

  @Test
  void anAddressHasOneOwnerUnlessBothShareIt() {
    run(copas -> {
      int port = portOfBothProtocols(copas);
      try (var _ = copas.bindDatagram(LOCAL, port)) {
        assertThrows(BindException.class, () -> copas.bindDatagram(LOCAL, port));
      }
      try (var first = copas.datagramSocket();
          var second = copas.datagramSocket()) {
        for (CopasDatagramSocket socket : List.of(first, second)) {
          socket.setReuseAddress(true);
          socket.bind(new InetSocketAddress(InetAddress.ofLiteral(LOCAL), port));
        }
      }
    });
  }

  /** UDP has ports of its own. Only, somebody else may have the very one that TCP was given. */
  private static int portOfBothProtocols(Copas copas) throws IOException {
    for (int attempt = 1; ; attempt++) {
      try (var listener = copas.bind(LOCAL, 0);
          var datagrams = copas.bindDatagram(LOCAL, listener.getLocalPort())) {
        return datagrams.getLocalPort();
      } catch (BindException e) {
        if (attempt == 10) {
          throw e;
        }
      }
    }
  }

  private static NetworkInterface loopback() throws SocketException {
    for (var any : NetworkInterface.networkInterfaces().toList()) {
      if (any.isLoopback()) {
        return any;
      }
    }
    throw new SocketException("no loopback");
  }

  @Test
  void membersOfAGroupGetWhatIsSentToIt() {
    run(copas -> {
      NetworkInterface on = loopback();
      try (var first = copas.datagramSocket();
          var second = copas.datagramSocket();
          var sender = copas.datagramSocket()) {
        sender.setOption(StandardSocketOptions.IP_MULTICAST_IF, on);
        first.setReuseAddress(true);
        first.bind(null);
        second.setReuseAddress(true);
        second.bind(new InetSocketAddress(first.getLocalPort()));
        var group =
            new InetSocketAddress(InetAddress.ofLiteral("239.255.78.78"), first.getLocalPort());
        first.joinGroup(group, on);
        second.joinGroup(group, on);
        sender.send(bytes("to both"), group);
        assertEquals("to both", receive(first));
        assertEquals("to both", receive(second));
        second.leaveGroup(group, on);
        sender.send(bytes("to one"), group);
        assertEquals("to one", receive(first));
        assertNothingComes(second);
      }
    });
  }

  @Test
  void aServerAnswersManyClients() {
    run(copas -> {
      var server = bound(copas);
      copas.addServer(
          server,
          socket -> {
            while (true) {
              Datagram datagram = socket.receive();
              socket.send(datagram.bytes(), datagram.sender());
            }
          });
      var clients = new ArrayList<Task>();
      for (int i = 0; i < 10; i++) {
        String text = "client " + i;
        clients.add(
            copas.addThread(() -> {
              try (var client = bound(copas)) {
                client.connect(addressOf(server));
                client.send(bytes(text));
                assertEquals(text, receive(client));
              }
            }));
      }
      for (Task client : clients) {
        client.join();
      }
      assertTrue(copas.removeServer(server));
      assertFalse(copas.removeServer(server));
    });
  }

  @Test
  void aServerThatLeavesItsSocketIsCancelled() {
    run(copas -> {
      try (var socket = bound(copas)) {
        var seen = new @Nullable Throwable[1];
        copas.addServer(
            socket,
            own -> {
              try {
                own.receive();
              } catch (IOException e) {
                seen[0] = e;
                throw e;
              }
            });
        Copas.pause(MOMENT);
        assertTrue(copas.removeServer(socket, true));
        Copas.pause(MOMENT); // The handler ends in its own turn.
        send(socket, "to itself", socket);
        assertEquals("to itself", receive(socket));
        assertInstanceOf(InterruptedIOException.class, seen[0]);
      }
    });
  }
}
