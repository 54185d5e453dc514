package dev.copas.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/** The {@code copas} command; every subcommand is a class of its own. */
@Command(
    name = "copas",
    description = "Copas for Java: an event loop for plain sequential code.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new Main()).execute(args));
  }

  /** The version that the build put into the module's descriptor. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      var version = Main.class.getModule().getDescriptor().rawVersion().orElse("(unknown)");
      return new String[] {"copas " + version + " (Java " + Runtime.version() + ")"};
    }
  }
}
