package dev.copas;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.SocketFixture.Job;
import dev.copas.SocketFixture.Pair;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.InputStreamReader;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.List;
import java.util.Scanner;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The JDK's own readers and writers on our sockets, as code that knows only java.net uses them. */
@Timeout(60)
class SocketsStreamTest {

  /** A handler from before: it takes a Socket and knows nothing of us. */
  private static void shout(Socket socket) throws Exception {
    try (var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
        var out =
            new PrintWriter(
                new BufferedWriter(new OutputStreamWriter(socket.getOutputStream(), UTF_8)),
                true)) {
      for (String line; (line = in.readLine()) != null; ) {
        out.println(line.toUpperCase(java.util.Locale.ROOT));
      }
    }
  }

  @Test
  void aHandlerWrittenForJavaNetServesAsItIs() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var server = fixture.serve(SocketsStreamTest::shout);
      try (Socket client = fixture.client(server)) {
        client.getOutputStream().write("grüße\nund schluss".getBytes(UTF_8));
        client.shutdownOutput();
        String separator = System.lineSeparator();
        assertEquals(
            "GRÜSSE" + separator + "UND SCHLUSS" + separator,
            new String(client.getInputStream().readAllBytes(), UTF_8));
      }
      assertTrue(fixture.errors.isEmpty(), fixture.errors.toString());
    }
  }

  @Test
  void dataStreamsCarryEveryType() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      Job<@Nullable Void> job =
          fixture.startRun(() -> {
            var in = new DataInputStream(pair.ours().getInputStream());
            var out = new DataOutputStream(pair.ours().getOutputStream());
            out.writeInt(in.readInt());
            out.writeDouble(in.readDouble());
            out.writeUTF(in.readUTF());
            out.writeBoolean(in.readBoolean());
            out.flush();
          });
      var out = new DataOutputStream(pair.plain().getOutputStream());
      out.writeInt(-2);
      out.writeDouble(Math.PI);
      out.writeUTF("zwölf");
      out.writeBoolean(true);
      var in = new DataInputStream(pair.plain().getInputStream());
      assertEquals(-2, in.readInt());
      assertEquals(Math.PI, in.readDouble());
      assertEquals("zwölf", in.readUTF());
      assertTrue(in.readBoolean());
      fixture.result(job);
    }
  }

  @Test
  void objectStreamsShakeHands() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      Job<Object> job =
          fixture.start(() -> {
            var out = new ObjectOutputStream(pair.ours().getOutputStream());
            out.flush();
            var in = new ObjectInputStream(pair.ours().getInputStream());
            Object received = in.readObject();
            out.writeObject(received);
            out.flush();
            return received;
          });
      var out = new ObjectOutputStream(pair.plain().getOutputStream());
      out.writeObject(List.of("a", 1));
      out.flush();
      var in = new ObjectInputStream(pair.plain().getInputStream());
      assertEquals(List.of("a", 1), in.readObject());
      assertEquals(List.of("a", 1), fixture.result(job));
    }
  }

  @Test
  void transferToMovesEverythingEachWay() throws Exception {
    byte[] message = SocketFixture.pattern(1_000_000, 1);
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      Job<byte[]> job =
          fixture.start(() -> {
            var received = new ByteArrayOutputStream();
            pair.ours().getInputStream().transferTo(received);
            new ByteArrayInputStream(message).transferTo(pair.ours().getOutputStream());
            pair.ours().close();
            return received.toByteArray();
          });
      pair.plainSends(message);
      pair.plain().shutdownOutput();
      assertArrayEquals(message, pair.plain().getInputStream().readAllBytes());
      assertArrayEquals(message, fixture.result(job));
    }
  }

  @Test
  void transferToPassesEverythingOnFromSocketToSocket() throws Exception {
    byte[] message = SocketFixture.pattern(100_000, 1);
    try (var fixture = SocketFixture.started()) {
      Pair from = fixture.pair();
      Pair to = fixture.pair();
      Job<Long> job =
          fixture.start(() -> {
            long count = from.ours().getInputStream().transferTo(to.ours().getOutputStream());
            to.ours().close();
            return count;
          });
      fixture.awaitWaiting(job); // The first piece comes while it waits.
      from.plainSends(message);
      from.plain().shutdownOutput();
      assertArrayEquals(message, to.plain().getInputStream().readAllBytes());
      assertEquals(message.length, fixture.result(job));
    }
  }

  @Test
  void transferToASocketThatTakesNoMoreFailsAndTheSourceCanGoOn() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair from = fixture.pair();
      Pair to = fixture.pair();
      Job<byte[]> job =
          fixture.start(() -> {
            var in = from.ours().getInputStream();
            var out = to.ours().getOutputStream();
            to.ours().shutdownOutput();
            assertThrows(SocketException.class, () -> in.transferTo(out));
            from.ours().send("next");
            return from.ours().receiveAll();
          });
      from.plainSends("lost");
      assertEquals("next", new String(from.plain().getInputStream().readNBytes(4), UTF_8));
      from.plainSends("kept");
      from.plain().shutdownOutput();
      assertEquals("kept", new String(fixture.result(job), UTF_8));
    }
  }

  @Test
  @Tag("native") // Solo mode has one loop.
  void transferToASocketOfAnotherLoopWorksAsAnyStream() throws Exception {
    try (var fixture = SocketFixture.started();
        var other = SocketFixture.started()) {
      Pair from = fixture.pair();
      Pair to = other.pair();
      Job<Long> job =
          fixture.start(() -> from.ours().getInputStream().transferTo(to.ours().getOutputStream()));
      from.plainSends("abc");
      from.plain().shutdownOutput();
      assertEquals("abc", new String(to.plain().getInputStream().readNBytes(3), UTF_8));
      assertEquals(3, fixture.result(job));
    }
  }

  @Test
  void transferToFromSocketToSocketEndsWithTheReceiveTimeOutAndCanGoOn() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      Job<@Nullable Void> job =
          fixture.startRun(() -> {
            var in = pair.ours().getInputStream();
            var out = pair.ours().getOutputStream();
            pair.ours().setSoTimeout(20);
            assertThrows(SocketTimeoutException.class, () -> in.transferTo(out));
            pair.ours().setSoTimeout(0);
            out.write('!');
            assertEquals(3, in.transferTo(out));
            pair.ours().shutdownInput();
            assertEquals(0, in.transferTo(out));
            pair.ours().close();
            assertThrows(SocketException.class, () -> in.transferTo(out));
          });
      assertEquals('!', pair.plain().getInputStream().read()); // The time-out is over.
      pair.plainSends("abc");
      pair.plain().shutdownOutput();
      assertEquals("abc", new String(pair.plain().getInputStream().readAllBytes(), UTF_8));
      fixture.finish(job);
    }
  }

  @Test
  void aScannerReadsWords() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      pair.plainSends("one 2\nthree");
      pair.plain().shutdownOutput();
      fixture.runInTask(() -> {
        var scanner = new Scanner(pair.ours().getInputStream(), UTF_8);
        assertEquals("one", scanner.next());
        assertEquals(2, scanner.nextInt());
        assertEquals("three", scanner.next());
      });
    }
  }

  @Test
  void closingAStreamClosesTheSocketAndDeliversWhatWasWritten() throws Exception {
    try (var fixture = SocketFixture.started()) {
      for (boolean input : new boolean[] {true, false}) {
        Pair pair = fixture.pair();
        fixture.runInTask(() -> {
          pair.ours().getOutputStream().write('x');
          if (input) {
            pair.ours().getInputStream().close();
          } else {
            pair.ours().getOutputStream().close();
          }
          assertTrue(pair.ours().isClosed());
        });
        assertEquals("x", pair.plainReceivesAll());
      }
    }
  }

  @Test
  void copasFunctionsTakeAPlainSocketReference() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      Socket socket = pair.ours();
      pair.plainSends("line\n123");
      fixture.runInTask(() -> {
        assertEquals("line", Copas.receive(socket));
        assertArrayEquals("123".getBytes(UTF_8), Copas.receive(socket, 3));
        Copas.send(socket, "text");
        Copas.send(socket, new byte[] {'!'});
        assertEquals(pair.ours(), Copas.wrap(socket));
      });
      assertEquals("text!", pair.plainReceives(5));
      pair.plain().shutdownOutput();
      assertNull(fixture.inTask(() -> Copas.receive(socket)));
    }
  }

  @Test
  void copasFunctionsRefuseSocketsOfOthers() throws Exception {
    try (var plain = new Socket()) {
      var error =
          org.junit.jupiter.api.Assertions.assertThrows(
              IllegalArgumentException.class, () -> Copas.wrap(plain));
      SocketFixture.assertSays("connect()", error);
      org.junit.jupiter.api.Assertions.assertThrows(
          NullPointerException.class, () -> Copas.wrap(SocketsSendTest.<Socket>none()));
    }
  }
}
