package dev.copas.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A Java source file on the command line, by its name; whether it is there is another question. */
final class SourceFileConverter implements ITypeConverter<Path> {

  @Override
  public Path convert(String value) {
    try {
      if (value.endsWith(".java")) {
        return Path.of(value);
      }
    } catch (InvalidPathException e) {
      // Said below.
    }
    throw new TypeConversionException(
        "a program is a Java source file, NAME.java, not '" + value + "'");
  }
}
