package dev.copas.examples;

import java.nio.file.Path;

/** Where things are. */
final class Repository {

  /** The build runs tests in the folder of their module. */
  static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private Repository() {}

  /** The source of an example, from the root. */
  static Path source(Class<?> example) {
    return Path.of("examples/src/main/java", example.getName().replace('.', '/') + ".java");
  }
}
