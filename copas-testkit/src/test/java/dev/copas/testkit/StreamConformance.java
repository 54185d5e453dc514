package dev.copas.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.Copas;
import dev.copas.CopasServerSocket;
import dev.copas.CopasSocket;
import dev.copas.Options;
import dev.copas.Task;
import dev.copas.TaskBody;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

/**
 * What two connected sockets do, on every transport, be it TCP or Unix sockets. In the spirit of
 * Go's nettest: the same assertions for those of the operating system and for those in memory.
 */
@Timeout(60)
abstract class StreamConformance {

  /** For what the operating system delivers: it tells nobody when that has come. */
  static final Duration MOMENT = Duration.ofMillis(5);

  static final Duration LONG = Duration.ofSeconds(20);
  static final Options OPTIONS = Options.defaults().backlog(2);

  /** Something to do in a task of a loop. */
  interface Body {
    void run(Net net) throws Exception;
  }

  /** Runs it on this transport; what any task throws, is thrown. */
  abstract void inLoop(SystemLoop.Body body);

  abstract CopasServerSocket listen(Copas copas) throws IOException;

  abstract CopasSocket connect(Copas copas, ServerSocket server, Duration timeout)
      throws IOException;

  final void run(Body body) throws Exception {
    inLoop(copas -> body.run(new Net(copas)));
  }

  record Pair(CopasSocket here, CopasSocket there) {

    void close() throws IOException {
      here.close();
      there.close();
    }
  }

  /** A loop whose servers let two connections wait, and what the tests need of it. */
  final class Net {

    private final Copas copas;

    private Net(Copas copas) {
      this.copas = copas;
    }

    Copas copas() {
      return copas;
    }

    CopasServerSocket listen() throws IOException {
      return StreamConformance.this.listen(copas);
    }

    CopasSocket connect(ServerSocket server) throws IOException {
      return connect(server, LONG);
    }

    CopasSocket connect(ServerSocket server, Duration timeout) throws IOException {
      return StreamConformance.this.connect(copas, server, timeout);
    }

    Pair pair() throws IOException {
      return pair(0);
    }

    /**
     * @param buffers of the sockets, in bytes; 0 is what they have anyway
     */
    Pair pair(int buffers) throws IOException {
      try (CopasServerSocket listener = listen()) {
        if (buffers > 0) {
          listener.setReceiveBufferSize(buffers);
        }
        var here = connect(listener);
        if (buffers > 0) {
          here.setSendBufferSize(buffers);
        }
        return new Pair(here, listener.accept());
      }
    }

    Job start(TaskBody body) {
      var job = new Job();
      copas.addThread(() -> {
        try {
          body.run();
        } finally {
          job.end();
        }
      });
      return job;
    }
  }

  /** A task that another one waits for, in a way that the loop knows. */
  static final class Job {

    private final Task waiter = Copas.current();
    private boolean done;

    private void end() {
      done = true;
      waiter.wakeup();
    }

    void await() throws InterruptedException {
      while (!done) {
        Copas.pause(LONG);
      }
    }
  }

  static void assertSays(String part, Class<? extends Throwable> type, Executable call) {
    Throwable thrown = assertThrows(type, call);
    assertTrue(String.valueOf(thrown.getMessage()).contains(part), () -> "says: " + thrown);
  }

  // ---- Bytes

  @Test
  void pingPong() throws Exception {
    run(net -> {
      var pair = net.pair();
      net.start(() -> {
        for (int i; (i = pair.there().receive(1)[0]) < 50; ) {
          pair.there().send(new byte[] {(byte) (i + 1)});
        }
        pair.there().close();
      });
      pair.here().send(new byte[] {0});
      for (int expected = 1; expected <= 50; expected++) {
        assertEquals(expected, pair.here().receive(1)[0]);
        pair.here().send(new byte[] {(byte) expected});
      }
      assertNull(pair.here().receivePartial());
      pair.close();
    });
  }

