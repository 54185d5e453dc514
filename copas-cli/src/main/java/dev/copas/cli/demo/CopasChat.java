package dev.copas.cli.demo;

import dev.copas.Copas;
import dev.copas.CopasServerSocket;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;

/** The chat on Copas: one task for each member, all on one thread, so a plain map will do. */
final class CopasChat implements ChatServer {

  private final Copas copas = Copas.create();
  private final Map<String, List<CopasSocket>> rooms = new HashMap<>();
  private final Backend backend;
  private final CopasServerSocket server;

  CopasChat(Backend backend) throws IOException {
    this.backend = backend;
    server = copas.bind("127.0.0.1", 0);
    copas.addServer(server, this::serve);
    copas.start();
  }

  private void serve(CopasSocket member) throws IOException {
    String name = member.receive();
    if (name == null) {
      return;
    }
    List<CopasSocket> room = rooms.computeIfAbsent(name, absent -> new ArrayList<>());
    room.add(member);
    try {
      for (String line; (line = member.receive()) != null; ) {
        if (line.equals(ASK)) {
          member.send(ANSWER + backend.ask() + "\n"); // A plain java.net.Socket: it blocks.
        } else {
          tellEverybody(room, line + "\n");
        }
      }
    } catch (SocketException e) {
      // Gone without a word, or the backend is: in a chat that is nothing special.
    } finally {
      room.remove(member);
    }
  }

  private static void tellEverybody(List<CopasSocket> room, String line) {
    for (CopasSocket member : room) {
      tell(member, line);
    }
  }

  /** Waits for nobody; so nobody comes or goes while a line goes round. */
  private static void tell(CopasSocket member, String line) {
    try {
      member.trySend(line);
    } catch (IOException e) {
      // It is gone already, which is not the speaker's business.
    }
  }

  @Override
  public int port() {
    return server.getLocalPort();
  }

  @Override
  public Executor loop() {
    return copas;
  }

  @Override
  public void close() {
    copas.close();
  }
}
