package dev.copas.transport;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.BindException;
import java.net.ConnectException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The rules by which epoll loses nothing; each test fails when its rule is left out. */
@Tag("native")
@EnabledOnOs(OS.LINUX)
@Timeout(60)
class EpollTransportTest {

  private static final long SOON = TimeUnit.SECONDS.toNanos(20);

  @SuppressWarnings("restricted")
  private static final MethodHandle DUP =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("dup"),
              FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

  private final EpollTransport transport = new EpollTransport();
  private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final List<Socket> peers = new ArrayList<>();

  EpollTransportTest() throws IOException {}

  @AfterEach
  void close() throws IOException {
    transport.close();
    server.close();
    for (Socket peer : peers) {
      peer.close();
    }
  }

  /** A channel that counts what it is told. */
  private static class Told<C extends TransportChannel> implements TransportChannel.Listener {

    final C channel;
    int readable;
    int writable;

    Told(C channel) {
      this.channel = channel;
      channel.setListener(this);
    }

    @Override
    public boolean readable() {
      readable++;
      return true;
    }

    @Override
    public void writable() {
      writable++;
    }
  }

  private static final class Stream extends Told<StreamChannel> {

    Stream(StreamChannel channel) {
      super(channel);
    }

    /** What one read brings; null at the end of the stream. */
    @Nullable String read(int room) throws IOException {
      ByteBuffer target = ByteBuffer.allocate(room);
      int count = channel.read(target);
      return count < 0 ? null : new String(target.array(), 0, count, ISO_8859_1);
    }
  }

  private void pollUntilReadable(Told<?> told) throws IOException {
    told.channel.awaitReadable();
    int before = told.readable;
    long deadline = System.nanoTime() + SOON;
    while (told.readable == before) {
      assertTrue(System.nanoTime() < deadline, "it is not told");
      transport.poll(TimeUnit.SECONDS.toNanos(1));
    }
  }

  private void connect(Stream stream, InetSocketAddress target) throws IOException {
    if (!stream.channel.connect(target)) {
      stream.channel.awaitWritable();
      while (!stream.channel.finishConnect()) {
        transport.poll(TimeUnit.SECONDS.toNanos(1));
      }
    }
  }

  /** A connection to a plain peer, which is the last in {@link #peers}. */
  private Stream connected() throws IOException {
    var stream = new Stream(transport.openStream());
    connect(stream, (InetSocketAddress) server.getLocalSocketAddress());
    Socket peer = server.accept();
    peer.setTcpNoDelay(true);
    peers.add(peer);
    return stream;
  }

  private Socket peer() {
    return peers.getLast();
  }

  private void peerSends(String text) throws IOException {
    peer().getOutputStream().write(text.getBytes(ISO_8859_1));
  }

  // ---- What comes together

  @Test
  void dataAndTheEndThatComeTogetherAreBothSeen() throws IOException {
    Stream stream = connected();
    peerSends("last words");
    peer().close();
    pollUntilReadable(stream);
    assertEquals("last words", stream.read(100));
    assertFalse(stream.channel.drained(), "the end was told along with the data");
    assertNull(stream.read(100));
  }

  @Test
  void dataAndAResetThatComeTogetherAreBothSeen() throws IOException {
    Stream stream = connected();
    peerSends("last words");
    peer().setSoLinger(true, 0);
    peer().close();
    pollUntilReadable(stream);
    assertEquals("last words", stream.read(100));
    assertFalse(stream.channel.drained(), "the reset was told along with the data");
    var error = assertThrows(SocketException.class, () -> stream.read(100));
    assertEquals("Connection reset", error.getMessage());
    assertThrows(SocketException.class, () -> stream.read(100));
  }

  /** A read stops in front of the mark, which has nothing to do with what is there. */
  @Test
  void whatIsBehindAnUrgentByteIsSeen() throws IOException {
    Stream stream = connected();
    peerSends("before");
    peer().sendUrgentData('!');
    peerSends("behind");
    pollUntilReadable(stream);
    assertEquals("before", stream.read(100));
    assertFalse(stream.channel.drained(), "there is more behind the mark");
    assertEquals("behind", stream.read(100));
  }

