package dev.copas.cli;

import java.io.File;
import java.io.IOException;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A checkout as the launcher finds it when it has nothing to build: the launcher of this
 * repository, the classes of this build.
 */
record Checkout(Path launcher) {

  private static final Set<String> FOR_PROGRAMS = Set.of("dev.copas", "org.jspecify");
  private static final Set<String> FOR_COMMANDS = Set.of("dev.copas.cli", "info.picocli");

  static Checkout in(Path root) throws IOException {
    for (String source : List.of("copas-core/src/main", "copas-cli/src/main")) {
      Files.createDirectories(root.resolve(source));
    }
    for (String pom : List.of("pom.xml", "copas-core/pom.xml", "copas-cli/pom.xml")) {
      Files.createFile(root.resolve(pom));
    }
    Path app = root.resolve("copas-cli/target/app");
    for (String folder : List.of("library", "command", "demo")) {
      Files.createDirectories(app.resolve(folder));
    }
    for (String path : System.getProperty("jdk.module.path").split(File.pathSeparator, -1)) {
      Path module = Path.of(path);
      copy(module, app.resolve(folder(moduleName(module))).resolve(module.getFileName()));
    }
    Path stamp = Files.createFile(root.resolve("copas-cli/target/app.stamp"));
    Files.setLastModifiedTime(stamp, FileTime.from(Instant.now().plusSeconds(3600)));
    // The build runs tests in the folder of their module.
    return new Checkout(
        Files.copy(Path.of("../copas"), root.resolve("copas"), StandardCopyOption.COPY_ATTRIBUTES));
  }

  private static String folder(String module) {
    if (FOR_PROGRAMS.contains(module)) {
      return "library";
    }
    return FOR_COMMANDS.contains(module) ? "command" : "demo";
  }

  private static String moduleName(Path module) {
    return ModuleFinder.of(module).findAll().iterator().next().descriptor().name();
  }

  /** Copies a jar, or a folder of classes. */
  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file).toString()));
      }
    }
  }
}
