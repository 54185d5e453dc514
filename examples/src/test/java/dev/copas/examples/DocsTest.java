package dev.copas.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class DocsTest {

  private static final String SOURCE =
      """
      class A {
        // snippet: body
        void a() {
          b();
        }

        // end: body
      }
      """;

  @TempDir private Path root;

  @Test
  void thisRepositorysDocumentsAreTrue() throws Exception {
    assertFalse(Docs.files(Repository.ROOT).isEmpty());
    assertEquals("", String.join("\n", Docs.problems(Repository.ROOT)));
  }

  /** The first thing that a reader of the API documentation tries is the README's server. */
  @Test
  void theApiDocumentationBeginsWithTheEchoServer() throws Exception {
    Path source = Repository.ROOT.resolve("copas-core/src/main/java/dev/copas/Copas.java");
    Matcher snippet =
        Pattern.compile("\\{@snippet :\\n(.*?)\\n \\* \\}\\n \\*\\n", Pattern.DOTALL)
            .matcher(Files.readString(source));
    assertTrue(snippet.find());
    List<String> lines =
        snippet.group(1).lines().map(line -> line.replaceFirst("^ \\*", "")).toList();
    Path server = Repository.ROOT.resolve(Repository.source(EchoServer.class));
    assertEquals(Snippets.in(server).get("server"), Snippets.unindented(lines));
  }

  // ---- What the check finds

  @Test
  void aBlockThatIsItsSnippetIsGood() throws Exception {
    write("A.java", SOURCE);
    assertEquals(
        "",
        problemsOf(
            """
            <!-- snippet: A.java#body -->
            ```java
            void a() {
              b();
            }
            ```
            """));
  }

  @Test
  void aBlockInAListIsTakenWithoutItsIndentation() throws Exception {
    write("A.java", SOURCE);
    assertEquals(
        "",
        problemsOf(
            """
            1. First

               <!-- snippet: A.java#body -->

               ```java
               void a() {
                 b();
               }
               ```
            """));
  }

  @Test
  void snippetsOfOneNameAreOne() throws Exception {
    write(
        "pom.xml",
        """
          <!-- snippet: p -->
          <a/>
          <!-- end: p -->
          <b/>
          <!-- snippet: p -->
          <c/>
          <!-- end: p -->
        """);
    assertEquals("", problemsOf("<!-- snippet: pom.xml#p -->\n```xml\n<a/>\n<c/>\n```\n"));
  }

  @Test
  void aBlockWithoutASnippetIsFound() throws Exception {
    assertEquals(
        "README.md:3: a block of code without <!-- snippet: FILE#NAME --> before it",
        problemsOf("Some text:\n\n```java\nvoid a() {}\n```\n"));
  }

  @Test
  void aSnippetMarksOnlyOneBlock() throws Exception {
    write("A.java", SOURCE);
    String block = "```java\nvoid a() {\n  b();\n}\n```\n";
    assertEquals(
        "README.md:7: a block of code without <!-- snippet: FILE#NAME --> before it",
        problemsOf("<!-- snippet: A.java#body -->\n" + block + block));
  }

  @Test
  void aBlockThatDiffersIsShownWithItsSnippet() throws Exception {
    write("A.java", SOURCE);
    assertEquals(
        """
        README.md:2: is not what A.java has. Here:
        void a() {}
        There:
        void a() {
          b();
        }\
        """,
        problemsOf("<!-- snippet: A.java#body -->\n```java\nvoid a() {}\n```\n"));
  }

  @Test
  void aSnippetThatIsNotThereIsFound() throws Exception {
    write("A.java", SOURCE);
    assertEquals(
        "README.md:2: no snippet 'other' in A.java",
        problemsOf("<!-- snippet: A.java#other -->\n```java\n```\n"));
    assertEquals(
        "README.md:2: no such file: B.java",
        problemsOf("<!-- snippet: B.java#body -->\n```java\n```\n"));
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "good",
      delimiter = '|',
      textBlock =
          """
          sh      | ./copas echo --port 0     | good
          sh      | ./copas echo &  # a server | good
          sh      | ./copas                   | README.md:2: ./copas without a command
          sh      | ./copas --version         | good
          sh      | ./copas echo --prot=1     | README.md:2: ./copas does not take that: Unknown option: '--prot=1'
          sh      | mvn verify                | good
          sh      | curl localhost            | README.md:2: 'curl' is none of the commands [./copas, .ci/run, bench/run, cd, git, java, jcmd, mvn, nc]
          sh      | ./copas run README.java   | README.md:2: no such file: README.java
          sh      | ./copas run A.java --help | good
          sh      | ./copas run A.txt         | README.md:2: ./copas does not take that: Invalid value for positional parameter at index 0 (FILE.java): a program is a Java source file, NAME.java, not 'A.txt'
          console | $ ./copas echo            | good
          console | listening on here         | good
          console | $ ./copas eco             | README.md:2: ./copas does not take that: Unmatched argument at index 0: 'eco'
          python  | print()                   | README.md:1: a block of 'python'; known are java, xml, kotlin, sh, console and text
          text    | anything                  | good
          """)
  void commandsMustExist(String language, String line, String problem) throws Exception {
    write("A.java", SOURCE);
    String found = problemsOf("```" + language + "\n" + line + "\n```\n");
    assertEquals(problem == null ? "" : problem, found);
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "good",
      delimiter = '|',
      textBlock =
          """
          [here](docs/there.md)           | good
          [here](docs/there.md#two-words) | good
          [here](docs/there.md#more)      | README.md:1: a link to no heading: docs/there.md#more
          [here](docs/nowhere.md)         | README.md:1: a link to nowhere: docs/nowhere.md
          [here](#nothing)                | README.md:1: a link to no heading: #nothing
          [site](https://example.org/x)   | good
          `[code](nowhere)`               | good
          """)
  void linksMustLeadSomewhere(String link, String problem) throws Exception {
    write("docs/there.md", "# Two `words`!\n\n[back](../README.md)\n");
    assertEquals(problem == null ? "" : problem, problemsOf(link));
  }

  private String problemsOf(String readme) throws IOException {
    write("README.md", readme);
    return String.join("\n", Docs.problems(root));
  }

  private void write(String name, String text) throws IOException {
    Path file = root.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