  @Test
  void muchDataBothWaysAtOnce() throws Exception {
    run(net -> {
      var pair = net.pair();
      byte[] there = data(1_000_000, 1);
      byte[] here = data(700_000, 2);
      var sendsThere = net.start(() -> sendAll(pair.there(), there));
      var sendsHere = net.start(() -> sendAll(pair.here(), here));
      var receivesThere = net.start(() -> assertEquals(sum(here), sum(pair.there().receiveAll())));
      assertEquals(sum(there), sum(pair.here().receiveAll()));
      receivesThere.await();
      sendsHere.await();
      sendsThere.await();
      pair.close();
    });
  }

  private static void sendAll(CopasSocket socket, byte[] bytes) throws IOException {
    socket.send(bytes);
    socket.shutdownOutput();
  }

  private static byte[] data(int size, int key) {
    byte[] bytes = new byte[size];
    for (int i = 0; i < size; i++) {
      bytes[i] = (byte) (((i + key) * 0x9E3779B1) >>> 24);
    }
    return bytes;
  }

  private static long sum(byte[] bytes) {
    var crc = new CRC32();
    crc.update(bytes);
    return crc.getValue() * 31 + bytes.length;
  }

  @Test
  void severalSendersAndAReceiverGetAlong() throws Exception {
    run(net -> {
      var pair = net.pair(1000);
      var senders = new Job[4];
      for (int s = 0; s < senders.length; s++) {
        String name = "sender" + s + ":" + "x".repeat(s * 100) + ":";
        senders[s] =
            net.start(() -> {
              for (int i = 0; i < 50; i++) {
                pair.here().send(name + i + "\n");
              }
            });
      }
      var next = new HashMap<String, Integer>();
      for (int i = 0; i < 200; i++) {
        String line = String.valueOf(pair.there().receive());
        String sender = line.substring(0, line.lastIndexOf(':') + 1);
        int number = Integer.parseInt(line.substring(sender.length()));
        assertEquals(next.getOrDefault(sender, 0), number, line);
        next.put(sender, number + 1);
      }
      assertEquals(senders.length, next.size());
      pair.close();
    });
  }

  @Test
  void nothingIsSentAndReceivedAtOnce() throws Exception {
    run(net -> {
      var pair = net.pair();
      pair.here().send(new byte[0]);
      pair.here().flush();
      assertArrayEquals(new byte[0], pair.there().receive(0));
      assertEquals(0, pair.there().receive(ByteBuffer.allocate(0)));
      assertEquals(0, pair.there().getInputStream().read(new byte[0]));
      assertEquals(0, pair.there().getInputStream().available());
      pair.here().send("x");
      assertEquals("x", new String(pair.there().receive(1), UTF_8));
      pair.close();
    });
  }

  // ---- Deadlines

  @Test
  void receiveHasDeadlinesPastPresentAndFuture() throws Exception {
    run(net -> {
      var pair = net.pair();
      for (Duration timeout : new Duration[] {Duration.ZERO, Duration.ofNanos(1), MOMENT}) {
        pair.here().setTimeouts(null, null, timeout);
        assertSays("Read timed out", SocketTimeoutException.class, pair.here()::receive);
      }
      pair.here().setTimeouts(null, null, LONG);
      net.start(() -> pair.there().send("in time\n"));
      assertEquals("in time", pair.here().receive());
      pair.close();
    });
  }

  @Test
  void sendHasADeadlineAndSaysWhatIsUnderWay() throws Exception {
    run(net -> {
      var pair = net.pair(5000);
      byte[] bytes = data(10_000_000, 3);
      for (Duration timeout : new Duration[] {Duration.ofNanos(1), MOMENT}) {
        pair.here().setTimeouts(null, timeout, null);
        var timedOut = assertThrows(SocketTimeoutException.class, () -> pair.here().send(bytes));
        assertTrue(timedOut.bytesTransferred > 0);
        int gone = timedOut.bytesTransferred;
        pair.there().setTimeouts(null, null, LONG);
        byte[] got = pair.there().receive(gone);
        assertEquals(sum(Arrays.copyOf(bytes, gone)), sum(got));
      }
      pair.here().setTimeouts(null, LONG, null);
      pair.here().send("whole\n");
      assertEquals("whole", pair.there().receive());
      pair.close();
    });
  }

