package dev.copas.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * Says what {@code copas run} is, and what is wrong with its arguments.
 *
 * <p>It does not run anything: where nothing is wrong, the launcher has not come here and has
 * become the program's JVM itself, so that there is one JVM, and signals, streams and the exit code
 * are the program's own.
 */
@Command(
    name = "run",
    description = {
      "Compiles a Java source file and runs it, with Copas on its path.",
      "It is 'java FILE.java' with the flags that Copas needs: any form of main will do, and the "
          + "files of other classes are found beside it."
    },
    footer = {
      "",
      "No loop runs around the program: its main method makes a Copas and calls loop().",
      "JVM options and libraries of its own come from the environment, as in",
      "  JDK_JAVA_OPTIONS=\"-Xmx1g -cp some.jar\"",
      "The exit code is the program's: 1 when it does not compile or main throws."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class Run implements Callable<Integer> {

  @Parameters(
      index = "0",
      paramLabel = "FILE.java",
      converter = SourceFileConverter.class,
      description = "The program.")
  @SuppressWarnings("NullAway.Init") // By picocli.
  private Path file;

  @Parameters(
      index = "1..*",
      paramLabel = "ARG",
      description = "Whatever follows goes to the program as it is, options too.")
  @SuppressWarnings("UnusedVariable") // It is here for the parser and for the help.
  private List<String> args = List.of();

  @Override
  public Integer call() throws CannotRunException {
    throw new CannotRunException(whyNot());
  }

  private String whyNot() {
    if (!Files.exists(file)) {
      return "no such file: " + file;
    }
    if (!Files.isRegularFile(file)) {
      return "not a file: " + file;
    }
    if (!Files.isReadable(file)) {
      return "cannot be read: " + file;
    }
    return "programs are run by the launcher, so start ./copas run " + file;
  }
}
