package dev.copas.testkit;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * What goes wrong on the simulated network, and how often; the seed decides when. Immutable: every
 * method returns a changed copy.
 *
 * <p>Probabilities are from 0 to 1. Those of resets, half-closes and stalls are drawn once for each
 * connection, when it is made, and only from what is set by then: so a scenario can have healthy
 * connections beside ill ones. Delays and splits are drawn again and again, and so is what happens
 * to datagrams: loss, duplicates, reordering.
 */
public final class Faults implements Cloneable {

  private static final Faults NONE = new Faults();
  private static final int MOST_WRITES_BEFORE = 16;
  private static final int LATENCIES = 8;
  private static final long LEAST_DETOUR = 1_000_000;

  private long leastLatency;
  private long mostLatency;
  private double split;
  private double reset;
  private double halfClose;
  private double stall;
  private double loss;
  private double duplicate;
  private double overtake;

  private Faults() {}

  /** Nothing goes wrong: what is sent is there at once, and whole. */
  public static Faults none() {
    return NONE;
  }

  /**
   * How long bytes, connections and ends of streams are on their way, each in its order. One of
   * eight times from the least to the most, so that some arrive at the same moment: then it is the
   * seed that decides who goes on first.
   */
  public Faults latency(Duration least, Duration most) {
    requireNonNull(least, "least");
    requireNonNull(most, "most");
    if (least.isNegative() || most.compareTo(least) < 0) {
      throw new IllegalArgumentException("no range of latencies: from " + least + " to " + most);
    }
    Faults copy = copy();
    copy.leastLatency = least.toNanos();
    copy.mostLatency = most.toNanos();
    return copy;
  }

  /** How often a read or a write moves only a part of what it could. */
  public Faults split(double probability) {
    Faults copy = copy();
    copy.split = checked(probability);
    return copy;
  }

  /**
   * How many of the connections are reset, for both ends, with one of the first 16 writes of one of
   * them; an end that writes less may escape.
   */
  public Faults reset(double probability) {
    Faults copy = copy();
    copy.reset = checked(probability);
    return copy;
  }

  /**
   * In how many of the connections one direction ends before one of its first 16 writes: the reader
   * sees the end of the stream, and what is written from then on is lost.
   */
  public Faults halfClose(double probability) {
    Faults copy = copy();
    copy.halfClose = checked(probability);
    return copy;
  }

  /**
   * In how many of the connections one direction delivers nothing more from one of its first 16
   * writes on, neither bytes nor the end: the reader waits, and the writer's buffers fill up. Only
   * a reset still arrives.
   */
  public Faults stall(double probability) {
    Faults copy = copy();
    copy.stall = checked(probability);
    return copy;
  }

  /** How many of the datagrams never arrive: none, unless it is set. */
  public Faults loss(double probability) {
    Faults copy = copy();
    copy.loss = checked(probability);
    return copy;
  }

  /** How many of the datagrams arrive twice. */
  public Faults duplicate(double probability) {
    Faults copy = copy();
    copy.duplicate = checked(probability);
    return copy;
  }

  /**
   * How many of the datagrams are overtaken: they come later than those that their socket sends in
   * the same time, by up to the most latency, and at least by up to a millisecond. The others
   * arrive in their order.
   */
  public Faults reorder(double probability) {
    Faults copy = copy();
    copy.overtake = checked(probability);
    return copy;
  }

  private static double checked(double probability) {
    if (!(probability >= 0 && probability <= 1)) {
      throw new IllegalArgumentException("a probability is from 0 to 1, not " + probability);
    }
    return probability;
  }

  private Faults copy() {
    try {
      return (Faults) clone();
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  // ---- Draws

  long drawLatency(RandomGenerator random) {
    long range = mostLatency - leastLatency;
    if (range == 0) {
      return leastLatency;
    }
    int step = random.nextInt(LATENCIES);
    return leastLatency + (long) ((double) range * step / (LATENCIES - 1));
  }

  /** How many of so many bytes move at once; at least one if there is any. */
  int drawPiece(int count, RandomGenerator random) {
    return count > 1 && isDrawn(split, random) ? random.nextInt(1, count) : count;
  }

  /** How often a datagram arrives. */
  int drawCopies(RandomGenerator random) {
    if (isDrawn(loss, random)) {
      return 0;
    }
    return isDrawn(duplicate, random) ? 2 : 1;
  }

  /** How much later than the others a datagram comes; 0 for those that keep their order. */
  long drawOvertaken(RandomGenerator random) {
    return isDrawn(overtake, random)
        ? Math.max(mostLatency, LEAST_DETOUR) * random.nextInt(1, LATENCIES + 1) / LATENCIES
        : 0;
  }

  /** With which of its writes a new pipe meets what; {@link Integer#MAX_VALUE} is never. */
  record Fate(int reset, int halfClose, int stall) {}

  /** The fates of the two directions of a new connection; only one of them meets something. */
  Fate[] drawFates(RandomGenerator random) {
    Fate[] fates = noFates();
    fates[random.nextInt(2)] =
        new Fate(drawWhen(reset, random), drawWhen(halfClose, random), drawWhen(stall, random));
    return fates;
  }

  /** Those of a connection that passes no network. */
  static Fate[] noFates() {
    return new Fate[] {healthy(), healthy()};
  }

  private static Fate healthy() {
    return new Fate(Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE);
  }

  private static int drawWhen(double probability, RandomGenerator random) {
    return isDrawn(probability, random) ? random.nextInt(MOST_WRITES_BEFORE) : Integer.MAX_VALUE;
  }

  private static boolean isDrawn(double probability, RandomGenerator random) {
    return probability > 0 && random.nextDouble() < probability;
  }
}
