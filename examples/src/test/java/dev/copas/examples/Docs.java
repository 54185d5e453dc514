package dev.copas.examples;

import dev.copas.cli.Main;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * Finds what is not true in the documents of a repository.
 *
 * <ul>
 *   <li>A block of code must be what a {@link Snippets snippet} of a compiled file is: the line
 *       before it says which, as {@code <!-- snippet: FILE#NAME -->}.
 *   <li>A block of shell commands must be made of commands that exist, with programs that exist. In
 *       a {@code console} block commands begin with "$ ", and the rest is what they say.
 *   <li>Links to files and headings must lead somewhere.
 * </ul>
 */
final class Docs {

  private static final Set<String> CODE = Set.of("java", "xml", "kotlin");
  private static final Set<String> SHELL = Set.of("sh", "console");
  private static final Set<String> PROSE = Set.of("text");
  private static final Set<String> COMMANDS =
      Set.of("./copas", ".ci/run", "bench/run", "cd", "git", "java", "jcmd", "mvn", "nc");

  private static final Pattern FENCE = Pattern.compile("(`{3,}|~{3,})\\s*(\\S*).*");
  private static final Pattern MARK = Pattern.compile("<!-- snippet: (\\S+)#(.+) -->");
  private static final Pattern LINK = Pattern.compile("\\[[^\\]]*\\]\\(([^)\\s]+)[^)]*\\)");
  private static final Pattern CODE_SPAN = Pattern.compile("`[^`]*`");
  private static final Pattern ANYWHERE_ELSE = Pattern.compile("[a-z]+:.*");

  private final Path root;
  private final List<String> problems = new ArrayList<>();

  private Docs(Path root) {
    this.root = root;
  }

  /** What is wrong, each with its file and line. */
  static List<String> problems(Path root) throws IOException {
    var docs = new Docs(root);
    for (Path file : files(root)) {
      docs.check(file);
    }
    return docs.problems;
  }

  /** The documents: those in the root, and all under docs. */
  static List<Path> files(Path root) throws IOException {
    var files = new ArrayList<Path>();
    try (Stream<Path> top = Files.list(root)) {
      top.filter(Docs::isDocument).forEach(files::add);
    }
    Path docs = root.resolve("docs");
    if (Files.isDirectory(docs)) {
      try (Stream<Path> all = Files.walk(docs)) {
        all.filter(Docs::isDocument).forEach(files::add);
      }
    }
    files.sort(null);
    return files;
  }

  private static boolean isDocument(Path file) {
    return file.toString().endsWith(".md") && Files.isRegularFile(file);
  }

  private void check(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file);
    String before = "";
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      var place = new Place(file, i + 1);
      Matcher fence = FENCE.matcher(line);
      if (fence.matches()) {
        int end = endOfBlock(lines, i, fence.group(1));
        checkBlock(place, fence.group(2), lines.subList(i + 1, end), before);
        i = end;
      } else {
        checkLinks(place, line);
      }
      before = line.isEmpty() ? before : line;
    }
  }

  private record Place(Path file, int line) {}

  private static int endOfBlock(List<String> lines, int begin, String fence) {
    int end = begin + 1;
    while (end < lines.size() && !lines.get(end).strip().equals(fence)) {
      end++;
    }
    return end;
  }

  private void problem(Place place, String text) {
    problems.add(root.relativize(place.file()) + ":" + place.line() + ": " + text);
  }

  // ---- Blocks

  private void checkBlock(Place place, String language, List<String> block, String before)
      throws IOException {
    if (CODE.contains(language)) {
      checkCode(place, block, before);
    } else if (SHELL.contains(language)) {
      for (int i = 0; i < block.size(); i++) {
        var line = new Place(place.file(), place.line() + 1 + i);
        checkShell(line, block.get(i).strip(), language);
      }
    } else if (!PROSE.contains(language)) {
      problem(
          place,
          "a block of '" + language + "'; known are java, xml, kotlin, sh, console and text");
    }
  }

  private void checkCode(Place place, List<String> block, String before) throws IOException {
    Matcher mark = MARK.matcher(before);
    if (!mark.matches()) {
      problem(place, "a block of code without <!-- snippet: FILE#NAME --> before it");
      return;
    }
    Path source = root.resolve(mark.group(1));
    if (!Files.isRegularFile(source)) {
      problem(place, "no such file: " + mark.group(1));
      return;
    }
    String snippet = Snippets.in(source).get(mark.group(2));
    if (snippet == null) {
      problem(place, "no snippet '" + mark.group(2) + "' in " + mark.group(1));
      return;
    }
    String here = Snippets.unindented(block);
    if (!here.equals(snippet)) {
      problem(
          place, "is not what " + mark.group(1) + " has. Here:\n" + here + "\nThere:\n" + snippet);
    }
  }

  private void checkShell(Place place, String line, String language) {
    if (language.equals("console")) {
      if (!line.startsWith("$ ")) {
        return;
      }
      line = line.substring(2);
    }
    String command = line.replaceFirst("(^|\\s)#.*", "").replaceFirst("\\s*&?\\s*$", "");
    if (command.isEmpty()) {
      return;
    }
    List<String> words = List.of(command.split("\\s+"));
    if (!COMMANDS.contains(words.getFirst())) {
      problem(place, "'" + words.getFirst() + "' is none of the commands " + sorted(COMMANDS));
    } else if (words.getFirst().equals("./copas")) {
      checkCopas(place, words.subList(1, words.size()));
    }
  }

  private void checkCopas(Place place, List<String> args) {
    try {
      var parsed = Main.commandLine().parseArgs(args.toArray(new String[0]));
      if (!parsed.hasSubcommand() && parsed.matchedOptions().isEmpty()) {
        problem(place, "./copas without a command");
      } else if (parsed.hasSubcommand()) {
        checkProgram(place, parsed.subcommand());
      }
    } catch (ParameterException e) {
      problem(place, "./copas does not take that: " + e.getMessage());
    }
  }

  private void checkProgram(Place place, ParseResult command) {
    Path program = command.matchedPositionalValue(0, null);
    if (program != null && !Files.isRegularFile(root.resolve(program))) {
      problem(place, "no such file: " + program);
    }
  }

  private static List<String> sorted(Set<String> words) {
    return words.stream().sorted().toList();
  }

  // ---- Links

  private void checkLinks(Place place, String line) throws IOException {
    String text = CODE_SPAN.matcher(line).replaceAll("");
    for (MatchResult link : LINK.matcher(text).results().toList()) {
      checkLink(place, link.group(1));
    }
  }

  private void checkLink(Place place, String target) throws IOException {
    if (ANYWHERE_ELSE.matcher(target).matches()) {
      return;
    }
    int hash = target.indexOf('#');
    String path = hash < 0 ? target : target.substring(0, hash);
    Path file = path.isEmpty() ? place.file() : place.file().resolveSibling(path);
    if (!Files.exists(file)) {
      problem(place, "a link to nowhere: " + target);
    } else if (hash >= 0 && isDocument(file) && !hasHeading(file, target.substring(hash + 1))) {
      problem(place, "a link to no heading: " + target);
    }
  }

  private static boolean hasHeading(Path file, String anchor) throws IOException {
    try (Stream<String> lines = Files.lines(file)) {
      return lines.filter(line -> line.startsWith("#")).map(Docs::anchor).anyMatch(anchor::equals);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** As the usual sites make it of a heading. */
  private static String anchor(String heading) {
    return heading
        .replaceFirst("^#+", "")
        .strip()
        .toLowerCase(Locale.ROOT)
        .replaceAll("[^\\p{L}\\p{N} _-]", "")
        .replace(' ', '-');
  }
}
