package dev.copas.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The two cores of a run.
 *
 * @param ofServer the one that every server runs on, alone
 * @param ofLoad the one of everything else
 */
record Cores(String ofServer, String ofLoad) {

  /** The first two that are not two threads of one core. */
  static Cores choose() throws IOException {
    int count = Runtime.getRuntime().availableProcessors();
    String first = siblings(0);
    for (int i = 1; i < count; i++) {
      if (!siblings(i).equals(first)) {
        return new Cores("0", "" + i);
      }
    }
    throw new IOException("two cores are needed: one for the server, one for the load");
  }

  private static String siblings(int processor) throws IOException {
    Path topology = Path.of("/sys/devices/system/cpu/cpu" + processor, "topology");
    return Files.readString(topology.resolve("thread_siblings_list")).strip();
  }

  void pinThisProcess() throws IOException, InterruptedException {
    int exit =
        new ProcessBuilder("taskset", "-acp", ofLoad, "" + ProcessHandle.current().pid())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start()
            .waitFor();
    if (exit != 0) {
      throw new IOException("taskset cannot keep the load on core " + ofLoad);
    }
  }
}
