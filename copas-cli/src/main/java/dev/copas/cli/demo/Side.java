package dev.copas.cli.demo;

import java.io.IOException;
import java.time.Duration;
import org.HdrHistogram.Histogram;

/** One of the two servers that are compared, with all that it needs: clients, and a backend. */
final class Side implements AutoCloseable {

  private final Backend backend;
  private final ChatServer server;
  private final LagProbe probe;
  private final Crowd crowd;
  private long lastLook = System.nanoTime();

  private interface Start {
    ChatServer server(Backend backend) throws IOException;
  }

  static Side ofCopas(int clients) throws IOException {
    return new Side(CopasChat::new, clients);
  }

  static Side ofNetty(int clients) throws IOException {
    return new Side(NettyChat::new, clients);
  }

  private Side(Start start, int clients) throws IOException {
    backend = new Backend();
    server = start.server(backend);
    probe = new LagProbe(server.loop());
    crowd = new Crowd(server.port(), clients);
    crowd.watch(probe);
  }

  /** What has happened since the last call. */
  Figures look() throws IOException {
    long now = System.nanoTime();
    Histogram delays = crowd.delays();
    var time = Duration.ofNanos(now - lastLook);
    lastLook = now;
    return Figures.of(delays, time, probe.longest(), backend.callers(), crowd.waiting());
  }

  /** Lets the backend hang for so long, and clients ask it; unless some are waiting already. */
  void ask(Duration hang) {
    if (crowd.waiting() == 0) {
      backend.hang(hang);
      crowd.ask();
    }
  }

  /** At once: the backend goes first, so that no handler waits for it any longer. */
  @Override
  public void close() throws IOException {
    backend.close();
    crowd.close();
    server.close();
  }
}
