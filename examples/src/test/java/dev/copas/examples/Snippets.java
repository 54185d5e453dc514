package dev.copas.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The parts of a file that the documents show: between lines "snippet: NAME" and "end: NAME" that
 * are comments of Java, Kotlin or XML. They may overlap; several of one name are one snippet.
 */
final class Snippets {

  private static final Pattern EDGE =
      Pattern.compile("\\s*(?://|<!--)\\s*(snippet|end):\\s*(.+?)\\s*(?:-->)?\\s*");

  private Snippets() {}

  static Map<String, String> in(Path file) throws IOException {
    var parts = new LinkedHashMap<String, List<String>>();
    var open = new HashMap<String, List<String>>();
    for (String line : Files.readAllLines(file)) {
      Matcher edge = EDGE.matcher(line);
      if (!edge.matches()) {
        open.values().forEach(part -> part.add(line));
      } else if (edge.group(1).equals("snippet")) {
        open.put(edge.group(2), parts.computeIfAbsent(edge.group(2), name -> new ArrayList<>()));
      } else if (open.remove(edge.group(2)) == null) {
        throw new IOException(file + " ends '" + edge.group(2) + "' and did not begin it");
      }
    }
    if (!open.isEmpty()) {
      throw new IOException(file + " does not end " + open.keySet());
    }
    var snippets = new LinkedHashMap<String, String>();
    parts.forEach((name, lines) -> snippets.put(name, unindented(lines)));
    return snippets;
  }

  /** The text without what all lines begin with in blanks, and without empty lines around it. */
  static String unindented(List<String> lines) {
    String text = String.join("\n", lines);
    return text.replaceFirst("\\A(\\h*\\n)+", "").stripTrailing().stripIndent();
  }
}
