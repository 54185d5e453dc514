package dev.copas.examples;

import dev.copas.Copas;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;

/**
 * Asks several servers at once and waits for all answers: that takes as long as the slowest.
 *
 * <p>Takes the ports of the servers as its arguments. Each gets a line and answers with one.
 */
public final class ThreeRequests {
  private ThreeRequests() {}

  // snippet: gather
  private static List<String> askAll(Copas copas, List<Integer> ports) throws Exception {
    var requests = new ArrayList<FutureTask<String>>();
    for (int port : ports) {
      var request = new FutureTask<>(() -> ask(copas, port));
      copas.execute(request);
      requests.add(request);
    }
    var answers = new ArrayList<String>();
    for (var request : requests) {
      answers.add(request.get()); // What a request throws, is thrown here.
    }
    return answers;
  }

  private static String ask(Copas copas, int port) throws IOException {
    try (var socket = copas.connect("127.0.0.1", port)) {
      socket.send("how are you?\n");
      return String.valueOf(socket.receive());
    }
  }

  // end: gather

  public static void main(String[] args) {
    List<Integer> ports = List.of(args).stream().map(Integer::valueOf).toList();
    try (var copas = Copas.create()) {
      // snippet: main
      copas.loop(() -> {
        for (String answer : askAll(copas, ports)) {
          System.out.println(answer);
        }
      });
      // end: main
    }
  }
}
