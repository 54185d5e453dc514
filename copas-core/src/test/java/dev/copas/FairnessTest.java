package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.copas.loop.Clock;
import dev.copas.transport.Transport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Nobody starves. Both ends of each conversation are tasks of one loop, so that what is counted is
 * the loop's doing and not the machine's.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FairnessTest {

  /** A question and its answer, a byte each, take so many turns when nobody is in the way. */
  private static final int TURNS = 4;

  /** Those who are counted against each other take turns, however long a turn is. */
  private static final Clock LOOKING_EACH_TURN =
      new Clock() {
        @Override
        public long nanoTime() {
          return SYSTEM.nanoTime();
        }

        @Override
        public void sleep(Transport transport, long nanos, boolean quiet) throws IOException {
          SYSTEM.sleep(transport, nanos, quiet);
        }
      };

  /** Two connected sockets of one loop, and the counts of what the others did. */
  private static final class Conversation {

    private final AtomicInteger counted;
    private int most;
    int answers;
    volatile boolean over;

    /**
     * @param counted what the others do
     */
    Conversation(AtomicInteger counted) {
      this.counted = counted;
    }

    /** Asks one byte at a time until it is over. */
    void run(CopasSocket here) throws IOException {
      byte[] question = {'?'};
      while (!over) {
        int before = counted.get();
        here.send(question);
        here.receive(1);
        answers++;
        most = Math.max(most, counted.get() - before);
      }
      here.close();
    }
  }

  /** The peer of a conversation. */
  private static void answer(CopasSocket socket) throws IOException {
    for (byte[] part; (part = socket.receivePartial()) != null; ) {
      socket.send(part);
    }
  }

  @Test
  void fewMessagesOfABusySenderPassBetweenTwoReceivesOfOthers() throws Exception {
    int messages = 50 * 1024;
    try (var fixture = new LoopFixture(Options.defaults(), LOOKING_EACH_TURN)) {
      CopasServerSocket answers = serve(fixture, FairnessTest::answer);
      CopasServerSocket sink = serve(fixture, FairnessTest::readAll);
      var sent = new AtomicInteger();
      var conversation = new Conversation(sent);
      fixture.loop(() -> {
        fixture.add(() -> conversation.run(connect(fixture, answers)));
        try (CopasSocket socket = connect(fixture, sink)) {
          byte[] message = new byte[1024];
          for (int i = 0; i < messages; i++) {
            socket.send(message);
            sent.incrementAndGet();
          }
        }
        conversation.over = true;
        fixture.copas.exit();
      });
      int perTurn = fixture.copas.options.operationsPerTurn();
      assertTrue(conversation.most <= TURNS * perTurn, "messages between: " + conversation.most);
      int least = messages / (TURNS * perTurn);
      assertTrue(conversation.answers >= least, "answers: " + conversation.answers);
    }
  }

  @Test
  void oneByteReceivesGoOnBesideASingleSendOfFiftyMegabytes() throws Exception {
    byte[] large = new byte[50_000_000];
    try (var fixture = new LoopFixture()) {
      CopasServerSocket answers = serve(fixture, FairnessTest::answer);
      CopasServerSocket sink = serve(fixture, FairnessTest::readAll);
      var conversation = new Conversation(new AtomicInteger());
      var during = new AtomicInteger();
      fixture.loop(() -> {
        fixture.add(() -> conversation.run(connect(fixture, answers)));
        try (CopasSocket socket = connect(fixture, sink)) {
          int before = conversation.answers;
          socket.send(large);
          during.set(conversation.answers - before);
        }
        conversation.over = true;
        fixture.copas.exit();
      });
      assertTrue(during.get() >= 3, "answers meanwhile: " + during);
    }
  }

  /**
   * Lateness is counted in steps of the others, so it does not depend on the machine. Time is real:
   * simulated time stands still beside busy tasks.
   */
  @Test
  void aTimerIsNoLaterThanTwoRoundsOfTheBusyTasksBesideIt() throws Exception {
    int busy = 5;
    try (var fixture = new LoopFixture()) {
      List<Long> begins = new ArrayList<>();
      boolean[] over = new boolean[1];
      for (int i = 0; i < busy; i++) {
        fixture.add(() -> {
          while (!over[0]) {
            begins.add(System.nanoTime());
            computeFor(Duration.ofNanos(200_000));
            Copas.pause();
          }
        });
      }
      fixture.loop(() -> {
        var pause = Duration.ofMillis(2);
        for (int i = 0; i < 50; i++) {
          begins.clear();
          Duration slept = Copas.pause(pause);
          long due = System.nanoTime() - slept.minus(pause).toNanos(); // Or a bit earlier.
          long late = begins.stream().filter(begin -> begin - due > 0).count();
          assertTrue(late <= 2L * busy, "steps of others after it was due: " + late);
        }
        over[0] = true;
      });
    }
  }

  private static void computeFor(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    while (System.nanoTime() < end) {
      Thread.onSpinWait();
    }
  }

  @Test
  void fewConnectionsOfAFloodAreAcceptedBetweenTwoReceivesOfOthers() throws Exception {
    int burst = 4;
    int flood = 200;
    try (var fixture = new LoopFixture(Options.defaults().acceptBurst(burst), LOOKING_EACH_TURN)) {
      CopasServerSocket answers = serve(fixture, FairnessTest::answer);
      var accepted = new AtomicInteger();
      CopasServerSocket flooded =
          serve(
              fixture,
              socket -> {
                accepted.incrementAndGet();
                socket.receivePartial();
              });
      var conversation = new Conversation(accepted);
      List<Socket> clients = new ArrayList<>();
      fixture.loop(() -> {
        CopasSocket here = connect(fixture, answers);
        here.send("!");
        here.receive(1); // It is an old connection when the flood comes.
        for (int i = 0; i < flood; i++) { // Into the system's queue; nothing else runs meanwhile.
          clients.add(new Socket());
          clients.get(i).connect(address(flooded), 20_000);
        }
        fixture.add(() -> conversation.run(here));
        while (accepted.get() < flood) {
          Copas.pause();
        }
        conversation.over = true;
        for (Socket client : clients) {
          client.close();
        }
        fixture.copas.exit();
      });
      assertEquals(flood, accepted.get());
      assertTrue(conversation.most <= TURNS * burst, "accepted between: " + conversation.most);
      int least = flood / (TURNS * burst);
      assertTrue(conversation.answers >= least, "answers: " + conversation.answers);
    }
  }

  /** From another thread, as fast as it can. */
  @Test
  void thousandsOfConnectsHurtNoConnectionThatIsThere() throws Exception {
    try (var fixture = new LoopFixture()) {
      CopasServerSocket server = fixture.echo();
      fixture.copas.setErrorHandler((error, task, socket) -> {}); // The resets.
      fixture.start();
      try (var old = LoopFixture.Client.of(server.getLocalPort())) {
        assertEquals("before", old.ask("before"));
        var flood =
            SocketFixture.<Integer>onThread(
                Thread.ofPlatform(),
                () -> {
                  for (int i = 0; i < 3000; i++) {
                    try (var socket = new Socket()) {
                      socket.connect(address(server), 20_000);
                      socket.setSoLinger(true, 0); // A reset leaves no address in TIME_WAIT.
                    }
                  }
                  return 3000;
                });
        int answers = 0;
        while (!flood.isDone()) {
          assertEquals("line " + answers, old.ask("line " + answers));
          answers++;
        }
        assertEquals(3000, SocketFixture.get(flood));
        assertTrue(answers > 0);
        assertEquals("after", old.ask("after"));
      }
    }
  }

  private static InetSocketAddress address(CopasServerSocket server) {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), server.getLocalPort());
  }

  private static void readAll(CopasSocket socket) throws IOException {
    var in = socket.getInputStream();
    byte[] chunk = new byte[64 * 1024];
    while (in.read(chunk) >= 0) {}
  }

  private static CopasServerSocket serve(LoopFixture fixture, Handler handler) throws IOException {
    CopasServerSocket server = fixture.copas.bind("127.0.0.1", 0);
    fixture.copas.addServer(server, handler);
    return server;
  }

  private static CopasSocket connect(LoopFixture fixture, CopasServerSocket server)
      throws IOException {
    return fixture.copas.connect("127.0.0.1", server.getLocalPort());
  }
}
