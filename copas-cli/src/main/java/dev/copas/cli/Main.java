package dev.copas.cli;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The {@code copas} command; every subcommand is a class of its own.
 *
 * <p>Exit codes: 0 all went well, 1 it could not be done, 2 the arguments make no sense. Where it
 * is not 0, one line on standard error says why.
 */
@Command(
    name = "copas",
    description = "Copas for Java: an event loop for plain sequential code.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    subcommands = {Echo.class, Demo.class})
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  /** The command as its parser, for whoever wants to know whether it would take some arguments. */
  public static CommandLine commandLine() {
    // What follows the name of a program is the program's, --help too.
    var run = new CommandLine(new Run()).setStopAtPositional(true);
    return new CommandLine(new Main())
        .addSubcommand(run)
        .setExpandAtFiles(false)
        .setParameterExceptionHandler(Main::reportArguments)
        .setExecutionExceptionHandler(Main::reportFailure);
  }

  private static int reportArguments(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    say(command, message(e) + " (see " + command.getCommandSpec().qualifiedName() + " --help)");
    return ExitCode.USAGE;
  }

  private static @Nullable String message(ParameterException e) {
    if (e instanceof UnmatchedArgumentException unmatched) {
      return what(unmatched) + ": '" + unmatched.getUnmatched().getFirst() + "'";
    }
    return e.getMessage();
  }

  private static String what(UnmatchedArgumentException e) {
    if (e.isUnknownOption()) {
      return "unknown option";
    }
    boolean wantsCommand = !e.getCommandLine().getSubcommands().isEmpty();
    return wantsCommand ? "unknown command" : "unexpected argument";
  }

  /** What the system refuses has a message for the user; anything else is a bug and has a stack. */
  private static int reportFailure(
      Exception e, CommandLine command, @Nullable ParseResult arguments) throws Exception {
    if (e instanceof IOException || e instanceof CannotRunException) {
      say(command, e.getMessage());
      return ExitCode.SOFTWARE;
    }
    throw e;
  }

  private static void say(CommandLine command, @Nullable String message) {
    command.getErr().println("copas: " + message);
    command.getErr().flush();
  }

  /** The version that the build put into the module's descriptor. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      var module = Main.class.getModule().getDescriptor();
      var version = module == null ? "(unknown)" : module.rawVersion().orElse("(unknown)");
      return new String[] {"copas " + version + " (Java " + Runtime.version() + ")"};
    }
  }
}
