package dev.copas;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.copas.SocketFixture.Job;
import dev.copas.SocketFixture.Pair;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What each kind of receive makes of the bytes that come, however they come. */
@Timeout(60)
class SocketsReceiveTest {

  private static final Options SHORT_LINES = Options.defaults().maxLineBytes(10);

  // ---- Lines

  @Test
  void aLineEndsAtALineFeedAndLosesTheCarriageReturnBeforeIt() throws Exception {
    assertEquals(
        Arrays.asList("lf", "crlf", "c\rr\r", "", "", "\r", "last", null, null),
        linesOf("lf\ncrlf\r\nc\rr\r\r\n\n\r\n\r\r\nlast"));
  }

  @Test
  void anUnterminatedLastLineKeepsItsCarriageReturn() throws Exception {
    assertEquals(Arrays.asList("a", "b\r", null, null), linesOf("a\nb\r"));
  }

  @Test
  void anEmptyStreamHasNoLine() throws Exception {
    assertEquals(Arrays.asList(null, null), linesOf(""));
  }

  @Test
  void aStreamThatEndsWithALineFeedHasNoEmptyLastLine() throws Exception {
    assertEquals(Arrays.asList("a", null, null), linesOf("a\n"));
  }

  /** All lines, and what receive() answers twice at the end. */
  private static List<@Nullable String> linesOf(String stream) throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      pair.plainSends(stream);
      pair.plain().shutdownOutput();
      return fixture.inTask(() -> {
        var lines = new ArrayList<@Nullable String>();
        String line;
        do {
          line = pair.ours().receive();
          lines.add(line);
        } while (line != null);
        lines.add(pair.ours().receive());
        return lines;
      });
    }
  }

  @Tag("native")
  @Test
  void linesSurviveASplitAtEveryByte() throws Exception {
    byte[] message = "äö€\r\n\n\uD83D\uDE00 x\r\r\n".getBytes(UTF_8);
    List<String> expected = List.of("äö€", "", "\uD83D\uDE00 x\r");
    atEverySplit(
        message,
        socket -> {
          var lines = new ArrayList<@Nullable String>();
          for (int i = 0; i < expected.size(); i++) {
            lines.add(socket.receive());
          }
          assertEquals(expected, lines);
        });
  }

  @Tag("native")
  @Test
  void aLineThatComesByteByByteIsALine() throws Exception {
    byte[] line = "1-byte wrïtes\r\n".getBytes(UTF_8);
    try (var fixture = SocketFixture.stepped()) {
      Pair pair = fixture.pair();
      Job<@Nullable String> job = fixture.start(pair.ours()::receive);
      for (byte b : line) {
        fixture.awaitWaiting(job);
        assertFalse(job.isDone());
        pair.plainSends(new byte[] {b});
        fixture.copas.step(SocketFixture.SOON);
      }
      assertEquals("1-byte wrïtes", fixture.result(job));
    }
  }

  @Test
  void aLineAtTheLimitIsTakenWithEitherEnd() throws Exception {
    try (var fixture = SocketFixture.started(SHORT_LINES)) {
      Pair pair = fixture.pair();
      pair.plainSends("0123456789\n9876543210\r\n0123456789");
      pair.plain().shutdownOutput();
      assertEquals("0123456789", fixture.inTask(pair.ours()::receive));
      assertEquals("9876543210", fixture.inTask(pair.ours()::receive));
      assertEquals("0123456789", fixture.inTask(pair.ours()::receive));
      assertNull(fixture.inTask(pair.ours()::receive));
    }
  }

  @Test
  void aLineOneByteTooLongIsRefusedAndStays() throws Exception {
    for (String end : List.of("\n", "\r\n")) {
      try (var fixture = SocketFixture.started(SHORT_LINES)) {
        Pair pair = fixture.pair();
        String tooLong = "0123456789+" + end;
        pair.plainSends(tooLong + "next\n");
        fixture.runInTask(() -> {
          CopasSocket socket = pair.ours();
          assertThrows(LineTooLongException.class, socket::receive);
          assertThrows(LineTooLongException.class, socket::receive);
          assertEquals(tooLong, new String(socket.receive(tooLong.length()), ISO_8859_1));
          assertEquals("next", socket.receive());
        });
      }
    }
  }

  @Test
  void aLineWithoutEndIsRefusedAsSoonAsItIsTooLong() throws Exception {
    try (var fixture = SocketFixture.started(SHORT_LINES)) {
      Pair pair = fixture.pair();
      Job<@Nullable String> job = fixture.start(pair.ours()::receive);
      pair.plainSends("0123456789 and no end");
      var error = assertThrows(LineTooLongException.class, () -> fixture.finish(job));
      SocketFixture.assertSays("Options.maxLineBytes", error);
      assertEquals("0123456789 and no end", text(fixture.inTask(pair.ours()::receivePartial)));
    }
  }

  @Test
  void anUnterminatedLastLineThatIsTooLongIsRefused() throws Exception {
    try (var fixture = SocketFixture.started(SHORT_LINES)) {
      Pair pair = fixture.pair();
      pair.plainSends("0123456789+");
      pair.plain().shutdownOutput();
      assertThrows(LineTooLongException.class, () -> fixture.runInTask(pair.ours()::receive));
      assertEquals("0123456789+", text(fixture.inTask(pair.ours()::receivePartial)));
    }
  }

  @Test
  void linesLongerThanTheReceiveBufferAreWhole() throws Exception {
    try (var fixture =
        SocketFixture.started(Options.defaults().receiveBufferBytes(64).maxLineBytes(5000))) {
      Pair pair = fixture.pair();
      String line = "0123456789".repeat(500);
      pair.plainSends(line + "\n" + line + "\r\n");
      fixture.runInTask(() -> {
        assertEquals(line, pair.ours().receive());
        assertEquals(line, pair.ours().receive());
      });
    }
  }

  @Test
  void malformedTextIsAnErrorThatLosesNothing() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      pair.plainSends("caf\u00e9\nnext\n");
      fixture.runInTask(() -> {
        CopasSocket socket = pair.ours();
        var error = assertThrows(MalformedTextException.class, socket::receive);
        SocketFixture.assertSays("byte 3", error);
        assertThrows(MalformedTextException.class, socket::receive);
        socket.setCharset(ISO_8859_1);
        assertEquals("caf\u00e9", socket.receive());
        assertEquals(ISO_8859_1, socket.getCharset());
        assertEquals("next", socket.receive());
      });
    }
  }

  @Test
  void everyKindOfMalformedUtf8IsRefused() throws Exception {
    List<byte[]> malformed =
        List.of(
            bytes(0x80), // A continuation without a start.
            bytes(0xc0, 0x80), // An overlong zero.
            bytes(0xe2, 0x82), // Cut short.
            bytes(0xed, 0xa0, 0x80), // Half of a surrogate pair.
            bytes(0xf5, 0x80, 0x80, 0x80), // Beyond Unicode.
            bytes(0xff));
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      for (byte[] bytes : malformed) {
        pair.plainSends(bytes);
        pair.plainSends("\n");
        fixture.runInTask(() -> {
          assertThrows(MalformedTextException.class, pair.ours()::receive);
          assertArrayEquals(bytes, pair.ours().receive(bytes.length));
          assertEquals("", pair.ours().receive());
        });
      }
    }
  }

  @Test
  void theReplacementCharacterItselfIsText() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      pair.plainSends("a\uFFFDb\n".getBytes(UTF_8));
      assertEquals("a\uFFFDb", fixture.inTask(pair.ours()::receive));
    }
  }

  // ---- A number of bytes

  @Tag("native")
  @Test
  void receiveOfACountSurvivesASplitAtEveryByte() throws Exception {
    byte[] message = SocketFixture.pattern(13, 1);
    atEverySplit(
        message,
        socket -> {
          assertArrayEquals(Arrays.copyOf(message, 5), socket.receive(5));
          assertArrayEquals(Arrays.copyOfRange(message, 5, 13), socket.receive(8));
        });
  }

  @Test
  void receiveOfNothingReturnsAtOnce() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      assertEquals(0, fixture.inTask(() -> pair.ours().receive(0)).length);
      pair.plain().shutdownOutput();
      assertEquals(0, fixture.inTask(() -> pair.ours().receive(0)).length);
    }
  }

  @Test
  void receiveOfANegativeCountIsRefused() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      var error =
          assertThrows(
              IllegalArgumentException.class,
              () -> fixture.runInTask(() -> pair.ours().receive(-1)));
      SocketFixture.assertSays("-1", error);
    }
  }

  @Test
  void aHugeCountTakesNoMemoryBeforeTheBytesCome() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      Job<byte[]> job = fixture.start(() -> pair.ours().receive(Integer.MAX_VALUE));
      pair.plainSends("little");
      pair.plain().shutdownOutput();
      // Had it been allocated, this would be an OutOfMemoryError: no JVM has such an array.
      var error = assertThrows(EOFException.class, () -> fixture.finish(job));
      SocketFixture.assertSays("6 of 2147483647", error);
      assertEquals("little", text(fixture.inTask(pair.ours()::receivePartial)));
    }
  }

  @Test
  void whatCameBeforeAnEarlyEndStaysReadable() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      pair.plainSends("abc");
      pair.plain().shutdownOutput();
      fixture.runInTask(() -> {
        CopasSocket socket = pair.ours();
        assertThrows(EOFException.class, () -> socket.receive(4));
        assertThrows(EOFException.class, () -> socket.receive(4));
        assertEquals("abc", text(socket.receivePartial()));
        assertNull(socket.receivePartial());
        assertThrows(EOFException.class, () -> socket.receive(1));
      });
    }
  }

  @Test
  void aCountFarAboveTheBufferComesWhole() throws Exception {
    byte[] message = SocketFixture.pattern(3_000_000, 7);
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      Job<byte[]> job = fixture.start(() -> pair.ours().receive(message.length));
      pair.plainSends(message);
      assertArrayEquals(message, fixture.result(job));
    }
  }

  // ---- Everything

  @Tag("native")
  @Test
  void receiveAllSurvivesASplitAtEveryByte() throws Exception {
    byte[] message = SocketFixture.pattern(5, 2);
    for (int split = 0; split <= message.length; split++) {
      try (var fixture = SocketFixture.stepped()) {
        Pair pair = fixture.pair();
        Job<byte[]> job = fixture.start(pair.ours()::receiveAll);
        fixture.awaitWaiting(job);
        pair.plainSends(Arrays.copyOf(message, split));
        fixture.copas.step();
        pair.plainSends(Arrays.copyOfRange(message, split, message.length));
        fixture.copas.step();
        assertFalse(job.isDone());
        pair.plain().shutdownOutput();
        assertArrayEquals(message, fixture.result(job));
        assertEquals(0, fixture.inTask(pair.ours()::receiveAll).length);
      }
    }
  }

  @Test
  void receiveAllBeginsWithWhatALineLeftOver() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      pair.plainSends("line\nrest");
      pair.plain().shutdownOutput();
      assertEquals("line", fixture.inTask(pair.ours()::receive));
      assertEquals("rest", text(fixture.inTask(pair.ours()::receiveAll)));
    }
  }

  @Test
  void receiveAllIsBoundedAndLosesNothing() throws Exception {
    try (var fixture = SocketFixture.started(Options.defaults().maxReceiveAllBytes(100))) {
      Pair pair = fixture.pair();
      pair.plainSends("x".repeat(100));
      pair.plain().shutdownOutput();
      assertEquals(100, fixture.inTask(pair.ours()::receiveAll).length);

      Pair tooMuch = fixture.pair();
      tooMuch.plainSends("x".repeat(101));
      var error =
          assertThrows(IOException.class, () -> fixture.runInTask(tooMuch.ours()::receiveAll));
      SocketFixture.assertSays("Options.maxReceiveAllBytes", error);
      assertEquals("x".repeat(101), text(fixture.inTask(() -> tooMuch.ours().receive(101))));
    }
  }

  // ---- What is there

  @Tag("native")
  @Test
  void receivePartialReturnsWhatThereIsAtEverySplit() throws Exception {
    byte[] message = SocketFixture.pattern(6, 3);
    for (int split = 1; split < message.length; split++) {
      try (var fixture = SocketFixture.stepped()) {
        Pair pair = fixture.pair();
        for (byte[] part :
            List.of(
                Arrays.copyOf(message, split),
                Arrays.copyOfRange(message, split, message.length))) {
          Job<byte @Nullable []> job =
              fixture.<byte @Nullable []>start(pair.ours()::receivePartial);
          fixture.awaitWaiting(job);
          pair.plainSends(part);
          assertArrayEquals(part, fixture.result(job));
        }
        pair.plain().shutdownOutput();
        assertNull(fixture.<byte @Nullable []>inTask(pair.ours()::receivePartial));
      }
    }
  }

  // ---- Into a buffer

  @Test
  void receiveFillsEveryKindOfBuffer() throws Exception {
    byte[] message = SocketFixture.pattern(10_000, 4);
    for (int room : new int[] {1, 100, 4095, 4096, 10_000, 20_000}) {
      for (ByteBuffer target :
          List.of(
              ByteBuffer.allocate(room),
              ByteBuffer.allocateDirect(room),
              ByteBuffer.allocate(room + 7).slice(3, room))) {
        try (var fixture = SocketFixture.started()) {
          Pair pair = fixture.pair();
          pair.plainSends(message);
          pair.plain().shutdownOutput();
          assertArrayEquals(
              message, fixture.inTask(() -> everything(pair.ours(), target)), "room " + room);
        }
      }
    }
  }

  private static byte[] everything(CopasSocket socket, ByteBuffer target) throws IOException {
    var all = new ByteArrayOutputStream();
    for (int n; (n = socket.receive(target.clear())) >= 0; ) {
      assertEquals(n, target.position());
      byte[] chunk = new byte[n];
      target.flip().get(chunk);
      all.writeBytes(chunk);
    }
    assertEquals(-1, socket.receive(target.clear()));
    return all.toByteArray();
  }

  @Test
  void aBufferWithoutRoomReceivesNothingAndDoesNotWait() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      assertEquals(0, fixture.inTask(() -> pair.ours().receive(ByteBuffer.allocate(0))));
      assertEquals(
          0, fixture.inTask(() -> pair.ours().receive(ByteBuffer.allocate(5000).position(5000))));
    }
  }

  @Test
  void aReadOnlyBufferIsRefusedAtOnce() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      for (int room : new int[] {0, 10, 10_000}) {
        assertThrows(
            ReadOnlyBufferException.class,
            () ->
                fixture.runInTask(
                    () -> pair.ours().receive(ByteBuffer.allocate(room).asReadOnlyBuffer())));
      }
      pair.plainSends("still there\n");
      assertEquals("still there", fixture.inTask(pair.ours()::receive));
    }
  }

  @Test
  void receiveRefusesNull() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      assertThrows(
          NullPointerException.class,
          () -> fixture.runInTask(() -> pair.ours().receive(SocketsSendTest.<ByteBuffer>none())));
    }
  }

  // ---- One buffer for all of them

  @Test
  void streamsAndReceiveShareOneBuffer() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      pair.plainSends("line\nABCDEFGHIJ\nrest");
      pair.plain().shutdownOutput();
      fixture.runInTask(() -> {
        CopasSocket socket = pair.ours();
        assertEquals("line", socket.receive());
        assertEquals('A', socket.getInputStream().read());
        assertEquals("BC", text(socket.receive(2)));
        assertEquals("DEF", text(socket.getInputStream().readNBytes(3)));
        ByteBuffer two = ByteBuffer.allocate(2);
        assertEquals(2, socket.receive(two));
        assertEquals("GH", text(two.array()));
        assertEquals("IJ", socket.receive());
        assertEquals("rest", text(socket.getInputStream().readAllBytes()));
        assertEquals(-1, socket.getInputStream().read());
        assertNull(socket.receive());
      });
    }
  }

  @Tag("native")
  @Test
  void streamsSurviveASplitAtEveryByte() throws Exception {
    byte[] message = SocketFixture.pattern(9, 5);
    atEverySplit(
        message,
        socket -> assertArrayEquals(message, socket.getInputStream().readNBytes(message.length)));
  }

  @Tag("native")
  @Test
  void availableCountsWhatCanBeHadWithoutWaiting() throws Exception {
    try (var fixture = SocketFixture.stepped()) {
      Pair pair = fixture.pair();
      assertEquals(0, fixture.inTask(() -> pair.ours().getInputStream().available()));
      pair.plainSends("12345\n678");
      assertEquals("12345", fixture.inTask(pair.ours()::receive));
      assertEquals(3, fixture.inTask(() -> pair.ours().getInputStream().available()));
      assertEquals("678", text(fixture.inTask(() -> pair.ours().receive(3))));
      pair.plainSends("9");
      assertEquals(1, fixture.inTask(() -> pair.ours().getInputStream().available()));
      assertEquals("9", text(fixture.inTask(() -> pair.ours().receive(1))));
      pair.plain().shutdownOutput();
      assertEquals(0, fixture.inTask(() -> pair.ours().getInputStream().available()));
      assertNull(fixture.inTask(pair.ours()::receive));
    }
  }

  // ---- One receiver at a time

  @Tag("native")
  @Test
  void aSecondReceiverIsRefusedAtOnceAndTheFirstGoesOn() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Pair pair = fixture.pair();
      Job<@Nullable String> first = fixture.start(pair.ours()::receive);
      fixture.awaitWaiting(first);
      var error =
          assertThrows(IllegalStateException.class, () -> fixture.runInTask(pair.ours()::receive));
      SocketFixture.assertSays(first.task.name(), error);
      assertThrows(IllegalStateException.class, () -> fixture.runInTask(pair.ours()::receiveAll));
      pair.plainSends("for the first\n");
      assertEquals("for the first", fixture.result(first));
      pair.plainSends("and again\n");
      assertEquals("and again", fixture.inTask(pair.ours()::receive));
    }
  }

  // ---- Helpers

  @FunctionalInterface
  private interface Check {
    void on(CopasSocket socket) throws Exception;
  }

  /**
   * Sends the message in two pieces, once for every place where it can be cut. The second piece is
   * sent only when the task has taken the first and waits for more.
   */
  private static void atEverySplit(byte[] message, Check check) throws Exception {
    try (var fixture = SocketFixture.stepped()) {
      Pair pair = fixture.pair();
      for (int split = 1; split < message.length; split++) {
        Job<@Nullable Void> job = fixture.startRun(() -> check.on(pair.ours()));
        fixture.awaitWaiting(job);
        pair.plainSends(Arrays.copyOf(message, split));
        fixture.copas.step(SocketFixture.SOON);
        fixture.awaitWaiting(job);
        assertFalse(job.isDone());
        pair.plainSends(Arrays.copyOfRange(message, split, message.length));
        fixture.result(job);
      }
    }
  }

  private static String text(byte @Nullable [] bytes) {
    assertNotNull(bytes);
    return new String(bytes, ISO_8859_1);
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }
}