  @Test
  void aTimeOutLosesNoBytes() throws Exception {
    run(net -> {
      var pair = net.pair();
      pair.here().setTimeouts(null, null, MOMENT);
      for (int i = 0; i < 5; i++) {
        pair.there().send("half ");
        pair.there().flush();
        assertThrows(SocketTimeoutException.class, pair.here()::receive);
      }
      pair.there().send("all\n");
      pair.here().setTimeouts(null, null, LONG);
      assertEquals("half half half half half all", pair.here().receive());
      pair.close();
    });
  }

  @Test
  void acceptTimesOut() throws Exception {
    run(net -> {
      try (var server = net.listen()) {
        server.setSoTimeout(1);
        assertSays("Accept timed out", SocketTimeoutException.class, server::accept);
        net.start(() -> net.connect(server).close());
        server.setSoTimeout((int) LONG.toMillis());
        server.accept().close();
      }
    });
  }

  // ---- Ends

  @Test
  void closeWakesReaderAndWriter() throws Exception {
    run(net -> {
      var pair = net.pair(1000);
      var reader =
          net.start(() -> assertSays("Socket closed", SocketException.class, pair.here()::receive));
      var writer =
          net.start(() ->
              assertSays(
                  "closed", SocketException.class, () -> pair.here().send(new byte[10_000_000])));
      Copas.pause(MOMENT);
      pair.here().close();
      reader.await();
      writer.await();
      assertSays("closed", SocketException.class, pair.here()::receive);
      assertSays("closed", SocketException.class, () -> pair.here().send("x"));
      pair.close();
    });
  }

  @Test
  void closeWakesWhoAccepts() throws Exception {
    run(net -> {
      var server = net.listen();
      var acceptor = net.start(() -> assertSays("closed", SocketException.class, server::accept));
      Copas.pause(MOMENT);
      server.close();
      acceptor.await();
    });
  }

  @Test
  void halfACloseLeavesTheOtherHalf() throws Exception {
    run(net -> {
      var pair = net.pair();
      pair.here().send("last words\n");
      pair.here().shutdownOutput();
      assertEquals("last words", pair.there().receive());
      assertNull(pair.there().receive());
      assertNull(pair.there().receive());
      pair.there().send("answer\n");
      assertEquals("answer", pair.here().receive());
      assertSays("shutdown", SocketException.class, () -> pair.here().send("x"));
      pair.close();
    });
  }

  // ---- Connecting

  @Test
  void whereNobodyHasRoomItTimesOut() throws Exception {
    run(net -> {
      var guests = new ArrayList<CopasSocket>();
      try (var server = net.listen()) { // Which takes few, and accepts none.
        assertSays(
            "Connect to ",
            SocketTimeoutException.class,
            () -> {
              while (guests.size() < 20) {
                guests.add(net.connect(server, Duration.ofMillis(50)));
              }
            });
      }
      for (CopasSocket guest : guests) {
        guest.close();
      }
    });
  }

  // ---- Everything else

  @Test
  void otherMethodsWorkWhileTasksWait() throws Exception {
    run(net -> {
      var pair = net.pair(1000);
      var reader = net.start(() -> assertEquals("done", pair.here().receive()));
      var writer = net.start(() -> pair.here().send(new byte[3_000_000]));
      Copas.pause(MOMENT);
      for (int i = 0; i < 20; i++) {
        assertEquals(0, pair.here().getInputStream().available());
        assertTrue(pair.here().isConnected());
        pair.here().setKeepAlive(i % 2 == 0);
        assertThrows(IllegalStateException.class, pair.here()::receive);
        assertFalse(pair.here().trySend("x"));
        assertFalse(pair.here().isClosed());
        Copas.pause();
      }
      assertEquals(3_000_000, pair.there().receive(3_000_000).length);
      writer.await();
      pair.there().getOutputStream().write("done\n".getBytes(UTF_8));
      reader.await();
      pair.close();
    });
  }
}
