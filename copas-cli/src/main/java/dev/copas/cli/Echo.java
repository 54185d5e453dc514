package dev.copas.cli;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.Options;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The server of Copas' introduction. */
@Command(
    name = "echo",
    description = {
      "Sends every line back, byte by byte as it came; the line 'quit' ends a connection.",
      "Says 'listening on HOST:PORT' when it is ready, and runs until Ctrl-C."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class Echo implements Callable<Integer> {

  /** How long connections may go on after Ctrl-C, and how long the last bytes may then take. */
  private static final Duration GRACE = Duration.ofMillis(300);

  private static final Options OPTIONS = Options.defaults().closeTimeout(Duration.ofSeconds(1));

  @Option(
      names = "--host",
      paramLabel = "HOST",
      defaultValue = "127.0.0.1",
      description = "The address or name to listen on, '*' for all (default: ${DEFAULT-VALUE}).")
  private String host = "";

  @Option(
      names = "--port",
      paramLabel = "PORT",
      defaultValue = "7777",
      converter = PortConverter.class,
      description = "The port to listen on, 0 for any free one (default: ${DEFAULT-VALUE}).")
  private int port;

  @Spec
  @SuppressWarnings("NullAway.Init") // By picocli.
  private CommandSpec spec;

  @Override
  public Integer call() throws IOException, CannotRunException {
    try (Copas copas = create()) {
      var server = copas.bind(host, port);
      copas.addServer(server, Echo::serve);
      copas.loop(() -> {
        stopOnSignal(copas);
        say("listening on " + server);
      });
    }
    return ExitCode.OK;
  }

  private static void stopOnSignal(Copas copas) {
    try {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> copas.stop(GRACE), "copas-stop"));
    } catch (IllegalStateException e) {
      // The signal is here already.
    }
  }

  private static void serve(CopasSocket socket) {
    try {
      new EchoConnection(socket).serve();
    } catch (IOException e) {
      // The client is gone, or the command ends: neither is worth a report.
    }
  }

  private static Copas create() throws CannotRunException {
    try {
      return Copas.create(OPTIONS);
    } catch (IllegalStateException e) {
      throw new CannotRunException(e);
    }
  }

  private void say(String line) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(line);
    out.flush();
  }
}
