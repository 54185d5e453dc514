package dev.copas;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

/** Programs that need a JVM of their own: without Flight Recorder, or without descriptors. */
final class FlightPrograms {

  private FlightPrograms() {}

  @SuppressWarnings("SystemOut")
  private static void say(String line) {
    System.out.println(line);
  }

  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "withoutRecorder" -> withoutRecorder();
      case "backoff" -> Backoff.run();
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  private static void withoutRecorder() throws IOException {
    say("module " + ModuleLayer.boot().findModule("jdk.jfr").isPresent());
    try (var copas = Modes.create()) {
      CopasServerSocket server = copas.bind("127.0.0.1", 0);
      copas.addServer(server, LoopFixture::echo);
      copas.setErrorHandler((error, task, socket) -> say("failed " + error.getMessage()));
      copas.addThread(() -> {
        throw new IOException("on purpose");
      });
      copas.loop(() -> {
        try (CopasSocket socket = copas.connect("127.0.0.1", server.getLocalPort())) {
          socket.send("echo\n");
          say(String.valueOf(socket.receive()));
        }
        server.close();
      });
    }
  }

  /** Apart, for a JVM without the recorder cannot load it. */
  private static final class Backoff {

    static void run() throws Exception {
      try (var recording = new Recording();
          var copas = Modes.create()) {
        recording.start();
        LoopChildPrograms.loadTheLibrary();
        CopasServerSocket server = copas.bind("127.0.0.1", 0);
        copas.addServer(server, ServerOptions.defaults().name("crowded"), LoopFixture::echo);
        copas.start();
        try (var first = LoopFixture.Client.of(server.getLocalPort())) {
          first.ask("x"); // What that needs of the JDK is loaded.
        }
        exhaust(server.getLocalPort());
        Path file = Files.createTempFile("copas", ".jfr");
        recording.dump(file);
        RecordingFile.readAllEvents(file).stream()
            .filter(event -> event.getEventType().getName().equals("dev.copas.AcceptBackoff"))
            .limit(1)
            .forEach(Backoff::tell);
        Files.delete(file);
      }
    }

    private static void exhaust(int port) throws Exception {
      List<java.io.Closeable> many = new ArrayList<>();
      try {
        while (true) {
          many.add(new ServerSocket(0));
        }
      } catch (IOException e) {
        many.removeLast().close();
        var refused = new java.net.Socket(InetAddress.getLoopbackAddress(), port);
        many.add(refused);
        refused.setSoTimeout(20_000);
        say("refused " + refused.getInputStream().read());
      }
      for (java.io.Closeable socket : many) {
        socket.close();
      }
    }

    private static void tell(RecordedEvent event) {
      say("server " + event.getString("server"));
      say("reason " + event.getString("reason"));
      say("delay " + event.getDuration("delay").toMillis());
    }
  }
}
