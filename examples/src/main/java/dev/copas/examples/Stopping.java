package dev.copas.examples;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.time.Duration;

/**
 * A server that ends in order: when it is told to exit, or when the process gets a signal.
 *
 * <p>It greets those who say their name. Takes the port as its argument; 0 is any free one.
 */
public final class Stopping {

  private final Copas copas;
  private int greeted;

  private Stopping(Copas copas) {
    this.copas = copas;
  }

  // snippet: exit
  private void serve(CopasSocket socket) throws IOException {
    socket.send("your name?\n");
    String name = socket.receive();
    if (name == null) {
      return;
    }
    if (name.equals("exit")) {
      copas.exit(); // Who is connected is served to the end. Then the loop returns.
      return;
    }
    greeted++;
    socket.send("hello " + name + "\n");
  }

  private void sayHowItWas() throws InterruptedException {
    copas.waitForExit();
    System.out.println("exiting");
  }

  // end: exit

  private void run(int port) throws IOException {
    // snippet: signal
    Duration grace = Duration.ofSeconds(10);
    var onSignal = new Thread(() -> copas.stop(grace));
    Runtime.getRuntime().addShutdownHook(onSignal);
    // end: signal
    var server = copas.bind("127.0.0.1", port);
    copas.addServer(server, this::serve);
    copas.addThread(this::sayHowItWas);
    System.out.println("listening on " + server);
    copas.loop();
    System.out.println("greeted " + greeted);
  }

  public static void main(String[] args) throws IOException {
    try (var copas = Copas.create()) {
      new Stopping(copas).run(Integer.parseInt(args[0]));
    }
  }
}
