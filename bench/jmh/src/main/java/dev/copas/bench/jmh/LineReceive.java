package dev.copas.bench.jmh;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * Lines that have come are received one by one: by a task, beside a BufferedReader on a socket of
 * the JDK. The time includes that of the peer's one write of all lines.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(LineReceive.LINES)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class LineReceive {

  /** Together 32 KB, which the system takes while nobody receives. */
  static final int LINES = 1_000;

  private static final byte[] TEXT =
      "thirty-one letters and an end..\n".repeat(LINES).getBytes(UTF_8);

  private final Copas copas = Copas.create();
  private CopasSocket copasSocket;
  private Socket copasPeer;
  private OutputStream toCopas;
  private Socket jdkSocket;
  private BufferedReader jdkLines;
  private Socket jdkPeer;
  private OutputStream toJdk;

  @Setup
  public void connect() throws IOException {
    InetAddress host = InetAddress.getLoopbackAddress();
    try (var server = new ServerSocket(0, 2, host)) {
      int port = server.getLocalPort();
      copas.loop(() -> copasSocket = copas.connect(host.getHostAddress(), port));
      copasPeer = server.accept();
      jdkSocket = new Socket(host, port);
      jdkPeer = server.accept();
    }
    toCopas = copasPeer.getOutputStream();
    toJdk = jdkPeer.getOutputStream();
    jdkLines = new BufferedReader(new InputStreamReader(jdkSocket.getInputStream(), UTF_8));
  }

  @TearDown
  public void close() throws IOException {
    copas.close();
    copasPeer.close();
    jdkSocket.close();
    jdkPeer.close();
  }

  @Benchmark
  public void receiveOnCopas(Blackhole blackhole) throws IOException {
    toCopas.write(TEXT);
    copas.loop(() -> receive(blackhole));
  }

  private void receive(Blackhole blackhole) throws IOException {
    for (int i = 0; i < LINES; i++) {
      blackhole.consume(copasSocket.receive());
    }
  }

  @Benchmark
  public void readLineOnJdk(Blackhole blackhole) throws IOException {
    toJdk.write(TEXT);
    for (int i = 0; i < LINES; i++) {
      blackhole.consume(jdkLines.readLine());
    }
  }
}
