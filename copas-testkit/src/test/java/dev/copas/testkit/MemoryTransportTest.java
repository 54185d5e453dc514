package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.Options;
import dev.copas.transport.TcpOptions;
import dev.copas.transport.TransportChannel;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** What {@link StreamConformance} cannot see, or only memory has. */
@Timeout(60)
class MemoryTransportTest {

  private static final InetSocketAddress ADDRESS =
      new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 7777);

  private final VirtualClock clock =
      new VirtualClock(
          0,
          new VirtualClock.Standstill() {
            @Override
            public boolean isOver() {
              return false;
            }

            @Override
            public void atRest() {}

            @Override
            public void inForeignCall() {}
          });
  private final MemoryTransport transport =
      new MemoryTransport(clock, new SplittableRandom(1), new Trace(), new Budget(1000));

  /** Notes what a channel reports. */
  private static final class Listener implements TransportChannel.Listener {

    final List<String> reports = new ArrayList<>();
    boolean waits = true;

    @Override
    public boolean readable() {
      reports.add("readable");
      return waits;
    }

    @Override
    public void writable() {
      reports.add("writable");
    }
  }

  private record Pair(MemoryStream here, MemoryStream there) {}

  private Pair pair(int buffers) throws Exception {
    var listener = new MemoryListener(transport, StoredOptions.forListener());
    listener.setOption(StandardSocketOptions.SO_RCVBUF, buffers);
    listener.bind(ADDRESS, 10);
    var here = new MemoryStream(transport, StoredOptions.forStream());
    here.setOption(StandardSocketOptions.SO_SNDBUF, buffers);
    if (!here.connect(ADDRESS)) {
      transport.poll(0);
      transport.poll(0);
      assertTrue(here.finishConnect());
    }
    var there = assertInstanceOf(MemoryStream.class, listener.accept());
    assertNull(listener.accept());
    listener.close();
    return new Pair(here, there);
  }

  private static Listener listenTo(TransportChannel channel) {
    var listener = new Listener();
    channel.setListener(listener);
    return listener;
  }

  // ---- Buffers and readiness

  @Test
  void whatIsWrittenAndNotReadIsBounded() throws Exception {
    Pair pair = pair(10);
    var bytes = ByteBuffer.allocate(100);
    assertEquals(20, pair.here().write(bytes));
    assertEquals(0, pair.here().write(bytes));
    assertEquals(80, bytes.remaining());
    assertEquals(5, pair.there().read(ByteBuffer.allocate(5)));
    assertEquals(5, pair.here().write(bytes));
  }

  @Test
  void readinessIsReportedForAsLongAsItHoldsAndSomebodyWaits() throws Exception {
    Pair pair = pair(10);
    Listener listener = listenTo(pair.there());
    pair.there().awaitReadable();
    transport.poll(0);
    assertEquals(List.of(), listener.reports);
    pair.here().write(ByteBuffer.allocate(2));
    transport.poll(0);
    pair.there().read(ByteBuffer.allocate(1));
    transport.poll(0);
    assertEquals(List.of("readable", "readable"), listener.reports);
    listener.waits = false;
    transport.poll(0);
    transport.poll(0); // Nobody is interested any more.
    assertEquals(3, listener.reports.size());
    pair.there().awaitReadable();
    transport.poll(0);
    assertEquals(4, listener.reports.size());
  }

  @Test
  void roomIsReportedOnce() throws Exception {
    Pair pair = pair(10);
    Listener listener = listenTo(pair.here());
    pair.here().write(ByteBuffer.allocate(100));
    pair.here().awaitWritable();
    transport.poll(0);
    assertEquals(List.of(), listener.reports);
    pair.there().read(ByteBuffer.allocate(1));
    transport.poll(0);
    transport.poll(0);
    assertEquals(List.of("writable"), listener.reports);
  }

  @Test
  void aBufferThatGrowsHasRoomAtEitherEnd() throws Exception {
    Pair pair = pair(10);
    Listener listener = listenTo(pair.here());
    for (var option : List.of(StandardSocketOptions.SO_SNDBUF, StandardSocketOptions.SO_RCVBUF)) {
      pair.here().write(ByteBuffer.allocate(100));
      pair.here().awaitWritable();
      transport.poll(0);
      var end = option == StandardSocketOptions.SO_SNDBUF ? pair.here() : pair.there();
      end.setOption(option, 20);
      transport.poll(0);
    }
    assertEquals(List.of("writable", "writable"), listener.reports);
  }

  @Test
  void whoeverAsksForRoomThatIsThereIsTold() throws Exception {
    Pair pair = pair(10);
    Listener listener = listenTo(pair.here());
    pair.here().awaitWritable();
    transport.poll(0);
    assertEquals(List.of("writable"), listener.reports);
  }

  @Test
  void anEndOfOnesOwnIsReported() throws Exception {
    Pair pair = pair(10);
    Listener listener = listenTo(pair.here());
    pair.here().write(ByteBuffer.allocate(100));
    pair.here().awaitWritable();
    pair.here().awaitReadable();
    transport.poll(0);
    transport.setFaults(Faults.none().latency(Duration.ofSeconds(1), Duration.ofSeconds(1)));
    pair.here().shutdownOutput();
    transport.poll(0);
    transport.poll(0);
    assertEquals(List.of("writable"), listener.reports);
    pair.here().shutdownInput();
    transport.poll(0);
    assertEquals(List.of("writable", "readable"), listener.reports);
  }

  @Test
  void aPeerThatClosesMakesRoomBeforeItsResetArrives() throws Exception {
    Pair pair = pair(10);
    Listener listener = listenTo(pair.here());
    pair.here().write(ByteBuffer.allocate(100));
    pair.here().awaitWritable();
    transport.poll(0);
    transport.setFaults(Faults.none().latency(Duration.ofSeconds(1), Duration.ofSeconds(1)));
    pair.there().close();
    transport.poll(0);
    assertEquals(List.of("writable"), listener.reports);
    assertEquals(20, pair.here().write(ByteBuffer.allocate(100)));
  }

  @Test
  void aRefusalIsReportedWhenItArrives() throws Exception {
    transport.setFaults(Faults.none().latency(Duration.ofSeconds(1), Duration.ofSeconds(1)));
    var stream = new MemoryStream(transport, StoredOptions.forStream());
    Listener listener = listenTo(stream);
    assertFalse(stream.connect(ADDRESS));
    stream.awaitWritable();
    clock.skip(Duration.ofSeconds(1).toNanos());
    transport.poll(0); // It has got there.
    assertEquals(List.of(), listener.reports);
    clock.skip(Duration.ofSeconds(1).toNanos());
    transport.poll(0);
    assertEquals(List.of("writable"), listener.reports);
    assertThrows(ConnectException.class, stream::finishConnect);
  }

  @Test
  void aShortReadHasDrainedTheChannelAsFarAsItKnows() throws Exception {
    Pair pair = pair(10);
    Listener listener = listenTo(pair.there());
    pair.here().write(ByteBuffer.allocate(5));
    pair.there().read(ByteBuffer.allocate(3));
    assertFalse(pair.there().drained());
    pair.there().read(ByteBuffer.allocate(3));
    assertTrue(pair.there().drained());
    pair.here().write(ByteBuffer.allocate(1));
    pair.there().awaitReadable();
    transport.poll(0);
    assertFalse(pair.there().drained());
    assertEquals(1, listener.reports.size());
  }

  @Test
  void aClosedChannelIsReportedNoMore() throws Exception {
    Pair pair = pair(10);
    Listener listener = listenTo(pair.there());
    pair.here().write(ByteBuffer.allocate(1));
    pair.there().awaitReadable();
    pair.there().close();
    transport.poll(0);
    assertEquals(List.of(), listener.reports);
    assertThrows(ClosedChannelException.class, pair.there()::awaitReadable);
    assertThrows(ClosedChannelException.class, pair.there()::localAddress);
    assertThrows(SocketException.class, () -> pair.there().read(ByteBuffer.allocate(1)));
  }

  @Test
  void aWakeupEndsThePollThatComesNext() {
    transport.wakeup();
    transport.poll(Long.MAX_VALUE);
  }

  // ---- Options

  @Test
  void optionsOfEpollAloneAreNotSupported() {
    var stream = transport.openStream();
    assertThrows(
        UnsupportedOperationException.class,
        () -> stream.setOption(TcpOptions.USER_TIMEOUT, Duration.ofSeconds(1)));
    var listener = transport.openListener();
    assertThrows(
        UnsupportedOperationException.class, () -> listener.getOption(TcpOptions.DEFER_ACCEPT));
  }

  @Test
  void optionsAndDefaultsAreNios() throws Exception {
    try (var stream = SocketChannel.open();
        var listener = ServerSocketChannel.open()) {
      var memory = transport.openStream();
      assertEquals(stream.supportedOptions(), memory.supportedOptions());
      assertEquals(listener.supportedOptions(), transport.openListener().supportedOptions());
      for (var option : stream.supportedOptions()) {
        if (option == StandardSocketOptions.SO_SNDBUF) {
          assertEquals(16 * 1024, memory.getOption(option)); // On every machine.
        } else if (option == StandardSocketOptions.SO_RCVBUF) {
          assertEquals(128 * 1024, memory.getOption(option));
        } else {
          assertEquals(stream.getOption(option), memory.getOption(option), option.name());
        }
      }
    }
  }

  // ---- Many connections

  /** If each cost something for every other one, the time would not do. */
  @Test
  @Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD) // The interrupt might get lost.
  void whatAConnectionCostsDoesNotGrowWithTheirNumber() {
    Simulation.run(
        1,
        simulation -> {
          simulation.maxSteps(Long.MAX_VALUE);
          var copas = simulation.copas();
          copas.addServer(
              copas.bind("127.0.0.1", 80),
              socket -> {
                for (String line; (line = socket.receive()) != null; ) {
                  socket.send(line + "\n");
                }
              });
          var clients = new ArrayList<CopasSocket>();
          while (clients.size() < 15_000) {
            clients.add(copas.connect("127.0.0.1", 80));
          }
          for (int round = 0; round < 5; round++) {
            for (CopasSocket client : clients) {
              client.send("hello\n");
              assertEquals("hello", client.receive());
            }
          }
          for (CopasSocket client : clients) {
            client.close();
          }
        });
  }

  // ---- Hosts

  @Test
  void namesAreTheSimulationsOwn() {
    Simulation.run(
        1,
        simulation -> {
          var copas = simulation.copas();
          simulation.host("chat.example", "192.0.2.1", "192.0.2.2");
          var server = copas.bind("192.0.2.2", 80);
          copas.addServer(server, socket -> socket.send("here\n"));
          try (var client = copas.connect("chat.example", 80)) { // The first address refuses.
            assertEquals("here", client.receive());
            assertEquals("/192.0.2.2:80", String.valueOf(client.getRemoteSocketAddress()));
          }
          assertThrows(UnknownHostException.class, () -> copas.connect("elsewhere.example", 80));
        });
  }

  @Test
  void whereNobodyIsNobodyAnswers() {
    Simulation.run(
        1,
        simulation -> {
          var copas = simulation.copas();
          assertThrows(
              SocketTimeoutException.class,
              () -> copas.connect("192.0.2.9", 80, Duration.ofHours(1)));
          assertEquals(Duration.ofHours(1), simulation.now());
        });
  }

  // ---- Faults

  private static final int SEEDS = 200;

  /** How many of the connections end this way when a client sends on and on. */
  private static int countEndings(Faults faults, String ending) {
    var count = new int[1];
    Simulation.explore(
        1,
        SEEDS,
        Options.defaults().sendBufferBytes(64),
        simulation -> {
          simulation.faults(faults);
          var copas = simulation.copas();
          copas.addServer(
              copas.bind("127.0.0.1", 80),
              socket -> {
                socket.setTimeouts(null, null, Duration.ofMinutes(1));
                String end = "end";
                try {
                  while (socket.receive() != null) {}
                } catch (SocketException e) {
                  end = "reset";
                } catch (SocketTimeoutException e) {
                  end = "silence";
                }
                count[0] += end.equals(ending) ? 1 : 0;
              });
          try (var client = copas.connect("127.0.0.1", 80)) {
            client.setTimeouts(null, Duration.ofMinutes(2), null);
            send(client);
          } catch (SocketException e) {
            // Reset: one of the endings.
          }
        });
    return count[0];
  }

  private static void send(CopasSocket client) throws Exception {
    for (int i = 0; i < 20; i++) {
      client.send(i + "\n");
      client.flush();
      Copas.pause(Duration.ofSeconds(1));
    }
    Copas.pause(Duration.ofMinutes(3));
  }

  @Test
  void faultsAreAsFrequentAsWasAsked() {
    assertEquals(0, countEndings(Faults.none(), "reset"));
    assertEquals(SEEDS, countEndings(Faults.none(), "silence")); // The client sends no more.
    assertBetween(20, 80, countEndings(Faults.none().reset(0.5), "reset"));
    assertBetween(20, 80, countEndings(Faults.none().halfClose(0.5), "end"));
  }

  private static void assertBetween(int least, int most, int count) {
    assertTrue(least <= count && count <= most, () -> "it was " + count);
  }

  @Test
  void aStalledPeerTakesNoMore() {
    var stalls = new int[1];
    Simulation.explore(
        1,
        50,
        Options.defaults().sendBufferBytes(64),
        simulation -> {
          simulation.faults(Faults.none().stall(1));
          var copas = simulation.copas();
          copas.addServer(copas.bind("127.0.0.1", 80), CopasSocket::receiveAll);
          try (var client = copas.connect("127.0.0.1", 80)) {
            client.setTimeouts(null, Duration.ofHours(1), null);
            for (int i = 0; i < 20; i++) {
              client.send(new byte[1_000_000]);
            }
          } catch (SocketTimeoutException e) {
            stalls[0]++;
          }
          copas.stop(Duration.ofMinutes(1)); // Nor does it get the end.
        });
    assertBetween(10, 40, stalls[0]); // The other direction is as likely.
  }

  @Test
  void latencyAndSplitsKeepTheOrder() {
    Simulation.explore(
        50,
        simulation -> {
          simulation.faults(
              Faults.none().latency(Duration.ofMillis(1), Duration.ofSeconds(1)).split(0.9));
          var copas = simulation.copas();
          copas.addServer(
              copas.bind("127.0.0.1", 80),
              socket -> {
                for (int i = 0; i < 20; i++) {
                  socket.send("line " + i + "\n");
                  Copas.pause(Duration.ofMillis(simulation.random().nextInt(500)));
                }
              });
          try (var client = copas.connect("127.0.0.1", 80)) {
            for (int i = 0; i < 20; i++) {
              assertEquals("line " + i, client.receive());
            }
            assertNull(client.receive());
          }
          assertTrue(simulation.now().compareTo(Duration.ofMillis(2)) > 0);
        });
  }

  @Test
  void nonsenseIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Faults.none().split(1.1));
    assertThrows(IllegalArgumentException.class, () -> Faults.none().reset(Double.NaN));
    assertThrows(
        IllegalArgumentException.class,
        () -> Faults.none().latency(Duration.ofSeconds(2), Duration.ofSeconds(1)));
  }
}
