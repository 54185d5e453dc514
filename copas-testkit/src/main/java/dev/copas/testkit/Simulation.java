package dev.copas.testkit;

import dev.copas.Copas;
import dev.copas.Options;
import dev.copas.Task;
import dev.copas.loop.Environment;
import dev.copas.loop.Loop;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A world for one {@link Copas}, in which a seed decides everything that is left to chance.
 *
 * {@snippet :
 * Simulation.explore(1000, simulation -> {
 *   var copas = simulation.copas();
 *   var server = copas.bind("127.0.0.1", 7777);
 *   copas.addServer(server, socket -> socket.send(socket.receive() + "\n"));
 *   try (var client = copas.connect("127.0.0.1", 7777)) {
 *     client.send("hello\n");
 *     assertEquals("hello", client.receive());
 *   }
 * });
 * }
 *
 * <ul>
 *   <li><strong>Time</strong> passes only when no task can go on, and then at once: a pause of an
 *       hour takes none. It does not pass while a task is in a call that the loop does not know: a
 *       lock, {@link Thread#sleep}, {@link Copas#offload}. Such calls take real time.
 *   <li><strong>The network</strong> is memory: no port of the machine is used, and no name is
 *       looked up outside. It has bounded buffers, half-closes and resets as TCP has, and {@link
 *       Faults}.
 *   <li><strong>The order</strong> of the tasks that are ready in one turn is random. So is {@link
 *       Options#operationsPerTurn} (1, 2, 3 or the default) unless the options say another number
 *       than the default: a socket call that need not wait lets others run more often than in
 *       production.
 * </ul>
 *
 * <p>The scenario is the first task. When it and all others have ended, or only servers and tasks
 * in {@link Copas#pauseForever} are left, everything is closed and the simulation is over. It has
 * failed when the scenario did not return normally, when a task threw something, when tasks wait
 * for what nobody will do, or when a check of {@link #atEnd} failed. What tasks throw to an error
 * handler that the program has set is its own business; what the scenario throws is not.
 *
 * <p>The same seed has the same course, as long as the program itself uses no other randomness, no
 * clock but the loop's, no other threads, and no order of identity hash codes (as a {@code HashMap}
 * of sockets has).
 */
public final class Simulation {

  /** The system property that makes {@link #explore} run one seed only. */
  public static final String SEED_PROPERTY = "copas.seed";

  private static final long STEPS = 1_000_000;
  private static final int EVENTS_SHOWN = 20;
  private static final long HOUR = TimeUnit.HOURS.toNanos(1);
  private static final Duration LAST_LIMIT = Duration.ofMillis(200);

  private final long seed;
  private final Trace trace = new Trace();
  private final Budget budget = new Budget(STEPS);
  private final RandomGenerator random;
  private final VirtualClock clock;
  private final MemoryTransport network;
  private final SeededQueue queue;
  private final Copas copas;
  private final List<Runnable> checks = new ArrayList<>();
  private Duration foreignLimit = Duration.ofSeconds(10);
  private boolean closing;
  private volatile @Nullable Thread scenarioThread; // A scenario that hangs may leave the loop.
  private volatile boolean completed;
  private @Nullable String failure;
  private @Nullable Throwable cause;
  private String eventsBefore = "";

  private Simulation(long seed, Options options) {
    this.seed = seed;
    var source = new SplittableRandom(seed);
    clock = new VirtualClock(drawStart(source), new AtStandstill());
    network = new MemoryTransport(clock, source.split(), trace, budget);
    queue = new SeededQueue(source.split(), clock, trace, budget);
    random = source.split();
    Options drawn = drawOperationsPerTurn(options, source).watchdogLimit(Duration.ZERO);
    copas = Copas.create(drawn, Environment.of(queue, network, clock));
    copas.setErrorHandler((error, task, socket) -> failed(task, error));
  }

  /** Like {@link System#nanoTime}, the clock may begin anywhere, and pass the greatest number. */
  private static long drawStart(RandomGenerator source) {
    long start = source.nextLong();
    return source.nextBoolean() ? start : Long.MAX_VALUE - (start >>> 32);
  }

  /**
   * With the default a task seldom gives up the loop in a call that need not wait, and nobody would
   * find out that others may run there.
   */
  private static Options drawOperationsPerTurn(Options options, RandomGenerator source) {
    int most = Options.defaults().operationsPerTurn();
    if (options.operationsPerTurn() != most) {
      return options; // The program's own choice.
    }
    int drawn = source.nextInt(4);
    return options.operationsPerTurn(drawn == 0 ? most : drawn);
  }

  // ---- Running

  /**
   * Runs a scenario with one seed, and a Copas of {@link Options#defaults}. On a platform thread,
   * whose interrupt ends the simulation as a failure; one that comes while a task is running may be
   * lost, as in {@link Copas#loop()}.
   *
   * @return the simulation, which is over
   * @throws SimulationFailure when it fails
   */
  public static Simulation run(long seed, Scenario scenario) {
    return run(seed, Options.defaults(), scenario);
  }

  /** Runs a scenario with one seed; see {@link #run(long, Scenario)}. */
  public static Simulation run(long seed, Options options, Scenario scenario) {
    check(options, scenario);
    var simulation = new Simulation(seed, options);
    simulation.run(scenario);
    return simulation;
  }

  private static void check(Options options, Scenario scenario) {
    Objects.requireNonNull(options, "options");
    Objects.requireNonNull(scenario, "scenario");
    if (options.isSolo()) {
      throw new IllegalArgumentException(
          "a simulation runs in native mode; leave Options.solo() out");
    }
    if (Thread.currentThread().isVirtual()) {
      throw new IllegalStateException(
          "a simulation needs a platform thread, as that of a test, but thread \""
              + Thread.currentThread().getName()
              + "\" is virtual; in a task of a loop, or of another simulation, none can run");
    }
  }

  /**
   * Runs a scenario with the seeds from 1 to a number, or only with that of the system property
   * {@value #SEED_PROPERTY}.
   *
   * @throws IllegalArgumentException when there is no seed to run: the number is not positive, or
   *     the property no number
   * @throws SimulationFailure with the first seed that fails
   */
  public static void explore(int seeds, Scenario scenario) {
    explore(1, seeds, Options.defaults(), scenario);
  }

  /** Runs a scenario with so many seeds from the first one on; see {@link #explore}. */
  public static void explore(long firstSeed, int seeds, Options options, Scenario scenario) {
    check(options, scenario);
    if (seeds < 1) {
      throw new IllegalArgumentException("there must be at least 1 seed, not " + seeds);
    }
    Long only = onlySeed();
    if (only != null) {
      run(only, options, scenario);
      return;
    }
    for (int i = 0; i < seeds; i++) {
      run(firstSeed + i, options, scenario);
    }
  }

  private static @Nullable Long onlySeed() {
    String only = System.getProperty(SEED_PROPERTY);
    try {
      return only == null ? null : Long.decode(only);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "the property " + SEED_PROPERTY + " is no number: \"" + only + "\"", e);
    }
  }

  private void run(Scenario scenario) {
    try {
      copas.loop(() -> runScenario(scenario));
      checkCompleted(); // Before the close, which would end it.
    } catch (Throwable e) { // Not from a task: the steps are used up, or the machine has broken.
      note("the loop was given up: " + e, e);
    }
    boolean interrupted = Thread.interrupted(); // It would end the close, too.
    close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (failure == null) {
      check();
    }
    if (failure != null) {
      throw new SimulationFailure(seed, failure + advice() + eventsBefore, cause);
    }
  }

  /** Whatever error handlers the scenario sets: one that did not return normally has failed. */
  private void runScenario(Scenario scenario) throws Exception {
    scenarioThread = Thread.currentThread();
    try {
      scenario.run(this);
      completed = true;
    } catch (Throwable e) {
      if (failure == null || !isOfCancellation(e)) {
        failed(Copas.current(), e);
      }
      throw e;
    }
  }

  private static boolean isOfCancellation(Throwable e) {
    return e instanceof InterruptedException || e instanceof InterruptedIOException;
  }

  private void checkCompleted() {
    if (!completed) {
      Thread thread = scenarioThread;
      note(
          "the scenario did not come to its end"
              + (thread == null ? ": it did not begin" : "; it waits:" + Tasks.describe(thread)),
          null);
    }
  }

  private void close() {
    closing = true;
    budget.renew();
    try {
      copas.close();
    } catch (Throwable e) {
      note("the loop could not be closed: " + e, e);
    }
  }

  private void check() {
    try {
      checks.forEach(Runnable::run);
    } catch (Throwable e) {
      note("a check at the end failed: " + e, e);
    }
  }

  private String advice() {
    return "\nTo replay it, run this test with -D%s=%d, or Simulation.run(%d, ...)."
        .formatted(SEED_PROPERTY, seed, seed);
  }

  private String lastEvents() {
    List<String> events = trace.lines();
    List<String> last = events.subList(Math.max(0, events.size() - EVENTS_SHOWN), events.size());
    return "\nThe last events before it:\n  " + String.join("\n  ", last);
  }

  // ---- What a scenario can use

  /** The loop of this simulation, whose first task is the scenario. */
  public Copas copas() {
    return copas;
  }

  public long seed() {
    return seed;
  }

  /** How much simulated time has passed. */
  public Duration now() {
    return Duration.ofNanos(clock.elapsed());
  }

  /** For what the scenario itself leaves to chance. */
  public RandomGenerator random() {
    return random;
  }

  /** What goes wrong on the network from now on: {@link Faults#none} at first. */
  public void faults(Faults faults) {
    network.setFaults(Objects.requireNonNull(faults, "faults"));
  }

  /**
   * Gives the simulated machine a name and addresses (as literals), which can be bound and
   * connected to. It has {@code localhost} and all loopback addresses already; a connection to any
   * other address is never answered.
   */
  public void host(String name, String... addresses) {
    Objects.requireNonNull(name, "name");
    if (addresses.length == 0) {
      throw new IllegalArgumentException("host " + name + " has no address");
    }
    var parsed = new InetAddress[addresses.length];
    for (int i = 0; i < addresses.length; i++) {
      parsed[i] = InetAddress.ofLiteral(addresses[i]);
    }
    network.hosts.put(name, parsed);
  }

  /** Has something checked when the simulation is over and has not failed. */
  public void atEnd(Runnable check) {
    checks.add(Objects.requireNonNull(check, "check"));
  }

  /** How many steps of tasks and turns of the loop are too many to come to rest: 1,000,000. */
  public void maxSteps(long steps) {
    budget.limit(steps);
  }

  /**
   * For how long, in real time, nothing may happen but that tasks are in calls that the loop does
   * not know: 10 s. After that the simulation fails and names them.
   */
  public void foreignLimit(Duration limit) {
    if (limit.isNegative()) {
      throw new IllegalArgumentException("the limit is negative: " + limit);
    }
    foreignLimit = limit;
  }

  // ---- What has happened

  /** The last thousand events: who did what, and when. The same for the same seed. */
  public List<String> trace() {
    return trace.lines();
  }

  /** A number that stands for all events. */
  public long fingerprint() {
    return trace.fingerprint();
  }

  /** The sockets that were still open when the loop was closed. */
  public List<String> leaks() {
    return network.leaks();
  }

  // ---- When nothing goes on

  private final class AtStandstill implements VirtualClock.Standstill {

    @Override
    public boolean isOver() {
      return network.hasSomething();
    }

    /** An idle server is no reason to go on; then whoever still waits does so in vain. */
    @Override
    public void atRest() {
      if (isEnding()) {
        clock.skip(HOUR);
      } else if (!copas.exiting()) {
        copas.exit();
      } else {
        failed("nothing will ever happen again, and yet these tasks wait:" + tasks(), null);
      }
    }

    @Override
    public void inForeignCall() {
      Duration limit = isEnding() ? LAST_LIMIT : foreignLimit;
      if (network.awaitWakeup(limit.toNanos())) {
        return;
      }
      if (isEnding()) {
        clock.skip(HOUR); // Whoever has not ended by now never will.
      } else {
        failed(
            "time stands still: nothing has happened for "
                + limit
                + " but that a task is in a call that the loop does not know. The tasks:"
                + tasks(),
            null);
      }
    }
  }

  /** Whether all tasks have been told to end. */
  private boolean isEnding() {
    return closing || failure != null;
  }

  private String tasks() {
    Loop loop = queue.loop();
    return loop == null ? " none" : Tasks.describe(loop);
  }

  private void failed(Task task, Throwable error) {
    failed("task \"" + task.name() + "\" failed: " + error, error);
  }

  /** On the loop, which ends with it. */
  private void failed(String what, @Nullable Throwable error) {
    note(what, error);
    if (!closing) {
      copas.stop(Duration.ZERO);
    }
  }

  /** Only the first failure counts; what follows may be its consequence. */
  private void note(String what, @Nullable Throwable error) {
    if (failure == null) {
      failure = "seed " + seed + ", after " + now() + " of simulated time: " + what;
      cause = error;
      eventsBefore = lastEvents();
    } else if (cause != null && error != null && error != cause) {
      cause.addSuppressed(error);
    }
  }
}
