package dev.copas.testkit;

import dev.copas.Copas;
import dev.copas.CopasServerSocket;
import dev.copas.CopasSocket;
import dev.copas.Options;
import dev.copas.TaskBody;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * A scenario that uses everything that a loop and its sockets do, and notices when something is
 * lost, doubled, late, early, out of order or for ever.
 *
 * <p>Needs nothing but the kit and the core: it also runs on cores that were tampered with.
 */
public final class Workout {

  private static final Options OPTIONS =
      Options.defaults().sendBufferBytes(64).receiveBufferBytes(64).operationsPerTurn(8);
  private static final Faults FAULTS =
      Faults.none().latency(Duration.ZERO, Duration.ofMillis(5)).split(0.4);

  private final Simulation simulation;
  private final Copas copas;
  private final RandomGenerator random;

  private Workout(Simulation simulation) {
    this.simulation = simulation;
    this.copas = simulation.copas();
    this.random = simulation.random();
  }

  /** Runs it with one seed. */
  public static void run(long seed) {
    Simulation.run(
        seed,
        OPTIONS,
        simulation -> {
          simulation.maxSteps(50_000);
          simulation.foreignLimit(Duration.ofMillis(100)); // There is no foreign call in it.
          new Workout(simulation).begin();
        });
  }

  private void begin() throws Exception {
    whoWaitsForBytesLetsOthersYield();
    simulation.faults(FAULTS);
    for (int i = 0; i < 3; i++) {
      start("streams", this::streams);
    }
    for (int i = 0; i < 8; i++) {
      start("pauses", this::pauses);
    }
    start("lines", this::lines);
    start("senders", this::senders);
    start("wakeups", this::wakeups);
    start("closes", this::closes);
    start("closed server", this::closedServer);
    start("last words", this::lastWords);
  }

  private void start(String name, TaskBody body) {
    copas.addThread(name, body);
  }

  private static void check(boolean good, String what) {
    if (!good) {
      throw new AssertionError(what);
    }
  }

  private Duration millis(int least, int most) {
    return Duration.ofNanos(random.nextLong(least * 1_000_000L, most * 1_000_000L));
  }

  private record Pair(CopasSocket here, CopasSocket there) {}

  private Pair connect() throws IOException {
    try (CopasServerSocket listener = copas.bind("127.0.0.1", 0)) {
      var here = copas.connect("127.0.0.1", listener.getLocalPort());
      return new Pair(here, listener.accept());
    }
  }

  // ---- Turns and time

  private void whoWaitsForBytesLetsOthersYield() throws Exception {
    var pair = connect();
    var received = new boolean[1];
    start(
        "receives",
        () -> {
          pair.there().receive(1);
          received[0] = true;
        });
    start("sends", () -> pair.here().send("!"));
    while (!received[0]) {
      Copas.pause();
    }
    pair.here().close();
    pair.there().close();
  }

  private void pauses() throws InterruptedException {
    for (int i = 0; i < 5; i++) {
      pause(millis(0, 20));
    }
  }

  /** Nobody wakes this task: so it is neither short nor long. */
  private static void pause(Duration duration) throws InterruptedException {
    Duration real = Copas.pause(duration);
    check(real.equals(duration), "a pause of " + duration + " took " + real);
  }

  private void wakeups() throws InterruptedException {
    var woken = new int[1];
    var wakers = new int[] {3};
    var sleeper =
        copas.addThread(
            "sleeper",
            () -> {
              while (wakers[0] > 0) {
                Copas.pauseForever();
                woken[0]++;
              }
            });
    var successes = new int[1];
    for (int i = wakers[0]; i > 0; i--) {
      start(
          "waker",
          () -> {
            for (int round = 1; round <= 5; round++) {
              Copas.pause(Duration.ofMillis(round)); // All of them at the same moment.
              successes[0] += sleeper.wakeup() ? 1 : 0;
            }
            wakers[0]--;
          });
    }
    Copas.pause(Duration.ofMillis(100));
    check(wakers[0] == 0, "wakers sleep");
    check(woken[0] == successes[0], woken[0] + " times awake after " + successes[0] + " wake-ups");
    sleeper.wakeup();
  }

  // ---- Bytes

  /** Small and large pieces each way; every byte must come, and in its place. */
  private void streams() throws Exception {
    var pair = connect();
    int size = random.nextInt(500, 2000);
    start("there", () -> sendPattern(pair.there(), 7, size));
    start("reader there", () -> receivePattern(pair.there(), 3, size));
    start("here", () -> sendPattern(pair.here(), 3, size));
    receivePattern(pair.here(), 7, size);
  }

