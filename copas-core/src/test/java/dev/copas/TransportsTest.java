package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.loop.Clock;
import dev.copas.loop.Environment;
import dev.copas.loop.FifoQueue;
import dev.copas.transport.Transport;
import dev.copas.transport.Transports;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Which sockets a loop stands on. */
@Tag("native")
@EnabledOnOs(OS.LINUX)
@Timeout(100)
class TransportsTest {

  private static final String FLAG = "--add-opens=java.base/java.lang=ALL-UNNAMED";
  private static final String PERMISSION = "--enable-native-access=ALL-UNNAMED";

  private static LoopChildJvm.Result run(String program, String... flags) throws Exception {
    return LoopChildJvm.with(flags).run(program);
  }

  @Test
  void withThePermissionItIsEpollAndNothingIsSaid() throws Exception {
    assertEquals("on EpollTransport\n", run("fastest", FLAG, PERMISSION).output());
    assertEquals("on EpollTransport\n", run("epoll", FLAG, PERMISSION).output());
  }

  @Test
  void withoutThePermissionItIsNioAndTheLogTellsWhy() throws Exception {
    String output = run("fastest", FLAG).output();
    assertTrue(output.endsWith("on NioTransport\n"), output);
    assertTrue(output.contains("the loop runs on java.nio; it calls epoll itself with"), output);
    assertTrue(output.contains(PERMISSION), output);
  }

  @Test
  void whoAsksForNioGetsItAndNothingIsSaid() throws Exception {
    assertEquals("on NioTransport\n", run("nio", FLAG).output());
    assertEquals("on NioTransport\n", run("nio", FLAG, PERMISSION).output());
  }

  @Test
  void whoInsistsOnEpollIsToldWhatItNeeds() throws Exception {
    var result = run("epoll", FLAG);
    assertEquals(1, result.exitCode());
    assertTrue(result.output().contains("IllegalStateException"), result.output());
    assertTrue(result.output().contains(PERMISSION), result.output());
  }

  @Test
  void soloModeHasNoEpoll() throws Exception {
    var result = run("soloEpoll", PERMISSION);
    assertEquals(1, result.exitCode());
    assertTrue(result.output().contains("solo mode has no epoll"), result.output());
  }

  /** A wake-up is a call into the system, and costs the next poll its sleep. */
  @Test
  void aSocketThatBecomesReadyWakesNobodyButItsTask() throws Exception {
    var wakeups = new AtomicInteger();
    Transport nio = Transports.NIO.open();
    var counting =
        (Transport)
            Proxy.newProxyInstance(
                Transport.class.getClassLoader(),
                new Class<?>[] {Transport.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("wakeup")) {
                    wakeups.incrementAndGet();
                  }
                  return method.invoke(nio, arguments);
                });
    var environment = Environment.of(new FifoQueue(), counting, Clock.SYSTEM);
    try (var copas = Copas.create(Options.defaults(), environment)) {
      var server = copas.bind("127.0.0.1", 0);
      copas.addServer(
          server,
          socket -> {
            for (String line; (line = socket.receive()) != null; ) {
              socket.send(line + "\n");
            }
          });
      copas.addThread(() -> {
        try (var client = copas.connect("127.0.0.1", server.getLocalPort())) {
          for (int i = 0; i < 100; i++) {
            client.send("again\n");
            assertEquals("again", client.receive());
          }
        }
        copas.removeServer(server);
      });
      copas.loop();
    }
    assertTrue(wakeups.get() < 10, "wake-ups for 200 messages: " + wakeups);
  }
}