  @Test
  void aShortReadNeedsNoOtherToKnowThatThereIsNoMore() throws IOException {
    Stream stream = connected();
    peerSends("all");
    pollUntilReadable(stream);
    assertEquals("all", stream.read(100));
    assertTrue(stream.channel.drained());
    stream.channel.awaitReadable();
    transport.poll(0);
    assertEquals(1, stream.readable);
    peerSends("more");
    pollUntilReadable(stream);
    assertEquals("more", stream.read(100));
  }

  // ---- Who stops early

  @Test
  void whatWasNotReadIsToldAgain() throws IOException {
    Stream stream = connected();
    peerSends("12345678");
    pollUntilReadable(stream);
    assertEquals("1234", stream.read(4));
    pollUntilReadable(stream);
    assertEquals("5678", stream.read(4));
  }

  @Test
  void connectionsThatWereNotAcceptedAreToldAgain() throws IOException {
    var listener = new Told<>(transport.openListener());
    listener.channel.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 10);
    var address = (InetSocketAddress) requireNonNull(listener.channel.localAddress());
    for (int i = 0; i < 3; i++) {
      peers.add(new Socket(address.getAddress(), address.getPort()));
    }
    for (int i = 0; i < 3; i++) {
      pollUntilReadable(listener);
      requireNonNull(listener.channel.accept()).close();
    }
    assertNull(listener.channel.accept());
  }

  /** Of a stream, a short read says that there is no more; of datagrams it says nothing. */
  @Test
  void datagramsThatWereNotReceivedAreToldAgain() throws IOException {
    var datagrams = new Told<>(transport.openPackets());
    datagrams.channel.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    try (var peer = new DatagramSocket()) {
      for (int i = 0; i < 3; i++) {
        peer.send(
            new DatagramPacket(new byte[i], i, requireNonNull(datagrams.channel.localAddress())));
      }
      for (int i = 0; i < 3; i++) {
        pollUntilReadable(datagrams);
        var target = ByteBuffer.allocate(100);
        InetSocketAddress sender = requireNonNull(datagrams.channel.receive(target));
        assertEquals(peer.getLocalPort(), sender.getPort());
        assertEquals(i, target.position());
      }
      assertNull(datagrams.channel.receive(ByteBuffer.allocate(100)));
      int told = datagrams.readable;
      datagrams.channel.awaitReadable();
      transport.poll(0);
      assertEquals(told, datagrams.readable, "there is no more");
      peer.send(
          new DatagramPacket(new byte[7], 7, requireNonNull(datagrams.channel.localAddress())));
      pollUntilReadable(datagrams);
    }
  }

  @Test
  void roomIsToldAfterAWriteThatFoundNone() throws IOException {
    Stream stream = connected();
    stream.writable = 0;
    stream.channel.awaitWritable();
    transport.poll(0);
    assertEquals(1, stream.writable, "there is room at first");
    var block = ByteBuffer.allocate(1 << 20);
    while (!block.hasRemaining() || stream.channel.write(block) == (1 << 20)) {
      block.clear();
    }
    stream.channel.awaitWritable();
    transport.poll(0);
    assertEquals(1, stream.writable, "there is no room");
    Thread.ofPlatform().daemon().start(this::swallow);
    long deadline = System.nanoTime() + SOON;
    while (stream.writable == 1) {
      assertTrue(System.nanoTime() < deadline);
      transport.poll(TimeUnit.SECONDS.toNanos(1));
    }
  }

  private void swallow() {
    try {
      peer().getInputStream().transferTo(java.io.OutputStream.nullOutputStream());
    } catch (IOException e) {
      // The end of the test.
    }
  }

  // ---- Numbers that come back

  @Test
  void anEventForASocketThatIsClosedDoesNotReachTheOneWithItsNumber() throws IOException {
    Stream second = connected();
    Socket peerOfSecond = peer();
    List<Stream> third = new ArrayList<>();
    Stream first = connected();
    var closer =
        new Told<>(first.channel) {
          @Override
          public boolean readable() {
            try {
              second.channel.close();
              third.add(connected());
              third.getFirst().channel.awaitReadable();
            } catch (IOException e) {
              throw new IllegalStateException(e);
            }
            return super.readable();
          }
        };
    second.channel.awaitReadable();
    closer.channel.awaitReadable();
    peerSends("to the first"); // Its event comes first.
    peerOfSecond.getOutputStream().write('x');
    transport.poll(SOON);
    assertEquals(1, closer.readable);
    assertEquals(0, second.readable);
    assertEquals(0, third.getFirst().readable);
  }

  /** A child process has all of ours until it begins its own program: the socket lives on there. */
  @Test
  void anEventForAClosedSocketThatLivesOnElsewhereReachesNobody() throws Throwable {
    Stream first = connected();
    int number = ((EpollChannel) first.channel).fd;
    int elsewhere = (int) DUP.invokeExact(number);
    first.channel.close();
    Socket peerOfFirst = peer();
    Stream second = connected();
    while (((EpollChannel) second.channel).fd != number) { // Another one was free, too.
      second = connected();
    }
    second.channel.awaitReadable();
    peerOfFirst.getOutputStream().write('x');
    transport.poll(0);
    assertEquals(0, second.readable);
    EpollChannel.close(elsewhere);
  }

  /** Options may be asked for by any thread, while the loop closes sockets and opens others. */
  @Test
  void anotherThreadsOptionsNeverReachASocketThatHasTheNumberOfAClosedOne() throws Exception {
    var current = new AtomicReference<@Nullable StreamChannel>();
    var over = new AtomicBoolean();
    Thread meddler =
        Thread.ofPlatform()
            .start(() -> {
              while (!over.get()) {
                meddleWith(current.get());
              }
            });
    for (int i = 0; i < 20_000; i++) {
      StreamChannel old = transport.openStream();
      current.set(old);
      Thread.onSpinWait();
      old.close();
      StreamChannel untouched = transport.openStream(); // Has its number.
      assertEquals(false, untouched.getOption(StandardSocketOptions.SO_KEEPALIVE));
      untouched.close();
    }
    over.set(true);
    meddler.join();
  }

  private static void meddleWith(@Nullable StreamChannel channel) {
    if (channel != null) {
      try {
        channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
      } catch (IOException e) {
        // Closed.
      }
    }
  }

  /** Sockets come and go in every order; who is told has something to read. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void whoeverIsToldHasSomethingToRead(long seed) throws IOException {
    var random = new Random(seed);
    List<Stream> streams = new ArrayList<>();
    List<Socket> ends = new ArrayList<>();
    for (int step = 0; step < 500; step++) {
      int which = random.nextInt(10);
      if (which >= streams.size()) {
        Stream stream = connected();
        stream.channel.awaitReadable();
        streams.add(stream);
        ends.add(peer());
      } else if (random.nextInt(3) == 0) {
        streams.remove(which).channel.close();
        ends.remove(which).close();
      } else {
        ends.get(which).getOutputStream().write('x');
      }
      if (random.nextBoolean()) {
        transport.poll(0);
        readAll(streams);
      }
    }
  }

  private static void readAll(List<Stream> streams) throws IOException {
    for (Stream stream : streams) {
      if (stream.readable > 0) {
        stream.readable = 0;
        assertTrue(requireNonNull(stream.read(100)).startsWith("x"));
        stream.channel.awaitReadable();
      }
    }
  }

  // ---- Wake-ups

  @Test
  void aWakeupEndsTheNextPollAndOnlyThat() throws IOException {
    for (int i = 0; i < 3; i++) {
      transport.wakeup();
      transport.wakeup();
      transport.poll(Long.MAX_VALUE);
      long before = System.nanoTime();
      transport.poll(TimeUnit.MILLISECONDS.toNanos(20));
      assertTrue(System.nanoTime() - before >= TimeUnit.MILLISECONDS.toNanos(20));
    }
  }

  @Test
  void anInterruptEndsAPollAndStays() throws Exception {
    Thread poller = Thread.currentThread();
    for (int i = 0; i < 3; i++) {
      Thread other =
          Thread.ofPlatform()
              .start(() -> {
                while (poller.getState() != Thread.State.RUNNABLE) {
                  Thread.onSpinWait();
                }
                poller.interrupt();
              });
      while (!Thread.interrupted()) {
        transport.poll(Long.MAX_VALUE);
      }
      other.join();
    }
    poller.interrupt();
    transport.poll(Long.MAX_VALUE);
    assertTrue(Thread.interrupted());
  }

  @Test
  void aWakeupAfterTheCloseDoesNothing() throws IOException {
    try (var socket = new ServerSocket(0)) { // Would have the number.
      var other = new EpollTransport();
      other.close();
      other.wakeup();
      assertFalse(socket.isClosed());
    }
  }

  // ---- Owners

  @Test
  void everyDescriptorIsGivenBack() throws IOException {
    Set<String> before = descriptors();
    try (var listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      var other = new EpollTransport();
      var listener = other.openListener();
      listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 10);
      other.openListener();
      other.openStream();
      var target = (InetSocketAddress) listening.getLocalSocketAddress();
      other.openStream().connect(target);
      StreamChannel lingering = other.openStream();
      lingering.setOption(StandardSocketOptions.SO_LINGER, 1);
      other.openStream().close();
      other.close();
      assertThrows(IOException.class, other::openStream);
    }
    long deadline = System.nanoTime() + SOON;
    while (!before.containsAll(descriptors())) {
      assertTrue(System.nanoTime() < deadline, () -> "open: " + before + ", then more");
      Thread.onSpinWait(); // That of the lingering one is closed by another thread.
    }
  }

  /** Each with what it is. Tests that ran before may have left some, which go meanwhile. */
  private static Set<String> descriptors() throws IOException {
    Path folder = Path.of("/proc/self/fd");
    Set<String> open = new HashSet<>();
    try (var entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        String what = whatIs(entry);
        if (!what.startsWith("/proc/")) { // That of this very stream.
          open.add(entry.getFileName() + " " + what);
        }
      }
    }
    return open;
  }

  private static String whatIs(Path entry) throws IOException {
    try {
      return Files.readSymbolicLink(entry).toString();
    } catch (NoSuchFileException e) {
      return "/proc/ gone";
    }
  }

  // ---- Errors and addresses

  @Test
  void errorsAreThoseOfJavaNet() throws IOException {
    InetSocketAddress taken = (InetSocketAddress) server.getLocalSocketAddress();
    ListenChannel listener = transport.openListener();
    assertSays("Address already in use", BindException.class, () -> listener.bind(taken, 1));
    var nobody = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    InetSocketAddress refused = (InetSocketAddress) nobody.getLocalSocketAddress();
    nobody.close();
    assertSays(
        "Connection refused",
        ConnectException.class,
        () -> connect(new Stream(transport.openStream()), refused));
    Stream stream = connected();
    stream.channel.shutdownOutput();
    assertSays(
        "Broken pipe",
        SocketException.class,
        () -> stream.channel.write(ByteBuffer.wrap(new byte[1])));
  }

  private static void assertSays(
      String text,
      Class<? extends Exception> type,
      org.junit.jupiter.api.function.Executable call) {
    assertEquals(text, assertThrows(type, call).getMessage());
  }

  @Test
  void bothKindsOfAddressesAreUnderstood() throws IOException {
    InetAddress six = InetAddress.ofLiteral("::1");
    assertTrue(six instanceof Inet6Address);
    for (InetAddress host : List.of(InetAddress.ofLiteral("127.0.0.1"), six)) {
      var listener = new Told<>(transport.openListener());
      listener.channel.bind(new InetSocketAddress(host, 0), 10);
      var address = (InetSocketAddress) requireNonNull(listener.channel.localAddress());
      assertEquals(host, address.getAddress());
      var stream = new Stream(transport.openStream());
      assertNull(stream.channel.localAddress());
      connect(stream, address);
      pollUntilReadable(listener);
      StreamChannel accepted = requireNonNull(listener.channel.accept());
      assertEquals(stream.channel.localAddress(), accepted.remoteAddress());
      assertEquals(address, accepted.localAddress());
      assertEquals(address, stream.channel.remoteAddress());
    }
  }

  @Test
  void anyAddressTakesBothKinds() throws IOException {
    var listener = new Told<>(transport.openListener());
    listener.channel.bind(new InetSocketAddress(0), 10);
    int port = ((InetSocketAddress) requireNonNull(listener.channel.localAddress())).getPort();
    for (String host : List.of("127.0.0.1", "::1", "0.0.0.0", "::")) {
      connect(
          new Stream(transport.openStream()),
          new InetSocketAddress(InetAddress.ofLiteral(host), port));
      pollUntilReadable(listener);
      requireNonNull(listener.channel.accept());
    }
  }
}
