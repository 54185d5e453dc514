package dev.copas.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The command: every scenario with every server, in turns. */
@Command(
    name = "bench/run",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Compares Copas with its peers: CPU time of the server per request, throughput, latency,"
          + " memory.",
      "In each scenario all servers are started and warmed up, and then measured in turns, so that"
          + " what disturbs the machine disturbs all of them."
    })
final class Bench implements Callable<Integer> {

  @Option(names = "--quick", description = "Two minutes: fewer scenarios, servers and rounds.")
  private boolean quick;

  @Option(
      names = "--scenarios",
      split = ",",
      paramLabel = "ID",
      description =
          "Only these: 64b-1, 64b-64, 64b-1000, 64b-10000, 16k-1, 16k-64, 16k-1000,"
              + " 16k-10000, pipelined, lines, churn, idle, start.")
  private List<String> scenarios = List.of();

  @Option(
      names = "--servers",
      split = ",",
      paramLabel = "ID",
      description =
          "Only these: copas-epoll, copas-nio, copas-solo, c, netty-epoll, netty-nio,"
              + " vertx, jdk, lua, hello.")
  private List<String> servers = List.of();

  @Option(
      names = "--baseline",
      paramLabel = "FOLDER",
      description =
          "Takes part, too: the classes of another build of the core, to see what a change did.")
  private @Nullable Path baseline;

  @Option(names = "--rounds", defaultValue = "7", description = "Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(
      names = "--warm-up",
      defaultValue = "8",
      paramLabel = "SECONDS",
      description = "For each server in each scenario. Default: ${DEFAULT-VALUE}.")
  private double warmUp;

  @Option(
      names = "--measure",
      defaultValue = "1",
      paramLabel = "SECONDS",
      description = "For each sample. Default: ${DEFAULT-VALUE}.")
  private double measure;

  @Option(
      names = "--out",
      defaultValue = "target/results",
      paramLabel = "FOLDER",
      description =
          "For results.csv, RESULTS.md and the plots, from the folder bench. Default:"
              + " ${DEFAULT-VALUE}.")
  private Path out = Path.of("target/results");

  @Option(names = "--report", description = "Measure nothing; write the report of results.csv.")
  private boolean report;

  @Option(names = "--append", description = "Add to a results.csv that is there.")
  private boolean append;

  private static final long REST_MILLIS = 50;
  private static final long AT_REST_NANOS = 1_000_000;
  private static final long MOST_REST_NANOS = 2_000_000_000;

  @Spec private CommandSpec spec = CommandSpec.create();

  private final Random random = new Random(1);
  private final Path target = Path.of("target");
  private final Path log = target.resolve("servers.log");

  public static void main(String[] arguments) {
    Locale.setDefault(Locale.ROOT);
    System.exit(new CommandLine(new Bench()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Files.createDirectories(target);
    Files.createDirectories(out);
    Path csv = out.resolve("results.csv");
    if (!report) {
      measureAll(csv);
    }
    Report.write(out, Files.readAllLines(csv).stream().skip(1).map(Sample::parse).toList());
    return 0;
  }

  private void measureAll(Path csv) throws IOException, InterruptedException {
    if (quick) {
      makeQuick();
    }
    check();
    Cores cores = Cores.choose();
    cores.pinThisProcess();
    List<Contender> contenders = chosenContenders();
    List<Scenario> chosen =
        Scenario.ALL.stream()
            .filter(s -> scenarios.isEmpty() || scenarios.contains(s.id()))
            .toList();
    if (!append || !Files.exists(csv)) {
      Files.writeString(csv, Sample.HEADER + "\n");
    }
    var progress = new Progress(steps(chosen, contenders));
    for (Scenario scenario : chosen) {
      List<Sample> samples = measureInTurns(scenario, contenders, cores, progress);
      Files.write(csv, samples.stream().map(Sample::csv).toList(), StandardOpenOption.APPEND);
      progress.clear();
      System.out.println(Report.table(scenario, samples));
    }
  }

  private void makeQuick() {
    rounds = 3;
    warmUp = 3;
    measure = 0.5;
    if (scenarios.isEmpty()) {
      scenarios = List.of("64b-64", "64b-1000", "lines");
    }
    if (servers.isEmpty()) {
      servers = List.of("copas-epoll", "copas-nio", "c", "netty-epoll", "jdk");
    }
  }

  private void check() {
    List<String> known = Scenario.ALL.stream().map(Scenario::id).toList();
    checkKnown("--scenarios", scenarios, known);
    checkKnown("--servers", servers, Contender.LABELS.keySet());
    if (rounds < 1 || warmUp <= 0 || measure <= 0) {
      throw wrong("--rounds, --warm-up and --measure must be above 0");
    }
    if (baseline != null && !Files.isDirectory(baseline.resolve("dev/copas"))) {
      throw wrong("--baseline: no classes of Copas in " + baseline.toAbsolutePath());
    }
  }

  private void checkKnown(String option, List<String> ids, Collection<String> known) {
    for (String id : ids) {
      if (!known.contains(id)) {
        throw wrong(option + ": there is no \"" + id + "\", but " + String.join(", ", known));
      }
    }
  }

  private CommandLine.ParameterException wrong(String message) {
    return new CommandLine.ParameterException(spec.commandLine(), message);
  }

  private List<Contender> chosenContenders() throws IOException, InterruptedException {
    var chosen = new ArrayList<>(Contender.all(target));
    chosen.removeIf(c -> !servers.isEmpty() && !servers.contains(c.id()));
    if (baseline != null) {
      chosen.add(Contender.baseline(baseline));
    }
    return chosen;
  }

  private int steps(List<Scenario> chosen, List<Contender> contenders) {
    long pairs = chosen.stream().mapToLong(s -> contenders.stream().filter(s::suits).count()).sum();
    return (int) pairs * (1 + rounds);
  }

  private List<Sample> measureInTurns(
      Scenario scenario, List<Contender> contenders, Cores cores, Progress progress)
      throws IOException, InterruptedException {
    var measurements = new ArrayList<Measurement>();
    var samples = new ArrayList<Sample>();
    try {
      for (Contender contender : contenders.stream().filter(scenario::suits).toList()) {
        progress.next(scenario.title() + ": warming up " + contender.label());
        var measurement = new Measurement(scenario, contender, cores.ofServer(), log);
        measurements.add(measurement);
        measurement.warmUp((long) (warmUp * 1e9));
      }
      for (int round = 1; round <= rounds; round++) {
        Collections.shuffle(measurements, random); // Nobody always comes after the same one.
        for (Measurement measurement : measurements) {
          awaitRest(measurements);
          progress.next(
              scenario.title() + ": round " + round + ", " + measurement.contender.label());
          samples.add(measurement.sample((long) (measure * 1e9)));
        }
      }
      return samples;
    } finally {
      for (Measurement measurement : measurements) {
        measurement.close();
      }
    }
  }

  /** The servers share a core, and the end of thousands of connections goes on for a while. */
  private static void awaitRest(List<Measurement> measurements)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + MOST_REST_NANOS;
    long before = cpuNanos(measurements);
    while (System.nanoTime() < end) {
      Thread.sleep(REST_MILLIS);
      long now = cpuNanos(measurements);
      if (now - before < AT_REST_NANOS) {
        return;
      }
      before = now;
    }
  }

  private static long cpuNanos(List<Measurement> measurements) throws IOException {
    long sum = 0;
    for (Measurement measurement : measurements) {
      sum += measurement.cpuNanos();
    }
    return sum;
  }
}
