package dev.copas.cli.demo;

import dev.copas.CopasSocket;
import java.io.EOFException;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.SingleWriterRecorder;

/** One member of the chat. It listens all the time, and speaks when it is told to. */
final class Client {

  private final CopasSocket socket;
  private final String room;
  private final SingleWriterRecorder delays;
  private volatile boolean waits;

  /**
   * @param delays what each message took from its sender to here, in microseconds
   */
  Client(CopasSocket socket, String room, SingleWriterRecorder delays) {
    this.socket = socket;
    this.room = room;
    this.delays = delays;
  }

  /** Enters the room and listens; does not end by itself. */
  void listen() throws IOException {
    try (socket) {
      socket.send(room + "\n");
      for (String line; (line = socket.receive()) != null; ) {
        hear(line);
      }
    }
    throw new EOFException("the server has closed its connection");
  }

  private void hear(String line) {
    if (line.startsWith(ChatServer.ANSWER)) {
      waits = false;
    } else {
      delays.recordValue(TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - timeOf(line)));
    }
  }

  /** Says something to its room. A message begins with the time when it was sent. */
  void speak() throws IOException {
    socket.trySend(System.nanoTime() + " says somebody in " + room + ": hello, everybody\n");
  }

  private static long timeOf(String message) {
    return Long.parseLong(message, 0, message.indexOf(' '), 10);
  }

  void ask() throws IOException {
    waits = socket.trySend(ChatServer.ASK + "\n");
  }

  /** Whether it has asked and has no answer yet. From any thread. */
  boolean waits() {
    return waits;
  }
}
