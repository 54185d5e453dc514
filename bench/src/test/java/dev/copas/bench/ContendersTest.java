package dev.copas.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whoever takes part does the work that is measured. Nothing is measured here. */
@EnabledOnOs(OS.LINUX)
@Timeout(100)
class ContendersTest {

  private static final Path TARGET = Path.of("target");
  private static final Path LOG = TARGET.resolve("servers-of-tests.log");
  private static final String ANY_CORE = "0";
  private static final int CONNECTIONS = 20;
  private static final long A_MOMENT = 50_000_000;

  static Stream<Contender> servers() throws Exception {
    return Contender.all(TARGET).stream().filter(contender -> !contender.isHello());
  }

  private static ServerProcess start(Contender contender, String mode) throws IOException {
    return new ServerProcess(contender.command(mode, List.of()), ANY_CORE, LOG);
  }

  @ParameterizedTest
  @MethodSource("servers")
  void everyServerEchoesBytesAndLines(Contender contender) throws Exception {
    for (String mode : List.of("raw", "lines")) {
      try (ServerProcess server = start(contender, mode)) {
        assertEchoes(server, 64, 1);
        assertEchoes(server, 64, 16);
        assertEchoes(server, 16 * 1024, 1);
      }
    }
  }

  private static void assertEchoes(ServerProcess server, int size, int inFlight)
      throws IOException {
    try (var load = new EchoLoad(server.port, CONNECTIONS, size, inFlight)) {
      load.begin();
      for (long answers = 0; answers <= 2 * CONNECTIONS; answers += load.takeAnswers()) {
        load.run(A_MOMENT); // A server that has just begun may need several.
      }
      assertTrue(load.takeLatency().getMaxValue() > 0);
    }
  }

  @ParameterizedTest
  @MethodSource("servers")
  void everyServerClosesWhenItsClientHas(Contender contender) throws Exception {
    try (ServerProcess server = start(contender, "raw");
        var load = new ChurnLoad(server.port, 4)) {
      while (load.takeRounds() == 0) {
        load.run(A_MOMENT);
      }
    }
  }

  @Test
  void aServerUsesTimeAndMemory() throws Exception {
    Contender ours = servers().findFirst().orElseThrow();
    try (ServerProcess server = start(ours, "raw")) {
      long before = server.cpuNanos();
      assertEchoes(server, 64, 1);
      assertTrue(server.cpuNanos() > before);
      assertTrue(server.resident() > 1_000_000);
    }
  }

  @Test
  void aWrongByteIsNoticed() throws Exception {
    try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Thread.ofPlatform().daemon().start(() -> answerWrongly(server));
      var error =
          assertThrows(
              IOException.class, () -> new EchoLoad(server.getLocalPort(), 1, 64, 1).close());
      assertEquals("connection 0 got a wrong byte at 5", error.getMessage());
    }
  }

  private static void answerWrongly(ServerSocket server) {
    try (var socket = server.accept()) {
      InputStream in = socket.getInputStream();
      byte[] bytes = in.readNBytes(64);
      bytes[5]++;
      socket.getOutputStream().write(bytes);
      in.read();
    } catch (IOException e) {
      // The client has seen enough.
    }
  }
}
