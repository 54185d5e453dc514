package dev.copas.testkit;

import dev.copas.Copas;
import dev.copas.CopasServerSocket;
import dev.copas.CopasSocket;
import dev.copas.Task;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A chat: whoever says a name is in, and hears what the others say. Its guests are in a plain map,
 * and so they may be, since nothing else of the loop runs between two calls that can block.
 *
 * <p>Nobody waits for a guest who is slow: each has a list of lines and a task that sends them; a
 * list that is too long is the end of its guest.
 */
final class ChatServer {

  static final Duration IDLE_LIMIT = Duration.ofMinutes(1);
  static final Duration SEND_LIMIT = Duration.ofSeconds(10);
  static final int MOST_WAITING = 10;

  private final Copas copas;
  private final Map<String, Guest> guests = new HashMap<>();
  private final Set<String> troubles;

  /**
   * @param troubles gets what ended the visits that did not end well
   */
  ChatServer(Copas copas, Set<String> troubles) {
    this.copas = copas;
    this.troubles = troubles;
  }

  void open(CopasServerSocket server) {
    copas.addServer(server, this::serve);
  }

  boolean isEmpty() {
    return guests.isEmpty();
  }

  private void serve(CopasSocket socket) {
    socket.setTimeouts(null, SEND_LIMIT, IDLE_LIMIT);
    try {
      socket.setSendBufferSize(64); // Little, so that guests who do not read are soon noticed.
      String name = socket.receive();
      if (name != null && !guests.containsKey(name)) {
        new Guest(name, socket).stay();
      }
    } catch (IOException e) { // Gone without a good-bye, or silent for too long.
      troubles.add(String.valueOf(e.getMessage()));
    } finally {
      close(socket);
    }
  }

  private static void close(CopasSocket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // It did not get all that was said, for the same reasons.
    }
  }

  private void say(String speaker, String line) {
    for (Guest guest : guests.values()) {
      if (!guest.name.equals(speaker)) {
        guest.hear(speaker + " " + line);
      }
    }
  }

  private final class Guest {

    private final String name;
    private final CopasSocket socket;
    private final ArrayDeque<String> toHear = new ArrayDeque<>();
    private @Nullable Task writer;
    private boolean gone;

    Guest(String name, CopasSocket socket) {
      this.name = name;
      this.socket = socket;
    }

    void stay() throws IOException {
      guests.put(name, this);
      try {
        hear("welcome");
        writer = copas.addThread(name + ":writer", this::write);
        for (String line; (line = socket.receive()) != null; ) {
          say(name, line);
        }
      } finally {
        guests.remove(name);
        gone = true;
        wakeWriter();
      }
    }

    /** Never waits. */
    void hear(String line) {
      if (toHear.size() == MOST_WAITING) {
        troubles.add("Too slow");
        close(socket);
        return;
      }
      toHear.add(line);
      wakeWriter();
    }

    private void wakeWriter() {
      if (writer != null) {
        writer.wakeup();
      }
    }

    /** Between the look at the list and the pause nobody can have added a line. */
    private void write() throws InterruptedException {
      try {
        while (!gone) {
          String line = toHear.poll();
          if (line == null) {
            Copas.pauseForever();
          } else {
            socket.send(line + "\n");
            socket.flush(); // So that a guest who does not read is found out.
          }
        }
      } catch (IOException e) {
        troubles.add(String.valueOf(e.getMessage()));
        close(socket);
      }
    }
  }
}
