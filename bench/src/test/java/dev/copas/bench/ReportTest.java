package dev.copas.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {

  private static Sample sample(String scenario, String contender, double cost) {
    return new Sample(scenario, contender, cost, 1000, 10, 20, 30, 0.5, 0.99);
  }

  @Test
  void aQuantileLiesBetweenTheSamplesAroundIt() {
    var samples = new ArrayList<Sample>();
    for (double cost : new double[] {4, 1, 3, 2}) {
      samples.add(sample("64b-64", "c", cost));
    }
    assertEquals(2.5, Sample.quantile(samples, 0.5, Sample::cost));
    assertEquals(1.75, Sample.quantile(samples, 0.25, Sample::cost));
    assertEquals(4, Sample.quantile(samples, 1, Sample::cost));
  }

  @Test
  void aSampleOutlivesItsFile() {
    var sample = sample("64b-64", "c", 1.5);
    assertEquals(sample, Sample.parse(sample.csv()));
  }

  @Test
  void aTableComparesWithCAndNettyAndTellsWhoWaitedForTheLoad() {
    String table =
        Report.table(
            Scenario.ALL.get(1),
            List.of(
                sample("64b-64", "netty-epoll", 4),
                sample("64b-64", "c", 2),
                sample("64b-64", "copas-epoll", 3)));
    List<String> lines = table.lines().toList();
    assertEquals("## Echo of 64 bytes, 64 connections", lines.getFirst());
    assertTrue(lines.get(5).startsWith("| Copas, epoll | 3.00 (3.00-3.00) | 1.50 | 0.75 |"), table);
    assertTrue(lines.get(5).endsWith("50 %, 99 % (load-bound) |"), table);
  }

  @Test
  void whatJmhMeasuredIsAtTheEnd(@TempDir Path folder) throws Exception {
    Report.write(folder, List.of());
    Path report = folder.resolve("RESULTS.md");
    assertFalse(Files.readString(report).contains("JMH"), "there is none");
    Files.writeString(
        folder.resolve("jmh.csv"),
        """
        "Benchmark","Mode","Threads","Samples","Score","Score Error (99.9%)","Unit","Param: on"
        "dev.copas.bench.jmh.TaskSwitch.parkOnCopas","avgt",1,15,258.123456,3.251234,"ns/op",
        "dev.copas.bench.jmh.CrossThreadExecute.oneByOne","avgt",1,15,80.5,0.5,"ns/op",NETTY
        "dev.copas.bench.jmh.CrossThreadExecute.oneByOne:cpu","avgt",1,15,90.5,0.5,"ns/op",NETTY
        """);
    Report.write(folder, List.of());
    String rows =
        """
        | TaskSwitch.parkOnCopas | 258.1 ± 3.3 | ns/op | 15 |
        | CrossThreadExecute.oneByOne NETTY | 80.5 ± 0.5 | ns/op | 15 |
        | CrossThreadExecute.oneByOne, CPU NETTY | 90.5 ± 0.5 | ns/op | 15 |
        """;
    assertTrue(Files.readString(report).endsWith(rows), "they are the last lines");
  }

  @Test
  void aPlotIsXmlWithALineForEachServer(@TempDir Path folder) throws Exception {
    var samples = new ArrayList<Sample>();
    for (String connections : List.of("1", "64", "1000", "10000")) {
      samples.add(sample("64b-" + connections, "c", 5));
      samples.add(sample("64b-" + connections, "copas-epoll", 6.25));
    }
    Report.write(folder, samples);
    try (var svg = Files.newInputStream(folder.resolve("echo-64b.svg"))) {
      var document = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(svg);
      assertEquals(2, document.getElementsByTagName("polyline").getLength());
    }
    assertTrue(Files.readString(folder.resolve("RESULTS.md")).contains("# Results"));
  }
}
