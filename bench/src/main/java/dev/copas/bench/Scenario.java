package dev.copas.bench;

import java.util.List;

/**
 * What the servers have to do.
 *
 * @param unit what is counted: what the figures are "per"
 */
record Scenario(
    String id, String title, Kind kind, int size, int connections, int inFlight, String unit) {

  enum Kind {
    ECHO,
    LINES,
    IDLE,
    CHURN,
    START
  }

  static final List<Scenario> ALL =
      List.of(
          echo("64b-1", 64, 1, 1),
          echo("64b-64", 64, 64, 1),
          echo("64b-1000", 64, 1000, 1),
          echo("64b-10000", 64, 10_000, 1),
          echo("16k-1", 16 * 1024, 1, 1),
          echo("16k-64", 16 * 1024, 64, 1),
          echo("16k-1000", 16 * 1024, 1000, 1),
          echo("16k-10000", 16 * 1024, 10_000, 1),
          echo("pipelined", 64, 64, 16),
          new Scenario(
              "lines",
              "Lines of 64 bytes, 64 connections (C: bytes)",
              Kind.LINES,
              64,
              64,
              1,
              "line"),
          new Scenario("churn", "Connect, one echo, close", Kind.CHURN, 64, 64, 1, "connection"),
          new Scenario(
              "idle", "Memory of 10,000 idle connections", Kind.IDLE, 64, 10_000, 1, "connection"),
          new Scenario(
              "start", "Start of the process to the first echo", Kind.START, 64, 1, 1, "start"));

  private static Scenario echo(String id, int size, int connections, int inFlight) {
    String title =
        "Echo of %s, %,d connection%s%s"
            .formatted(
                size < 1024 ? size + " bytes" : size / 1024 + " KB",
                connections,
                connections == 1 ? "" : "s",
                inFlight == 1 ? "" : ", " + inFlight + " requests in flight");
    return new Scenario(id, title, Kind.ECHO, size, connections, inFlight, "echo");
  }

  String mode() {
    return kind == Kind.LINES ? "lines" : "raw";
  }

  /** Whether each sample is of a process of its own. */
  boolean wantsFreshServers() {
    return kind == Kind.IDLE || kind == Kind.START;
  }

  boolean suits(Contender contender) {
    // The select() of Lua's sockets ends near 1,000 descriptors.
    boolean canHoldThem = connections < 1000 || !contender.id().equals("lua");
    return canHoldThem && (kind == Kind.START || !contender.isHello());
  }
}