  private static byte pattern(int key, int position) {
    return (byte) (((position + 1) * key * 31) >> 2);
  }

  private void sendPattern(CopasSocket socket, int key, int size) throws Exception {
    for (int sent = 0; sent < size; ) {
      byte[] piece = new byte[Math.min(size - sent, random.nextInt(1, 150))];
      for (int i = 0; i < piece.length; i++) {
        piece[i] = pattern(key, sent++);
      }
      socket.send(piece);
      if (random.nextInt(4) == 0) {
        pause(millis(0, 3));
      }
    }
    socket.shutdownOutput();
  }

  private void receivePattern(CopasSocket socket, int key, int size) throws Exception {
    int received = 0;
    for (byte[] piece; (piece = socket.receivePartial()) != null; ) {
      for (byte b : piece) {
        check(b == pattern(key, received++), "byte " + (received - 1) + " is wrong");
      }
    }
    check(received == size, "the stream has " + received + " of " + size + " bytes");
  }

  /** Lines that come in pieces, to one who has little patience but tries again; and answers. */
  private void lines() throws Exception {
    var pair = connect();
    pair.here().setSendBufferSize(4);
    pair.there().setReceiveBufferSize(4);
    start(
        "speaker",
        () -> {
          for (int i = 0; i < 20; i++) {
            pair.here().send("this is line " + i + "\n");
            check(pair.here().receive(1)[0] == i, "a wrong answer");
            pause(millis(0, 4));
          }
          pair.here().close();
        });
    pair.there().setTimeouts(null, null, Duration.ofMillis(1));
    for (int i = 0; i < 20; i++) {
      String line = patientLine(pair.there());
      check(("this is line " + i).equals(line), "line " + i + " came as " + line);
      pair.there().send(new byte[] {(byte) i});
    }
    pair.there().close();
  }

  private static String patientLine(CopasSocket socket) throws IOException {
    while (true) {
      try {
        return String.valueOf(socket.receive());
      } catch (SocketTimeoutException e) {
        // What came so far must still be there.
      }
    }
  }

  /** Several who send on one socket to a slow reader; some give up, and do something else. */
  private void senders() throws Exception {
    var pair = connect();
    pair.here().setSendBufferSize(50);
    pair.there().setReceiveBufferSize(50);
    pair.here().setTimeouts(null, Duration.ofMillis(3), null);
    var senders = new int[] {4};
    for (int i = senders[0]; i > 0; i--) {
      start(
          "sender",
          () -> {
            for (int round = 0; round < 5; round++) {
              sendOrGiveUp(pair.here());
              pause(millis(0, 10));
            }
            if (--senders[0] == 0) {
              pair.here().close();
            }
          });
    }
    while (pair.there().receivePartial() != null) {
      pause(millis(0, 4));
    }
  }

  private void sendOrGiveUp(CopasSocket socket) throws IOException {
    try {
      socket.send(new byte[random.nextInt(1, 200)]);
    } catch (SocketTimeoutException e) {
      // It may.
    }
  }

  // ---- Ends

  private void closes() throws Exception {
    var pair = connect();
    start(
        "closer",
        () -> {
          pause(millis(0, 10));
          pair.here().close();
        });
    try {
      pair.here().receive();
      throw new AssertionError("received something from nobody");
    } catch (SocketException e) {
      check("Socket closed".equals(e.getMessage()), "closed with " + e);
    }
    pair.there().close();
  }

  private void closedServer() throws Exception {
    var server = copas.bind("127.0.0.1", 0);
    start(
        "closer",
        () -> {
          pause(millis(0, 10));
          server.close();
        });
    try {
      server.accept();
      throw new AssertionError("accepted nobody");
    } catch (SocketException e) {
      check(server.isClosed(), "accept ended with " + e);
    }
  }

  /** What was sent before a close is still delivered to one who is slow. */
  private void lastWords() throws Exception {
    var pair = connect();
    pair.here().setSendBufferSize(10);
    pair.there().setReceiveBufferSize(10);
    pair.here().send(new byte[60]);
    pair.here().close();
    pause(millis(0, 10));
    check(pair.there().receiveAll().length == 60, "the last words were lost");
    pair.there().close();
    pause(Duration.ofMinutes(1)); // Longer than any limit that should be gone by now.
  }
}
