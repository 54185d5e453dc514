package dev.copas.bench;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** One scenario with one server: its warm-up, and as many samples as are asked for. */
final class Measurement implements AutoCloseable {

  /** Has the heap follow what is alive, so that resident memory shows that. */
  private static final List<String> TIGHT_HEAP =
      List.of("-Xmn4m", "-XX:MinHeapFreeRatio=5", "-XX:MaxHeapFreeRatio=5");

  private static final int WARM_UP_RUNS = 5;

  /** Until then not all of them take turns as they do later. */
  private static final int ANSWERS_BEFORE = 4;

  private static final long IDLE_WARM_UP_NANOS = 3_000_000_000L;
  private static final long MILLION = 1_000_000;
  private static final long OWN_PID = ProcessHandle.current().pid();

  final Scenario scenario;
  final Contender contender;
  private final String core;
  private final Path log;

  /** Started by the warm-up, where one and the same is measured again and again. */
  private @Nullable ServerProcess server;

  Measurement(Scenario scenario, Contender contender, String core, Path log) throws IOException {
    this.scenario = scenario;
    this.contender = contender;
    this.core = core;
    this.log = log;
  }

  private ServerProcess start() throws IOException {
    List<String> flags = scenario.kind() == Scenario.Kind.IDLE ? TIGHT_HEAP : List.of();
    return new ServerProcess(contender.command(scenario.mode(), flags), core, log);
  }

  /** In several runs: connections that come and end are a part of what has to be warm. */
  void warmUp(long nanos) throws IOException {
    if (scenario.wantsFreshServers()) {
      return;
    }
    server = start();
    for (int i = 0; i < WARM_UP_RUNS; i++) {
      warmUpOnce(nanos / WARM_UP_RUNS);
    }
  }

  private void warmUpOnce(long nanos) throws IOException {
    if (scenario.kind() == Scenario.Kind.CHURN) {
      try (var load = new ChurnLoad(server().port, scenario.connections())) {
        load.run(nanos);
      }
    } else {
      try (EchoLoad load = load()) {
        load.begin();
        load.run(nanos);
      }
    }
  }

  private ServerProcess server() {
    return requireNonNull(server, "not warmed up");
  }

  private EchoLoad load() throws IOException {
    return new EchoLoad(
        server().port, scenario.connections(), scenario.size(), scenario.inFlight());
  }

  Sample sample(long nanos) throws IOException, InterruptedException {
    return switch (scenario.kind()) {
      case ECHO, LINES -> echo(nanos);
      case IDLE -> idle();
      case CHURN -> churn(nanos);
      case START -> startAnother();
    };
  }

  private Sample echo(long nanos) throws IOException {
    long time = scenario.connections() > 1000 ? 2 * nanos : nanos;
    try (EchoLoad load = load()) {
      load.begin();
      load.run(nanos / 4);
      load.runUntilEachHad(ANSWERS_BEFORE);
      load.takeAnswers();
      load.takeLatency();
      var watch = new Watch();
      load.run(time);
      watch.stop();
      Histogram latency = load.takeLatency();
      return watch.sample(
          load.takeAnswers(),
          latency.getValueAtPercentile(50) / 1000.0,
          latency.getValueAtPercentile(99) / 1000.0);
    }
  }

  private Sample churn(long nanos) throws IOException {
    try (var load = new ChurnLoad(server().port, scenario.connections())) {
      load.run(nanos / 4);
      load.takeRounds();
      var watch = new Watch();
      load.run(nanos);
      watch.stop();
      return watch.sample(load.takeRounds(), Double.NaN, Double.NaN);
    }
  }

  /** The clocks of both sides, from one moment to another. */
  private final class Watch {

    private final long began = System.nanoTime();
    private long server = server().cpuNanos();
    private long load = Posix.cpuNanos(OWN_PID);
    private long wall;

    Watch() throws IOException {}

    void stop() throws IOException {
      server = server().cpuNanos() - server;
      load = Posix.cpuNanos(OWN_PID) - load;
      wall = System.nanoTime() - began;
    }

    Sample sample(long requests, double p50, double p99) throws IOException {
      return new Sample(
          scenario.id(),
          contender.id(),
          server / 1000.0 / requests,
          requests * 1e9 / wall,
          p50,
          p99,
          (double) server().resident() / MILLION,
          (double) server / wall,
          (double) load / wall);
    }
  }

  /** Of a fresh process each time: memory that a process has had once, it has for ever. */
  @SuppressWarnings("try") // They are there; that is all.
  private Sample idle() throws IOException, InterruptedException {
    try (ServerProcess fresh = start()) {
      try (var warmUp = new ChurnLoad(fresh.port, 64)) {
        warmUp.run(IDLE_WARM_UP_NANOS);
      }
      long before = residentAtRest(fresh);
      try (var all = new EchoLoad(fresh.port, scenario.connections(), scenario.size(), 1)) {
        double perConnection = (residentAtRest(fresh) - before) / 1024.0 / scenario.connections();
        return Sample.ofCost(scenario, contender, perConnection);
      }
    }
  }

  private long residentAtRest(ServerProcess fresh) throws IOException, InterruptedException {
    if (contender.isJava()) {
      fresh.collectGarbage();
      fresh.collectGarbage();
    }
    return fresh.resident();
  }

  @SuppressWarnings("try") // It has had an answer; that is all.
  private Sample startAnother() throws IOException {
    long began = System.nanoTime();
    if (contender.isHello()) {
      try (ServerProcess said = start()) {
        return Sample.ofCost(scenario, contender, (System.nanoTime() - began) / 1e6);
      }
    }
    try (ServerProcess another = start();
        var answered = new EchoLoad(another.port, 1, scenario.size(), 1)) {
      return Sample.ofCost(scenario, contender, (System.nanoTime() - began) / 1e6);
    }
  }

  /** What the server has used so far, if there is one that stays. */
  long cpuNanos() throws IOException {
    return server == null ? 0 : server.cpuNanos();
  }

  @Override
  public void close() throws IOException {
    if (server != null) {
      server.close();
    }
  }
}
