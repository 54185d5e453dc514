package dev.copas.examples;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A program with a loop of its own: a race. Who connects says a name, runs, and goes faster by
 * sending lines; 50 times a second all are told where everybody is. Who is first at the end of the
 * track wins, and the program ends.
 *
 * <p>Takes the port as its argument; 0 is any free one.
 */
public final class GameLoop {

  private static final Duration FRAME = Duration.ofMillis(20);
  private static final int TRACK = 1000;

  /** Where a runner is, and how far it gets in a frame. */
  private static final class Runner {
    private final CopasSocket socket;
    private int position;
    private int speed = 1;

    Runner(CopasSocket socket) {
      this.socket = socket;
    }
  }

  private final Map<String, Runner> runners = new HashMap<>();
  private @Nullable String winner;

  /** A player's connection: from top to bottom, while the race goes on. */
  private void play(CopasSocket socket) throws IOException {
    String name = socket.receive();
    var runner = new Runner(socket);
    if (name == null || runners.putIfAbsent(name, runner) != null) {
      return;
    }
    try {
      while (socket.receive() != null) {
        runner.speed++;
      }
    } finally {
      runners.remove(name);
    }
  }

  // snippet: game loop
  private void race(Copas copas) {
    long frame = System.nanoTime();
    while (winner == null) {
      frame += FRAME.toNanos();
      do {
        copas.step(timeUntil(frame)); // Handlers run in here, and nowhere else.
      } while (timeUntil(frame).isPositive());
      moveEverybody();
      tellEverybody();
    }
  }

  private static Duration timeUntil(long frame) {
    return Duration.ofNanos(Math.max(0, frame - System.nanoTime()));
  }

  // end: game loop

  private void moveEverybody() {
    runners.forEach((name, runner) -> {
      runner.position = Math.min(TRACK, runner.position + runner.speed);
      if (runner.position == TRACK && winner == null) {
        winner = name;
      }
    });
  }

  // snippet: frame
  private void tellEverybody() {
    var news = new StringBuilder();
    runners.forEach(
        (name, runner) -> news.append(name).append(' ').append(runner.position).append(' '));
    if (winner != null) {
      news.append(winner).append(" wins");
    }
    for (Runner runner : runners.values()) {
      try {
        runner.socket.trySend(news + "\n"); // Who reads too slowly misses a frame.
      } catch (IOException e) {
        // The player is gone; the handler will say so.
      }
    }
  }

  // end: frame

  public static void main(String[] args) throws IOException {
    var game = new GameLoop();
    try (var copas = Copas.create()) {
      var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
      copas.addServer(server, game::play);
      System.out.println("listening on " + server);
      game.race(copas);
    }
  }
}
