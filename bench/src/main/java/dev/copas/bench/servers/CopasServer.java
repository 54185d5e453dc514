package dev.copas.bench.servers;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import dev.copas.ErrorHandler;
import dev.copas.Handler;
import dev.copas.Options;
import java.io.IOException;

/** Copas for Java; the second argument is epoll, nio or solo. */
public final class CopasServer {

  private CopasServer() {}

  public static void main(String[] args) throws IOException {
    Handler handler = Contract.isLines(args[0]) ? CopasServer::lines : CopasServer::raw;
    try (var copas = Copas.create(options(args[1]).backlog(Contract.BACKLOG))) {
      copas.setErrorHandler(unlessClientHasGone(copas.getErrorHandler()));
      var server = copas.bind(Contract.HOST, 0);
      copas.addServer(server, handler);
      Contract.listensOn(server.getLocalPort());
      copas.loop();
    }
  }

  private static Options options(String transport) {
    Options options = Options.defaults();
    return switch (transport) {
      case "epoll" -> options.epoll();
      case "nio" -> options.nio();
      case "solo" -> options.solo();
      default -> throw new IllegalArgumentException("epoll, nio or solo, not " + transport);
    };
  }

  private static ErrorHandler unlessClientHasGone(ErrorHandler otherwise) {
    return (error, task, socket) -> {
      if (!(error instanceof IOException)) {
        otherwise.handle(error, task, socket);
      }
    };
  }

  /** What a Java programmer writes for it; it keeps no buffer while it waits. */
  private static void raw(CopasSocket socket) throws IOException {
    socket.getInputStream().transferTo(socket.getOutputStream());
  }

  private static void lines(CopasSocket socket) throws IOException {
    for (String line; (line = socket.receive()) != null; ) {
      socket.send(line + "\n");
    }
  }
}
