package dev.copas.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One server for the tests that only talk to it; those that end it have their own. */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EchoTest {

  private CliProcess server;
  private int port;

  @BeforeAll
  void start() throws Exception {
    server = CliProcess.start("echo", "--port", "0");
    port = server.port();
  }

  @AfterAll
  void stop() {
    server.close();
  }

  // ---- Bytes

  @Test
  void everyByteComesBackAsItWas() throws Exception {
    var bytes = new ByteArrayOutputStream();
    for (int b = 0; b < 256; b++) {
      bytes.write(b);
    }
    bytes.write('\n');
    assertArrayEquals(bytes.toByteArray(), answerTo(bytes.toByteArray()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\n",
        "\r\n",
        "\n\n\r\n\r\n",
        "a\r\nb\nc\rd\n",
        "the last line has no end",
        "q",
        "qui",
        "quit\r",
        "a\nquit\r",
        "quit!\n",
        "quits\n",
        "Quit\n",
        "qui\nt\n",
        "qquit\n",
        "quit quit\n",
        "quit\r\r\n",
        " quit\n",
        "say quit\n"
      })
  void whatIsNotTheLineQuitComesBack(String sent) throws Exception {
    assertEquals(sent, answerTo(sent));
    assertEquals(sent, answerInPiecesOfOneByte(sent));
  }

  @ParameterizedTest
  @ValueSource(strings = {"quit\n", "quit\r\n", "quit"})
  void theLineQuitEndsTheConversation(String quit) throws Exception {
    for (String before :
        new String[] {"", "a\n", "qui\n", "quit!\n", "a line that is longer\r\n"}) {
      assertEquals(before, answerTo(before + quit));
      assertEquals(before, answerInPiecesOfOneByte(before + quit));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"quit\n", "quit\r\n"})
  void afterQuitTheServerCloses(String quit) throws Exception {
    try (Socket socket = server.connect(port)) {
      socket.getOutputStream().write(("hello\n" + quit).getBytes(ISO_8859_1));
      assertEquals("hello\n", new String(socket.getInputStream().readAllBytes(), ISO_8859_1));
    }
  }

  @Test
  void nothingIsSaidToWhatComesAfterQuitInTheSamePiece() throws Exception {
    try (Socket socket = server.connect(port)) {
      socket.getOutputStream().write("a\nquit\nb\n".getBytes(ISO_8859_1));
      assertEquals("a\n", new String(socket.getInputStream().readAllBytes(), ISO_8859_1));
    }
  }

  @Test
  void aLineOf50MegabytesComesBackThroughASmallHeap() throws Exception {
    var line = new byte[50_000_000];
    new Random(7).nextBytes(line);
    for (int i = 0; i < line.length; i++) {
      line[i] = line[i] == '\n' ? (byte) 'x' : line[i];
    }
    assertArrayEquals(line, answerTo(line));
  }

  @Test
  void aThousandConnectionsAreServedAtOnce() throws Exception {
    var sockets = new Socket[1000];
    try {
      for (int i = 0; i < sockets.length; i++) {
        sockets[i] = server.connect(port);
      }
      for (int i = 0; i < sockets.length; i++) {
        sockets[i].getOutputStream().write(("line " + i + "\n").getBytes(ISO_8859_1));
      }
      for (int i = 0; i < sockets.length; i++) {
        byte[] wanted = ("line " + i + "\n").getBytes(ISO_8859_1);
        assertArrayEquals(wanted, sockets[i].getInputStream().readNBytes(wanted.length));
      }
    } finally {
      for (Socket socket : sockets) {
        if (socket != null) {
          socket.close();
        }
      }
    }
  }

  @Test
  void aClientThatResetsHurtsNobodyAndIsNotWorthAWord() throws Exception {
    try (var own = CliProcess.start("echo", "--port", "0")) {
      int ownPort = own.port();
      for (int i = 0; i < 20; i++) {
        Socket socket = own.connect(ownPort);
        socket.getOutputStream().write("hello\n".getBytes(ISO_8859_1));
        socket.setSoLinger(true, 0);
        socket.close();
      }
      try (Socket socket = own.connect(ownPort)) {
        assertEquals("still here\n", answer(socket, "still here\n".getBytes(ISO_8859_1)));
      }
      own.signal("TERM");
      assertEquals("", own.outcome().err());
    }
  }

  // ---- Addresses

  @Test
  void aNameIsShownAsTheAddressThatItMeans() throws Exception {
    try (var own = CliProcess.start("echo", "--host", "localhost", "--port", "0")) {
      var listening = own.listening();
      String address = listening.group(1).replaceAll("[\\[\\]]", "");
      assertTrue(InetAddress.ofLiteral(address).isLoopbackAddress(), address);
    }
  }

  // ---- The end

  @ParameterizedTest
  @CsvSource({"INT, 130", "TERM, 143"})
  @DisabledOnOs(OS.WINDOWS)
  void aSignalEndsItInOrder(String signal, int exitCode) throws Exception {
    try (var own = CliProcess.start("echo", "--port", "0")) {
      int ownPort = own.port();
      assumeFalse(
          signal.equals("INT") && own.ignoresInterrupts(), "the build was started to ignore it");
      try (Socket idle = own.connect(ownPort)) {
        assertEquals("hello\n", firstLine(idle, "hello\n"));
        own.signal(signal);
        assertEquals(-1, idle.getInputStream().read(), "an orderly close, and no reset");
      }
      var outcome = own.outcome();
      assertEquals("", outcome.err());
      assertEquals(exitCode, outcome.code());
      assertThrows(ConnectException.class, () -> own.connect(ownPort));
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aClientThatNeverReadsDoesNotKeepItFromEnding() throws Exception {
    try (var own = CliProcess.start("echo", "--port", "0");
        Socket greedy = own.connect(own.port())) {
      var sending =
          inBackground(() -> {
            var bytes = new byte[1 << 16];
            long sent = 0;
            try {
              while (true) {
                greedy.getOutputStream().write(bytes);
                sent += bytes.length;
              }
            } catch (IOException e) {
              return sent;
            }
          });
      assertThrows(TimeoutException.class, () -> sending.get(1, TimeUnit.SECONDS));
      own.signal("TERM");
      var outcome = own.outcome();
      assertEquals("", outcome.err());
      assertEquals(143, outcome.code());
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void theSamePortCanBeHadAgainAtOnce() throws Exception {
    int same;
    try (var first = CliProcess.start("echo", "--port", "0")) {
      same = first.port();
      try (Socket socket = first.connect(same)) {
        assertEquals("hello\n", firstLine(socket, "hello\n"));
        first.signal("TERM");
        first.outcome(); // Closes first, so that the old connection waits on the server's side.
      }
    }
    try (var second = CliProcess.start("echo", "--port", Integer.toString(same))) {
      assertEquals(same, second.port());
    }
  }

  // ---- Talking

  private String answerTo(String sent) throws Exception {
    return new String(answerTo(sent.getBytes(ISO_8859_1)), ISO_8859_1);
  }

  /** Sends everything, ends the stream, and returns all that came back. */
  private byte[] answerTo(byte[] sent) throws Exception {
    try (Socket socket = server.connect(port)) {
      var sending =
          inBackground(() -> {
            socket.getOutputStream().write(sent);
            socket.shutdownOutput();
            return null;
          });
      byte[] received = socket.getInputStream().readAllBytes();
      sending.get();
      return received;
    }
  }

  private String answerInPiecesOfOneByte(String sent) throws Exception {
    try (Socket socket = server.connect(port)) {
      socket.setTcpNoDelay(true);
      for (byte b : sent.getBytes(ISO_8859_1)) {
        socket.getOutputStream().write(b);
      }
      socket.shutdownOutput();
      return new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
    }
  }

  private static String answer(Socket socket, byte[] sent) throws IOException {
    socket.getOutputStream().write(sent);
    socket.shutdownOutput();
    return new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
  }

  private static String firstLine(Socket socket, String sent) throws IOException {
    socket.getOutputStream().write(sent.getBytes(ISO_8859_1));
    return new String(socket.getInputStream().readNBytes(sent.length()), ISO_8859_1);
  }

  private static <T> FutureTask<T> inBackground(Callable<T> call) {
    var task = new FutureTask<T>(call);
    Thread.ofPlatform().daemon().start(task);
    return task;
  }
}
