package dev.copas.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * One measurement of one server. What a scenario does not measure is NaN.
 *
 * @param cost microseconds of the server's CPU time per request; for IDLE, KB per connection; for
 *     START, milliseconds
 * @param perSecond requests
 * @param p50 microseconds, from send to echo
 * @param p99 microseconds
 * @param resident MB of the whole server
 * @param serverBusy how much of its core the server used, 0 to 1
 * @param loadBusy the same for the load and its core
 */
record Sample(
    String scenario,
    String contender,
    double cost,
    double perSecond,
    double p50,
    double p99,
    double resident,
    double serverBusy,
    double loadBusy) {

  static final String HEADER =
      "scenario,contender,cost,perSecond,p50,p99,resident,serverBusy,loadBusy";

  static Sample ofCost(Scenario scenario, Contender contender, double cost) {
    double none = Double.NaN;
    return new Sample(scenario.id(), contender.id(), cost, none, none, none, none, none, none);
  }

  String csv() {
    return String.format(
        Locale.ROOT,
        "%s,%s,%.3f,%.0f,%.1f,%.1f,%.1f,%.3f,%.3f",
        scenario,
        contender,
        cost,
        perSecond,
        p50,
        p99,
        resident,
        serverBusy,
        loadBusy);
  }

  static Sample parse(String csv) {
    String[] c = csv.split(",");
    double[] v = Arrays.stream(c).skip(2).mapToDouble(Double::parseDouble).toArray();
    return new Sample(c[0], c[1], v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
  }

  /** The value below which this share of the samples is, 0.5 for the median. */
  static double quantile(List<Sample> samples, double share, ToDoubleFunction<Sample> value) {
    double[] sorted = samples.stream().mapToDouble(value).sorted().toArray();
    double place = share * (sorted.length - 1);
    int below = (int) place;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }
}
