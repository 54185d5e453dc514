package dev.copas.cli;

import dev.copas.Copas;
import dev.copas.cli.demo.Descriptors;
import dev.copas.cli.demo.Script;
import dev.copas.cli.demo.Show;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Copas and Netty side by side, while handlers of theirs make a blocking call. */
@Command(
    name = "demo",
    description = {
      "Shows a chat on Copas, and the same on Netty, while handlers make a blocking call.",
      "Both servers and all their clients are in this process. In a terminal, keys let 500 handlers"
          + " of one or the other call a backend that hangs for some seconds; plain lines follow a"
          + " script that does the same."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class Demo implements Callable<Integer> {

  private static final int FEWEST_CLIENTS = 20;
  private static final int MOST_CLIENTS = 10_000;
  private static final int MOST_SECONDS = 3600;
  private static final int PLAIN_SECONDS = 15;

  /** As good as for ever. */
  private static final Duration UNTIL_Q = Duration.ofDays(1000);

  @Option(
      names = "--clients",
      paramLabel = "N",
      defaultValue = "2000",
      description =
          "How many clients each server has; one of four asks (default: ${DEFAULT-VALUE}).")
  private int clients;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "How long it runs (default: " + PLAIN_SECONDS + " with --plain, else until q).")
  private @Nullable Integer seconds;

  @Option(
      names = "--plain",
      description =
          "Prints a line per second and server, and needs neither keys nor a terminal (default"
              + " where there is none, or TERM is dumb).")
  private boolean plain;

  @Spec
  @SuppressWarnings("NullAway.Init") // By picocli.
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException, CannotRunException, InterruptedException {
    check("--clients", clients, FEWEST_CLIENTS, MOST_CLIENTS);
    if (seconds != null) {
      check("--seconds", seconds, Script.LEAST_SECONDS, MOST_SECONDS);
    }
    checkLauncher();
    checkFlag();
    checkDescriptors();
    show();
    return ExitCode.OK;
  }

  private void show() throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    if (!plain && Show.canBeLive()) {
      Show.live(clients, seconds == null ? UNTIL_Q : Duration.ofSeconds(seconds), out);
      return;
    }
    if (!plain) {
      out.println("There is no terminal to draw on: this is --plain.");
    }
    Show.plain(clients, seconds == null ? PLAIN_SECONDS : seconds, out);
  }

  private void check(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw new ParameterException(
          spec.commandLine(),
          "Invalid value for option '%s': from %d to %d, not %d"
              .formatted(option, least, most, value));
    }
  }

  /** Netty and JLine are there only when it is the demo that the launcher starts. */
  private static void checkLauncher() throws CannotRunException {
    if (ModuleLayer.boot().findModule("io.netty.codec").isEmpty()) {
      throw new CannotRunException("the demo needs the launcher, so start ./copas demo");
    }
  }

  private static void checkFlag() throws CannotRunException {
    try {
      Copas.create().close();
    } catch (IllegalStateException e) {
      throw new CannotRunException(e);
    }
  }

  private void checkDescriptors() throws CannotRunException {
    int needed = Descriptors.needed(clients);
    long available = Descriptors.available();
    if (needed > available) {
      throw new CannotRunException(
          "%d clients need %d file descriptors, and there are %d; raise ulimit -n, or try --clients %d"
              .formatted(clients, needed, available, clients * available / needed));
    }
  }
}
