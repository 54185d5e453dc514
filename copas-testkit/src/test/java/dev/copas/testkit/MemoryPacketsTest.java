package dev.copas.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.CopasDatagramSocket;
import dev.copas.Task;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the network in memory does to datagrams. */
@Timeout(60)
class MemoryPacketsTest {

  private static final int SEEDS = 50;
  private static final int SENT = 20;
  private static final Duration LATENCY = Duration.ofSeconds(1);
  private static final Faults SLOW = Faults.none().latency(LATENCY, LATENCY);

  private static SocketAddress addressOf(DatagramSocket socket) {
    return socket.getLocalSocketAddress();
  }

  private static List<Integer> numbers() {
    return IntStream.range(0, SENT).boxed().toList();
  }

  /** The numbers that arrive of those that are sent at once. */
  private static List<Integer> arrivals(long seed, Faults faults) {
    var numbers = new ArrayList<Integer>();
    Simulation.run(
        seed,
        simulation -> {
          simulation.faults(faults);
          Copas copas = simulation.copas();
          try (var here = copas.bindDatagram("127.0.0.1", 0);
              var there = copas.bindDatagram("127.0.0.1", 0)) {
            for (int i = 0; i < SENT; i++) {
              here.send(new byte[] {(byte) i}, addressOf(there));
            }
            there.setTimeouts(null, Duration.ofMinutes(1));
            receiveAll(there, numbers);
          }
        });
    return numbers;
  }

  private static void receiveAll(CopasDatagramSocket socket, List<Integer> numbers)
      throws IOException {
    try {
      while (true) {
        numbers.add((int) socket.receive().bytes()[0]);
      }
    } catch (SocketTimeoutException e) {
      return; // That was all.
    }
  }

  @Test
  void withoutFaultsAllArriveInTheirOrder() {
    var latency = Faults.none().latency(Duration.ZERO, Duration.ofSeconds(1));
    for (long seed = 1; seed <= SEEDS; seed++) {
      assertEquals(numbers(), arrivals(seed, Faults.none()));
      assertEquals(numbers(), arrivals(seed, latency));
    }
  }

  @Test
  void someAreLost() {
    int lost = 0;
    for (long seed = 1; seed <= SEEDS; seed++) {
      lost += SENT - arrivals(seed, Faults.none().loss(0.5)).size();
    }
    int sent = SEEDS * SENT;
    assertTrue(lost > sent / 4 && lost < 3 * sent / 4, lost + " of " + sent + " were lost");
    assertEquals(List.of(), arrivals(1, Faults.none().loss(1)));
  }

  @Test
  void someArriveTwice() {
    List<Integer> arrived = arrivals(1, Faults.none().duplicate(1));
    assertEquals(2 * SENT, arrived.size());
    assertEquals(Set.copyOf(numbers()), Set.copyOf(arrived));
  }

  @Test
  void someAreOvertaken() {
    int disordered = 0;
    for (long seed = 1; seed <= SEEDS; seed++) {
      List<Integer> arrived = arrivals(seed, Faults.none().reorder(0.3));
      assertEquals(numbers(), List.copyOf(new TreeSet<>(arrived)), "none is lost");
      disordered += arrived.equals(numbers()) ? 0 : 1;
    }
    assertTrue(disordered > SEEDS / 2, disordered + " of " + SEEDS + " seeds");
  }

  @Test
  void aSeedLosesTheSameOnes() {
    var faults = Faults.none().loss(0.3).duplicate(0.3).reorder(0.3);
    assertEquals(arrivals(7, faults), arrivals(7, faults));
    assertNotEquals(arrivals(7, faults), arrivals(8, faults));
  }

  @Test
  void probabilitiesAreChecked() {
    assertThrows(IllegalArgumentException.class, () -> Faults.none().loss(-0.1));
    assertThrows(IllegalArgumentException.class, () -> Faults.none().duplicate(1.1));
    assertThrows(IllegalArgumentException.class, () -> Faults.none().reorder(Double.NaN));
  }

  // ---- Full buffers

  /** A socket whose one datagram under way takes all the room there is. */
  private static CopasDatagramSocket full(Copas copas, CopasDatagramSocket there)
      throws IOException {
    CopasDatagramSocket here = copas.bindDatagram("127.0.0.1", 0);
    here.setSendBufferSize(1000);
    here.send(new byte[1000], addressOf(there));
    return here;
  }

