package dev.copas.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.cli.CliProcess.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The demo as {@code ./copas demo} starts it, without a terminal. */
@Timeout(120)
@DisabledOnOs(OS.WINDOWS)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DemoTest {

  private static final int CLIENTS = 200;
  private static final int WAITING = CLIENTS / 4;

  /** What arrives in a second: each client is heard by ten, every other second. */
  private static final int USUAL = CLIENTS * 10 / 2;

  private Path folder;
  private Checkout checkout;

  @BeforeAll
  void makeCheckout(@TempDir Path temp) throws IOException {
    folder = temp;
    checkout = Checkout.in(temp);
  }

  /**
   * Ten seconds are five scenes of two: in the second one Copas' handlers wait, in the fourth
   * Netty's.
   */
  @Test
  void blockingCallsFreezeNettyAndNotCopas() throws Exception {
    var outcome = demo(checkout, "--plain", "--clients", "" + CLIENTS, "--seconds", "10");
    assertEquals("", outcome.err());
    assertEquals(0, outcome.code());
    List<Line> copas = lines(outcome, "Copas");
    List<Line> netty = lines(outcome, "Netty");
    assertEquals(10, copas.size());
    assertEquals(10, netty.size());

    for (Line second : copas) {
      assertTrue(second.messages() > USUAL / 10, outcome.out());
    }
    assertTrue(copas.stream().anyMatch(second -> second.waiting() == WAITING), outcome.out());

    assertTrue(
        netty.subList(6, 9).stream().anyMatch(second -> second.messages() < USUAL / 10),
        outcome.out());
    assertTrue(
        netty.subList(6, 10).stream().anyMatch(second -> second.lag() > 1000), outcome.out());
    assertEquals(0, netty.getLast().unanswered(), outcome.out());
  }

  @Test
  void withoutATerminalItIsPlainAndSaysSo() throws Exception {
    var outcome = demo(checkout, "--clients", "20", "--seconds", "5");
    assertEquals("", outcome.err());
    assertEquals(0, outcome.code());
    assertTrue(
        outcome.out().startsWith("There is no terminal to draw on: this is --plain."),
        outcome.out());
    assertTrue(outcome.out().contains("5 handlers of Netty call a backend"), outcome.out());
  }

  @Test
  void tooFewDescriptorsAreOneLineAndExitCode1() throws Exception {
    Path limited =
        Files.writeString(
            folder.resolve("limited"),
            "#!/bin/sh\nulimit -n 300\nexec '" + checkout.launcher() + "' \"$@\"\n");
    Files.setPosixFilePermissions(limited, PosixFilePermissions.fromString("rwx------"));
    var outcome = demo(new Checkout(limited), "--plain");
    assertTrue(
        outcome
            .err()
            .matches(
                "copas: 2000 clients need 10100 file descriptors, and there are [0-9]+;"
                    + " raise ulimit -n, or try --clients [0-9]+\\R"),
        outcome.err());
    assertEquals("", outcome.out());
    assertEquals(1, outcome.code());
  }

  @Test
  void withoutTheFlagItSaysWhichOneIsMissing() throws Exception {
    try (var process =
        CliProcess.start(List.of("--add-modules", "ALL-MODULE-PATH"), "demo", "--plain")) {
      var outcome = process.outcome();
      assertTrue(outcome.err().startsWith("copas: "), outcome.err());
      assertTrue(
          outcome.err().contains("--add-opens java.base/java.lang=dev.copas"), outcome.err());
      assertEquals("", outcome.out());
      assertEquals(1, outcome.code());
    }
  }

  private Outcome demo(Checkout checkout, String... args) throws Exception {
    var all = new ArrayList<>(List.of("demo"));
    all.addAll(List.of(args));
    try (var process = CliProcess.launch(checkout, folder, Map.of(), all.toArray(new String[0]))) {
      return process.outcome();
    }
  }

  /** What a line says of a server. */
  private record Line(int messages, double lag, int waiting, int unanswered) {

    /** s, server, messages/s, p50, p99, loop lag, waiting, unanswered. */
    static Line of(String text) {
      String[] cells = text.strip().replace(",", "").split(" +", -1);
      return new Line(
          Integer.parseInt(cells[2]),
          Double.parseDouble(cells[5]),
          Integer.parseInt(cells[6]),
          Integer.parseInt(cells[7]));
    }
  }

  private static List<Line> lines(Outcome outcome, String server) {
    return outcome
        .out()
        .lines()
        .filter(line -> line.matches(" +[0-9]+ +" + server + " .*"))
        .map(Line::of)
        .toList();
  }
}
