package dev.copas.bench.servers;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.net.NetServerOptions;
import io.vertx.core.net.NetSocket;
import io.vertx.core.parsetools.RecordParser;

/** Vert.x with one event loop, one verticle on it and the native transport. */
public final class VertxServer extends VerticleBase {

  private final boolean lines;

  private VertxServer(boolean lines) {
    this.lines = lines;
  }

  public static void main(String[] args) {
    var options = new VertxOptions().setEventLoopPoolSize(1).setPreferNativeTransport(true);
    Vertx vertx = Vertx.vertx(options);
    if (!vertx.isNativeTransportEnabled()) {
      throw new IllegalStateException(
          "no native transport", vertx.unavailableNativeTransportCause());
    }
    vertx.deployVerticle(new VertxServer(Contract.isLines(args[0]))).await();
  }

  @Override
  public Future<?> start() {
    var options =
        new NetServerOptions()
            .setHost(Contract.HOST)
            .setPort(0)
            .setAcceptBacklog(Contract.BACKLOG)
            .setTcpNoDelay(true);
    return vertx
        .createNetServer(options)
        .connectHandler(lines ? VertxServer::lines : VertxServer::raw)
        .listen()
        .onSuccess(server -> Contract.listensOn(server.actualPort()));
  }

  /** A pipe is what the documentation advises for an echo: it stops reading while writing lags. */
  @SuppressWarnings("FutureReturnValueIgnored") // How a connection ends is the client's business.
  private static void raw(NetSocket socket) {
    socket.exceptionHandler(gone -> {}); // Or a reset is logged, with its stack.
    socket.pipeTo(socket);
  }

  @SuppressWarnings("FutureReturnValueIgnored") // A failed write shows with the next read.
  private static void lines(NetSocket socket) {
    RecordParser.newDelimited("\n", socket)
        .exceptionHandler(gone -> socket.close())
        .handler(line -> socket.write(line.toString(UTF_8) + "\n"));
  }
}