  @Test
  void sendersWaitForRoomFirstComeFirstServed() {
    Simulation.explore(
        SEEDS,
        simulation -> {
          simulation.faults(SLOW);
          Copas copas = simulation.copas();
          try (var there = copas.bindDatagram("127.0.0.1", 0);
              var here = full(copas, there)) {
            assertFalse(here.trySend(new byte[1], addressOf(there)));
            var senders = new ArrayList<Task>();
            for (int i = 0; i < 5; i++) {
              byte[] number = new byte[1000];
              number[0] = (byte) i;
              Task sender = copas.addThread(() -> here.send(number, addressOf(there)));
              senders.add(sender);
              while (sender.state() == Task.State.ACTIVE) {
                Copas.pause();
              }
            }
            there.receive();
            assertEquals(LATENCY, simulation.now());
            for (int i = 0; i < 5; i++) {
              assertEquals(i, there.receive().bytes()[0]);
              assertEquals(LATENCY.multipliedBy(2 + i), simulation.now(), "one at a time");
            }
            for (Task sender : senders) {
              sender.join();
            }
          }
        });
  }

  @Test
  void aSendThatTimesOutSendsNothing() {
    Simulation.run(
        1,
        simulation -> {
          simulation.faults(SLOW);
          Copas copas = simulation.copas();
          try (var there = copas.bindDatagram("127.0.0.1", 0);
              var here = full(copas, there)) {
            here.setTimeouts(Duration.ofMillis(100), null);
            var error =
                assertThrows(
                    SocketTimeoutException.class, () -> here.send(new byte[1], addressOf(there)));
            assertEquals("Send timed out", error.getMessage());
            assertEquals(Duration.ofMillis(100), simulation.now());
            assertEquals(1000, there.receive().bytes().length);
            there.setTimeouts(null, Duration.ofMinutes(1));
            assertThrows(SocketTimeoutException.class, there::receive);
          }
        });
  }

  @Test
  void aCloseTurnsAwayAllWhoWaitToSend() {
    Simulation.explore(
        SEEDS,
        simulation -> {
          simulation.faults(SLOW);
          Copas copas = simulation.copas();
          try (var there = copas.bindDatagram("127.0.0.1", 0)) {
            CopasDatagramSocket here = full(copas, there);
            var senders = new ArrayList<Task>();
            for (int i = 0; i < 3; i++) {
              senders.add(
                  copas.addThread(() -> {
                    var error =
                        assertThrows(
                            SocketException.class, () -> here.send(new byte[1], addressOf(there)));
                    assertEquals("Socket closed", error.getMessage());
                  }));
            }
            Copas.pause(Duration.ofMillis(1));
            here.close();
            for (Task sender : senders) {
              sender.join();
            }
            assertTrue(simulation.now().compareTo(LATENCY) < 0);
          }
        });
  }

  @Test
  void whatFindsNoRoomAtTheReceiverIsLost() {
    Simulation.run(
        1,
        simulation -> {
          Copas copas = simulation.copas();
          try (var here = copas.bindDatagram("127.0.0.1", 0);
              var there = copas.bindDatagram("127.0.0.1", 0)) {
            there.setReceiveBufferSize(3000);
            var numbers = new ArrayList<Integer>();
            for (int i = 0; i < 10; i++) {
              byte[] bytes = new byte[1000];
              bytes[0] = (byte) i;
              here.send(bytes, addressOf(there));
            }
            there.setTimeouts(null, Duration.ofMinutes(1));
            receiveAll(there, numbers);
            assertEquals(List.of(0, 1), numbers);
          }
        });
  }

  // ---- Addresses

  @Test
  void aBroadcastReachesAllOnThePortWhoListenToEverybody() {
    Simulation.run(
        1,
        simulation -> {
          Copas copas = simulation.copas();
          try (var listener = copas.bindDatagram("*", 5353);
              var sender = copas.datagramSocket()) {
            var everybody = new InetSocketAddress(InetAddress.ofLiteral("255.255.255.255"), 5353);
            sender.send(new byte[] {1}, everybody);
            assertEquals(1, listener.receive().bytes()[0]);
            sender.setBroadcast(false);
            assertThrows(SocketException.class, () -> sender.send(new byte[] {1}, everybody));
          }
        });
  }
}
