package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Our sockets beside those of the JDK: the same calls are made on both, and what comes of each call
 * is compared, values and exceptions with their messages.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class JavaNetTest {

  /** Where we differ from java.net on purpose: the call, and why. */
  private static final Map<String, String> MEANT = meant();

  private static Map<String, String> meant() {
    var meant = new LinkedHashMap<String, String>();
    meant.put("toString", "ours says what a log needs: the peer, or the address it listens on");
    meant.put("getTcpNoDelay", "on from the beginning: ADR 7");
    meant.put("sendUrgentData", "not supported, and says so: channels cannot send it");
    meant.put("supportedOptions of a server", "a listening channel has no IP_TOS");
    meant.put("connect to nowhere", "ours says that it is the host that is unknown");
    meant.put("bind foreign server", "ours names the address that could not be bound");
    meant.put(
        "write after the end", "ours says why: Broken pipe would sound like the peer's doing");
    return meant;
  }

  // ---- Scripts

  /** Makes the sockets: of the JDK or ours. */
  interface Maker {
    Socket socket() throws IOException;

    ServerSocket server() throws IOException;
  }

  /** Calls to make on sockets; each is noted. */
  @FunctionalInterface
  interface Script {
    void run(Maker maker, Notes notes) throws Exception;
  }

  /** Calls to make on a connected socket. */
  @FunctionalInterface
  private interface ConnectedScript {
    void run(Socket socket, Socket peer, Notes notes) throws Exception;
  }

  @FunctionalInterface
  interface Call {
    @Nullable Object make() throws Exception;
  }

  @FunctionalInterface
  interface VoidCall {
    void make() throws Exception;
  }

  /** What came of the calls. */
  static final class Notes {

    final Map<String, String> lines = new LinkedHashMap<>();
    private String prefix = "";

    void section(String name) {
      prefix = name + ": ";
    }

    void get(String call, Call made) {
      String line;
      try {
        line = show(made.make());
      } catch (Exception e) {
        boolean saysOnlyNames = e instanceof NullPointerException; // Of parameters.
        line = e.getClass().getName() + (saysOnlyNames ? "" : ": " + e.getMessage());
      }
      String before = lines.put(prefix + call, line);
      if (before != null) {
        throw new AssertionError("noted twice: " + prefix + call);
      }
    }

    void run(String call, VoidCall made) {
      get(
          call,
          () -> {
            made.make();
            return "done";
          });
    }

    private static String show(@Nullable Object value) {
      return switch (value) {
        case byte[] bytes -> Arrays.toString(bytes);
        case InputStream in -> "an input stream";
        case OutputStream out -> "an output stream";
        case null, default -> String.valueOf(value);
      };
    }
  }

  private static void state(Socket socket, Notes notes) {
    notes.get("isConnected", socket::isConnected);
    notes.get("isBound", socket::isBound);
    notes.get("isClosed", socket::isClosed);
    notes.get("isInputShutdown", socket::isInputShutdown);
    notes.get("isOutputShutdown", socket::isOutputShutdown);
    notes.get("getInetAddress", socket::getInetAddress);
    notes.get("getLocalAddress", socket::getLocalAddress);
    notes.get("getPort", () -> portOf(socket.getPort()));
    notes.get("getLocalPort", () -> portOf(socket.getLocalPort()));
    notes.get("getRemoteSocketAddress", () -> host(socket.getRemoteSocketAddress()));
    notes.get("getLocalSocketAddress", () -> host(socket.getLocalSocketAddress()));
    notes.get("getChannel", socket::getChannel);
    notes.get("getInputStream", socket::getInputStream);
    notes.get("getOutputStream", socket::getOutputStream);
  }

  private static void state(ServerSocket server, Notes notes) {
    notes.get("isBound", server::isBound);
    notes.get("isClosed", server::isClosed);
    notes.get("getInetAddress", server::getInetAddress);
    notes.get("getLocalPort", () -> portOf(server.getLocalPort()));
    notes.get("getLocalSocketAddress", () -> host(server.getLocalSocketAddress()));
    notes.get("getChannel", server::getChannel);
  }

  /** Ports are different each time. */
  private static String portOf(int port) {
    return port > 0 ? "a port" : String.valueOf(port);
  }

  private static @Nullable String host(@Nullable SocketAddress address) {
    return address instanceof InetSocketAddress internet
        ? internet.getAddress() + ":" + portOf(internet.getPort())
        : String.valueOf(address);
  }

  private static final class StrangeAddress extends SocketAddress {
    private static final long serialVersionUID = 1;

    @Override
    public String toString() {
      return "strange";
    }
  }

  private static final InetAddress LOCAL = InetAddress.getLoopbackAddress();

  private static void options(Socket socket, Notes notes) {
    notes.get("getKeepAlive", socket::getKeepAlive);
    notes.get("getOOBInline", socket::getOOBInline);
    notes.get("getReuseAddress", socket::getReuseAddress);
    notes.get("getSoLinger", socket::getSoLinger);
    notes.get("getSoTimeout", socket::getSoTimeout);
    notes.get("getTcpNoDelay", socket::getTcpNoDelay);
    notes.get("getTrafficClass", socket::getTrafficClass);
    notes.get("getReceiveBufferSize > 0", () -> socket.getReceiveBufferSize() > 0);
    notes.get("getSendBufferSize > 0", () -> socket.getSendBufferSize() > 0);
    notes.get("supportedOptions", () -> names(socket.supportedOptions()));
    for (SocketOption<?> option :
        List.of(
            StandardSocketOptions.SO_KEEPALIVE,
            StandardSocketOptions.SO_LINGER,
            StandardSocketOptions.SO_REUSEADDR,
            StandardSocketOptions.IP_TOS,
            StandardSocketOptions.IP_MULTICAST_LOOP)) {
      notes.get("getOption " + option, () -> socket.getOption(option));
    }
  }

  /** java.net lacks them; see {@link EpollOptionsTest}. */
  private static final Set<SocketOption<?>> OF_COPAS =
      Set.of(CopasSocketOptions.TCP_USER_TIMEOUT, CopasSocketOptions.TCP_DEFER_ACCEPT);

  private static List<String> names(Set<SocketOption<?>> options) {
    return options.stream()
        .filter(option -> !OF_COPAS.contains(option))
        .map(SocketOption::name)
        .sorted()
        .toList();
  }

  private static void setOptions(Socket socket, Notes notes) {
    notes.run("setKeepAlive", () -> socket.setKeepAlive(true));
    notes.run("setOOBInline", () -> socket.setOOBInline(true));
    notes.run("setReuseAddress", () -> socket.setReuseAddress(true));
    notes.run("setSoLinger", () -> socket.setSoLinger(true, 7));
    notes.run("setSoLinger -1", () -> socket.setSoLinger(true, -1));
    notes.run("setSoLinger 70000", () -> socket.setSoLinger(true, 70_000));
    notes.get("getSoLinger after 70000", socket::getSoLinger);
    notes.run("setSoLinger off", () -> socket.setSoLinger(false, 7));
    notes.run("setSoTimeout", () -> socket.setSoTimeout(1234));
    notes.run("setSoTimeout -1", () -> socket.setSoTimeout(-1));
    notes.run("setTcpNoDelay", () -> socket.setTcpNoDelay(true));
    notes.run("setTrafficClass", () -> socket.setTrafficClass(16));
    notes.run("setTrafficClass -1", () -> socket.setTrafficClass(-1));
    notes.run("setTrafficClass 256", () -> socket.setTrafficClass(256));
    notes.run("setReceiveBufferSize", () -> socket.setReceiveBufferSize(10_000));
    notes.run("setReceiveBufferSize 0", () -> socket.setReceiveBufferSize(0));
    notes.run("setSendBufferSize", () -> socket.setSendBufferSize(10_000));
    notes.run("setSendBufferSize -1", () -> socket.setSendBufferSize(-1));
    notes.run("setPerformancePreferences", () -> socket.setPerformancePreferences(1, 2, 3));
    notes.run(
        "setOption SO_KEEPALIVE", () -> socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true));
    notes.run(
        "setOption SO_LINGER -1", () -> socket.setOption(StandardSocketOptions.SO_LINGER, -1));
    notes.run(
        "setOption SO_SNDBUF -1", () -> socket.setOption(StandardSocketOptions.SO_SNDBUF, -1));
    notes.run(
        "setOption IP_MULTICAST_TTL",
        () -> socket.setOption(StandardSocketOptions.IP_MULTICAST_TTL, 1));
  }

  @SuppressWarnings("NullAway")
  private static void nulls(Socket socket, Notes notes) {
    notes.run("bind strange", () -> socket.bind(new StrangeAddress()));
    notes.run("connect null", () -> socket.connect(null));
    notes.run("connect strange", () -> socket.connect(new StrangeAddress()));
    notes.run("connect -1", () -> socket.connect(new InetSocketAddress(LOCAL, 1), -1));
    notes.get("getOption null", () -> socket.getOption(null));
    notes.run("setOption null", () -> socket.setOption((SocketOption<Boolean>) null, true));
    notes.run(
        "setOption to null", () -> socket.setOption(StandardSocketOptions.SO_KEEPALIVE, null));
  }

  /** On sockets that are not connected. */
  private static final Map<String, Script> SCRIPTS = scripts();

  @SuppressWarnings("try") // Closing is what some of them are about.
  private static Map<String, Script> scripts() {
    Map<String, Script> scripts = new LinkedHashMap<>();
    scripts.put(
        "a new socket",
        (maker, notes) -> {
          try (Socket socket = maker.socket()) {
            state(socket, notes);
            options(socket, notes);
            notes.get("toString", socket::toString);
            notes.run("shutdownInput", socket::shutdownInput);
            notes.run("shutdownOutput", socket::shutdownOutput);
            notes.run("sendUrgentData", () -> socket.sendUrgentData(1));
            nulls(socket, notes);
            notes.section("after all that");
            state(socket, notes);
          }
        });
    scripts.put(
        "options of a new socket",
        (maker, notes) -> {
          try (Socket socket = maker.socket()) {
            setOptions(socket, notes);
            notes.section("then");
            options(socket, notes);
          }
        });
    scripts.put(
        "a bound socket",
        (maker, notes) -> {
          try (Socket socket = maker.socket()) {
            notes.run("bind", () -> socket.bind(new InetSocketAddress(LOCAL, 0)));
            state(socket, notes);
            notes.get("toString", socket::toString);
            notes.run("bind again", () -> socket.bind(new InetSocketAddress(LOCAL, 0)));
            options(socket, notes);
          }
        });
    scripts.put(
        "a socket bound to null",
        (maker, notes) -> {
          try (Socket socket = maker.socket()) {
            notes.run("bind", () -> socket.bind(null));
            state(socket, notes);
          }
        });
    scripts.put(
        "a socket bound to what it cannot be",
        (maker, notes) -> {
          try (Socket socket = maker.socket();
              var other = new ServerSocket(0, 1, LOCAL)) {
            notes.run(
                "bind unresolved",
                () -> socket.bind(InetSocketAddress.createUnresolved("nowhere.invalid", 0)));
            notes.run(
                "bind foreign",
                () -> socket.bind(new InetSocketAddress(InetAddress.ofLiteral("192.0.2.1"), 0)));
            notes.run("bind taken", () -> socket.bind(other.getLocalSocketAddress()));
            notes.section("then");
            notes.get("isBound", socket::isBound);
            notes.get("isClosed", socket::isClosed);
            notes.run("bind", () -> socket.bind(new InetSocketAddress(LOCAL, 0)));
          }
        });
    scripts.put(
        "a bound socket connects",
        (maker, notes) -> {
          try (Socket socket = maker.socket();
              var listener = new ServerSocket(0, 1, LOCAL)) {
            socket.bind(new InetSocketAddress(LOCAL, 0));
            int port = socket.getLocalPort();
            notes.run("connect", () -> socket.connect(listener.getLocalSocketAddress()));
            notes.get("same port", () -> port == socket.getLocalPort());
            notes.run("bind", () -> socket.bind(new InetSocketAddress(LOCAL, 0)));
            notes.run("connect again", () -> socket.connect(listener.getLocalSocketAddress()));
            notes.run(
                "connect again in time",
                () -> socket.connect(listener.getLocalSocketAddress(), 100));
            state(socket, notes);
          }
        });
    scripts.put(
        "a connect that is refused",
        (maker, notes) -> {
          try (Socket socket = maker.socket()) {
            int port = SocketFixture.closedPort();
            notes.run(
                "connect",
                () -> {
                  try {
                    socket.connect(new InetSocketAddress(LOCAL, port), 10_000);
                  } catch (IOException e) {
                    throw new IOException(e.getClass().getName(), e);
                  }
                });
            state(socket, notes);
            notes.run("connect again", () -> socket.connect(new InetSocketAddress(LOCAL, port)));
          }
        });
    scripts.put(
        "a connect to an unknown host",
        (maker, notes) -> {
          try (Socket socket = maker.socket()) {
            notes.run(
                "connect to nowhere",
                () -> socket.connect(InetSocketAddress.createUnresolved("nowhere.invalid", 80)));
            state(socket, notes);
          }
        });
    scripts.put(
        "a closed socket that never was connected",
        (maker, notes) -> {
          Socket socket = maker.socket();
          notes.run("close", socket::close);
          notes.run("close again", socket::close);
          afterClose(socket, notes);
          notes.run("connect", () -> socket.connect(new InetSocketAddress(LOCAL, 1)));
          nulls(socket, notes);
        });
    scripts.put(
        "a new server socket",
        (maker, notes) -> {
          try (ServerSocket server = maker.server()) {
            state(server, notes);
            notes.get("toString", server::toString);
            notes.get("accept", server::accept);
            options(server, notes);
            setOptions(server, notes);
            notes.section("then");
            options(server, notes);
          }
        });
    scripts.put(
        "a bound server socket",
        (maker, notes) -> {
          try (ServerSocket server = maker.server()) {
            notes.run("bind strange", () -> server.bind(new StrangeAddress()));
            notes.run(
                "bind unresolved",
                () -> server.bind(InetSocketAddress.createUnresolved("nowhere.invalid", 0)));
            notes.run(
                "bind foreign server",
                () -> server.bind(new InetSocketAddress(InetAddress.ofLiteral("192.0.2.1"), 0)));
            notes.run("bind", () -> server.bind(new InetSocketAddress(LOCAL, 0), -1));
            state(server, notes);
            notes.run("bind again", () -> server.bind(new InetSocketAddress(LOCAL, 0)));
            options(server, notes);
            setOptions(server, notes);
            notes.section("then");
            options(server, notes);
          }
        });
    scripts.put(
        "a server socket bound to null",
        (maker, notes) -> {
          try (ServerSocket server = maker.server()) {
            notes.run("bind", () -> server.bind(null));
            notes.get("isBound", server::isBound);
            notes.get("getInetAddress", () -> server.getInetAddress().isAnyLocalAddress());
            notes.get("getLocalPort", () -> portOf(server.getLocalPort()));
          }
        });
    scripts.put(
        "a server socket whose port is taken",
        (maker, notes) -> {
          try (ServerSocket server = maker.server();
              var other = new ServerSocket(0, 1, LOCAL)) {
            notes.run(
                "bind",
                () -> {
                  try {
                    server.bind(other.getLocalSocketAddress());
                  } catch (IOException e) {
                    throw new IOException(e.getClass().getName(), e);
                  }
                });
            notes.get("isBound", server::isBound);
            notes.get("isClosed", server::isClosed);
            notes.section("then");
            notes.run("bind elsewhere", () -> server.bind(new InetSocketAddress(LOCAL, 0)));
            state(server, notes);
          }
        });
    scripts.put(
        "a closed server socket",
        (maker, notes) -> {
          ServerSocket server = maker.server();
          server.bind(new InetSocketAddress(LOCAL, 0));
          notes.run("close", server::close);
          notes.run("close again", server::close);
          state(server, notes);
          notes.get("accept", server::accept);
          notes.run("bind", () -> server.bind(new InetSocketAddress(LOCAL, 0)));
          options(server, notes);
          setOptions(server, notes);
        });
    scripts.put(
        "accepting",
        (maker, notes) -> {
          try (ServerSocket server = maker.server()) {
            server.bind(new InetSocketAddress(LOCAL, 0));
            server.setSoTimeout(20);
            notes.get("accept in vain", server::accept);
            notes.get("isClosed after that", server::isClosed);
            server.setSoTimeout(20_000);
            try (var client = new Socket(LOCAL, server.getLocalPort());
                Socket accepted = server.accept()) {
              notes.get("its peer", () -> accepted.getPort() == client.getLocalPort());
              notes.get("its port", () -> accepted.getLocalPort() == client.getPort());
              notes.get("its time-out", accepted::getSoTimeout);
              server.close();
              client.getOutputStream().write(5);
              notes.get("it lives on", () -> accepted.getInputStream().read());
            }
          }
        });
    scripts.put(
        "a close while another accepts",
        (maker, notes) -> {
          ServerSocket server = maker.server();
          server.bind(new InetSocketAddress(LOCAL, 0));
          notes.run("close", closesSoon(server::close));
          notes.get("accept", server::accept);
          notes.get("isClosed", server::isClosed);
        });
    return scripts;
  }

  private static void options(ServerSocket server, Notes notes) {
    notes.get("getSoTimeout", server::getSoTimeout);
    notes.get("getReuseAddress", server::getReuseAddress);
    notes.get("getReceiveBufferSize > 0", () -> server.getReceiveBufferSize() > 0);
    notes.get("supportedOptions of a server", () -> names(server.supportedOptions()));
    notes.get("getOption SO_REUSEADDR", () -> server.getOption(StandardSocketOptions.SO_REUSEADDR));
    notes.get("getOption TCP_NODELAY", () -> server.getOption(StandardSocketOptions.TCP_NODELAY));
  }

  private static void setOptions(ServerSocket server, Notes notes) {
    notes.run("setSoTimeout", () -> server.setSoTimeout(1234));
    notes.run("setSoTimeout -1", () -> server.setSoTimeout(-1));
    notes.run("setReuseAddress", () -> server.setReuseAddress(true));
    notes.run("setReceiveBufferSize", () -> server.setReceiveBufferSize(10_000));
    notes.run("setReceiveBufferSize 0", () -> server.setReceiveBufferSize(0));
    notes.run("setPerformancePreferences", () -> server.setPerformancePreferences(1, 2, 3));
    notes.run(
        "setOption SO_RCVBUF", () -> server.setOption(StandardSocketOptions.SO_RCVBUF, 10_000));
    notes.run(
        "setOption TCP_NODELAY", () -> server.setOption(StandardSocketOptions.TCP_NODELAY, true));
  }

  private static void afterClose(Socket socket, Notes notes) {
    notes.section("after close");
    state(socket, notes);
    options(socket, notes);
    setOptions(socket, notes);
    notes.run("shutdownInput", socket::shutdownInput);
    notes.run("shutdownOutput", socket::shutdownOutput);
    notes.run("bind", () -> socket.bind(new InetSocketAddress(LOCAL, 0)));
    notes.run("sendUrgentData", () -> socket.sendUrgentData(1));
  }

  /** On connections. */
  private static final Map<String, ConnectedScript> CONNECTED = connected();

  private static Map<String, ConnectedScript> connected() {
    Map<String, ConnectedScript> scripts = new LinkedHashMap<>();
    scripts.put(
        "a connection",
        (socket, peer, notes) -> {
          state(socket, notes);
          options(socket, notes);
          notes.get("toString", socket::toString);
          InputStream in = socket.getInputStream();
          OutputStream out = socket.getOutputStream();
          notes.get("same input", () -> socket.getInputStream() == in);
          notes.get("same output", () -> socket.getOutputStream() == out);
          notes.get("peer's port", () -> peer.getLocalPort() == socket.getPort());
          nulls(socket, notes);
        });
    scripts.put(
        "options of a connection",
        (socket, peer, notes) -> {
          setOptions(socket, notes);
          notes.section("then");
          options(socket, notes);
        });
    scripts.put(
        "reading",
        (socket, peer, notes) -> {
          InputStream in = socket.getInputStream();
          peer.getOutputStream().write(new byte[] {1, 2, 3, 4, 5, 6, 7, 8, -1, 10});
          byte[] bytes = new byte[4];
          notes.get("available", () -> awaitAvailable(in, 10));
          notes.get("read", in::read);
          notes.get("read array", () -> in.read(bytes));
          notes.get("the array", () -> bytes);
          notes.get("read none", () -> in.read(bytes, 1, 0));
          notes.get("read empty", () -> in.read(new byte[0]));
          notes.get("skip none", () -> in.skip(0));
          notes.get("skip back", () -> in.skip(-3));
          notes.get("skip", () -> in.skip(2));
          notes.get("readNBytes none", () -> in.readNBytes(0));
          notes.get("markSupported", in::markSupported);
          notes.run("reset", in::reset);
          notes.get("available again", in::available);
          notes.get("read part", () -> in.read(bytes, 2, 2));
          notes.get("read the last", in::read);
          peer.shutdownOutput();
          notes.get("read at the end", in::read);
          notes.get("read array at the end", () -> in.read(bytes));
          notes.get("read none at the end", () -> in.read(bytes, 0, 0));
          notes.get("available at the end", in::available);
          notes.get("skip at the end", () -> in.skip(3));
          notes.get("readAllBytes at the end", in::readAllBytes);
          notes.get("isInputShutdown at the end", socket::isInputShutdown);
          notes.get("isConnected at the end", socket::isConnected);
        });
    scripts.put(
        "reading what makes no sense",
        (socket, peer, notes) -> {
          InputStream in = socket.getInputStream();
          readNonsense(in, notes);
          notes.section("at the end");
          peer.shutdownOutput();
          in.read();
          readNonsense(in, notes);
          notes.section("after close");
          socket.close();
          readNonsense(in, notes);
        });
    scripts.put(
        "writing",
        (socket, peer, notes) -> {
          OutputStream out = socket.getOutputStream();
          notes.run("write", () -> out.write(300));
          notes.run("write array", () -> out.write(new byte[] {1, 2}));
          notes.run("write part", () -> out.write(new byte[] {3, 4, 5, 6}, 1, 2));
          notes.run("write none", () -> out.write(new byte[] {7}, 1, 0));
          notes.run("flush", out::flush);
          notes.get("what came", () -> peer.getInputStream().readNBytes(5));
          writeNonsense(out, notes);
          notes.section("after shutdownOutput");
          notes.run("shutdownOutput", socket::shutdownOutput);
          notes.get("what the peer sees", () -> peer.getInputStream().read());
          notes.run("write after the end", () -> out.write(1));
          notes.run("write none", () -> out.write(new byte[0]));
          notes.run("flush", out::flush);
          notes.run("shutdownOutput again", socket::shutdownOutput);
          notes.get("getOutputStream", socket::getOutputStream);
          notes.get("isOutputShutdown", socket::isOutputShutdown);
          notes.get("isClosed", socket::isClosed);
          writeNonsense(out, notes);
          peer.getOutputStream().write(9);
          notes.get("read", () -> socket.getInputStream().read());
          notes.section("after close");
          socket.close();
          notes.run("write", () -> out.write(1));
          notes.run("write none", () -> out.write(new byte[0]));
          notes.run("flush", out::flush);
          writeNonsense(out, notes);
          notes.run("close of the stream", out::close);
        });
    scripts.put(
        "shutdownInput",
        (socket, peer, notes) -> {
          InputStream in = socket.getInputStream();
          peer.getOutputStream().write(new byte[] {1, 2, 3});
          awaitAvailable(in, 3);
          notes.get("read before", in::read);
          notes.run("shutdownInput", socket::shutdownInput);
          notes.get("isInputShutdown", socket::isInputShutdown);
          notes.get("isClosed", socket::isClosed);
          notes.get("available", in::available);
          notes.get("read", in::read);
          notes.get("read array", () -> in.read(new byte[2]));
          notes.get("read none", () -> in.read(new byte[0]));
          notes.get("skip", () -> in.skip(1));
          notes.get("getInputStream", socket::getInputStream);
          notes.run("shutdownInput again", socket::shutdownInput);
          notes.run("write", () -> socket.getOutputStream().write(4));
          notes.run("flush", () -> socket.getOutputStream().flush());
          notes.get("what came", () -> peer.getInputStream().read());
          notes.run("shutdownOutput", socket::shutdownOutput);
          notes.section("then");
          state(socket, notes);
        });
    scripts.put(
        "close",
        (socket, peer, notes) -> {
          InputStream in = socket.getInputStream();
          OutputStream out = socket.getOutputStream();
          notes.run("close", socket::close);
          notes.get("what the peer sees", () -> peer.getInputStream().read());
          afterClose(socket, notes);
          notes.get("toString", socket::toString);
          notes.get("read", in::read);
          notes.get("available", in::available);
          notes.get("skip", () -> in.skip(1));
          notes.run("write", () -> out.write(1));
          notes.run("close of the input", in::close);
          notes.run("close of the output", out::close);
          notes.run("close again", socket::close);
        });
    scripts.put(
        "closing the input stream",
        (socket, peer, notes) -> {
          notes.run("close", () -> socket.getInputStream().close());
          state(socket, notes);
          notes.get("what the peer sees", () -> peer.getInputStream().read());
        });
    scripts.put(
        "closing the output stream",
        (socket, peer, notes) -> {
          OutputStream out = socket.getOutputStream();
          out.write(1);
          notes.run("close", out::close);
          state(socket, notes);
          notes.get("what the peer sees", () -> peer.getInputStream().readAllBytes());
        });
    scripts.put(
        "half-close both ways",
        (socket, peer, notes) -> {
          notes.run("write", () -> socket.getOutputStream().write(1));
          notes.run("shutdownOutput", socket::shutdownOutput);
          notes.get("what came", () -> peer.getInputStream().readAllBytes());
          peer.getOutputStream().write(2);
          peer.shutdownOutput();
          notes.get("what came back", () -> socket.getInputStream().readAllBytes());
          state(socket, notes);
          notes.run("close", socket::close);
        });
    scripts.put(
        "time-outs",
        (socket, peer, notes) -> {
          InputStream in = socket.getInputStream();
          socket.setSoTimeout(20);
          notes.get("read", in::read);
          notes.get("read array", () -> in.read(new byte[5]));
          notes.get("read none", () -> in.read(new byte[0]));
          notes.get("getSoTimeout", socket::getSoTimeout);
          peer.getOutputStream().write(new byte[] {1, 2});
          awaitAvailable(in, 2);
          notes.get("read more than there is", () -> in.read(new byte[5]));
          peer.getOutputStream().write(3);
          awaitAvailable(in, 1);
          notes.get("readNBytes of more", () -> in.readNBytes(5));
          peer.getOutputStream().write(4);
          notes.get("read after that", in::read);
          notes.get("isClosed", socket::isClosed);
          notes.run("setSoTimeout 0", () -> socket.setSoTimeout(0));
          notes.get("getSoTimeout after 0", socket::getSoTimeout);
        });
    scripts.put(
        "a reset while nobody looks",
        (socket, peer, notes) -> {
          peer.setSoLinger(true, 0);
          peer.close();
          notes.get("read", () -> socket.getInputStream().read());
          notes.get("read again", () -> socket.getInputStream().read());
          notes.get("available", () -> socket.getInputStream().available());
          notes.get("isConnected", socket::isConnected);
          notes.get("isClosed", socket::isClosed);
          notes.run("close", socket::close);
        });
    scripts.put(
        "a reset that is asked for first",
        (socket, peer, notes) -> {
          peer.setSoLinger(true, 0);
          peer.close();
          Thread.sleep(10);
          InputStream in = socket.getInputStream();
          notes.get("available", in::available);
          notes.get("available again", in::available);
          notes.get("read", in::read);
          notes.get("read again", in::read);
        });
    scripts.put(
        "writing to a peer that is gone",
        (socket, peer, notes) -> {
          peer.close();
          OutputStream out = socket.getOutputStream();
          notes.run(
              "writes",
              () -> {
                try {
                  for (int i = 0; i < 1000; i++) {
                    out.write(1);
                    out.flush();
                    Thread.sleep(1);
                  }
                } catch (IOException e) {
                  throw new IOException(e.getClass().getName(), e);
                }
              });
          notes.get("isClosed", socket::isClosed);
          notes.get("isOutputShutdown", socket::isOutputShutdown);
          notes.run("close", socket::close);
        });
    scripts.put(
        "urgent data",
        (socket, peer, notes) -> notes.run("sendUrgentData", () -> socket.sendUrgentData(1)));
    scripts.put(
        "a close while another reads",
        (socket, peer, notes) -> {
          InputStream in = socket.getInputStream();
          notes.run("close", closesSoon(socket::close));
          notes.get("read", in::read);
        });
    scripts.put(
        "a shutdownInput while another reads",
        (socket, peer, notes) -> {
          InputStream in = socket.getInputStream();
          notes.run("shutdownInput", closesSoon(socket::shutdownInput));
          notes.get("read", in::read);
        });
    return scripts;
  }

  /** Does something from another thread, when the caller most probably waits. */
  private static VoidCall closesSoon(VoidCall call) {
    return () ->
        Thread.ofPlatform()
            .start(() -> {
              try {
                Thread.sleep(30);
                call.make();
              } catch (Exception e) {
                throw new AssertionError(e);
              }
            });
  }

  @SuppressWarnings("NullAway")
  private static void readNonsense(InputStream in, Notes notes) {
    notes.get("read null", () -> in.read(null));
    notes.get("read null part", () -> in.read(null, 0, 1));
    notes.get("read from -1", () -> in.read(new byte[3], -1, 2));
    notes.get("read -1", () -> in.read(new byte[3], 0, -1));
    notes.get("read 4 of 3", () -> in.read(new byte[3], 0, 4));
    notes.get("read after the last", () -> in.read(new byte[3], 3, 1));
    notes.get("read none after the last", () -> in.read(new byte[3], 4, 0));
  }

  @SuppressWarnings("NullAway")
  private static void writeNonsense(OutputStream out, Notes notes) {
    notes.run("write null", () -> out.write(null));
    notes.run("write null part", () -> out.write(null, 0, 1));
    notes.run("write from -1", () -> out.write(new byte[3], -1, 2));
    notes.run("write -1", () -> out.write(new byte[3], 0, -1));
    notes.run("write 4 of 3", () -> out.write(new byte[3], 0, 4));
  }

  private static int awaitAvailable(InputStream in, int count) throws Exception {
    for (int i = 0; i < 10_000 && in.available() < count; i++) {
      Thread.sleep(1);
    }
    return in.available();
  }

  // ---- Comparing

  private static final Maker JDK =
      new Maker() {
        @Override
        public Socket socket() {
          return new Socket();
        }

        @Override
        public ServerSocket server() throws IOException {
          return new ServerSocket();
        }
      };

  private static Maker ours(Copas copas) {
    return new Maker() {
      @Override
      public Socket socket() throws IOException {
        return new CopasSocket(copas);
      }

      @Override
      public ServerSocket server() {
        return new CopasServerSocket(copas, new TcpServerSocketImpl(copas));
      }
    };
  }

  private static Stream<Arguments> all() {
    List<Arguments> all = new ArrayList<>();
    for (boolean inTask : new boolean[] {true, false}) {
      String where = inTask ? "in a task" : "on a thread outside";
      SCRIPTS.forEach((name, script) -> all.add(Arguments.of(name, where, script)));
      CONNECTED.forEach((name, script) -> {
        all.add(Arguments.of(name + ", connected", where, connecting(script)));
        all.add(Arguments.of(name + ", accepted", where, accepting(script)));
      });
    }
    return all.stream();
  }

  private static Script connecting(ConnectedScript script) {
    return (maker, notes) -> {
      try (var listener = new ServerSocket(0, 1, LOCAL);
          Socket socket = maker.socket()) {
        socket.connect(listener.getLocalSocketAddress());
        try (Socket peer = listener.accept()) {
          script.run(socket, peer, notes);
        }
      }
    };
  }

  private static Script accepting(ConnectedScript script) {
    return (maker, notes) -> {
      try (ServerSocket listener = maker.server()) {
        listener.bind(new InetSocketAddress(LOCAL, 0));
        try (var peer = new Socket(LOCAL, listener.getLocalPort());
            Socket socket = listener.accept()) {
          script.run(socket, peer, notes);
        }
      }
    };
  }

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource("all")
  void everyCallDoesWhatItDoesInJavaNet(String name, String where, Script script) throws Exception {
    var expected = new Notes();
    script.run(JDK, expected);
    var actual = new Notes();
    try (var fixture = SocketFixture.started()) {
      Maker ours = ours(fixture.copas);
      if (where.equals("in a task")) {
        fixture.runInTask(() -> script.run(ours, actual));
      } else {
        script.run(ours, actual);
      }
    }
    assertFalse(expected.lines.isEmpty());
    assertEquals(withoutMeant(expected), withoutMeant(actual));
  }

  private static String withoutMeant(Notes notes) {
    var text = new StringBuilder();
    notes.lines.forEach((call, outcome) -> {
      if (!MEANT.containsKey(call.substring(call.lastIndexOf(": ") + 1).strip())) {
        text.append(call).append(" -> ").append(outcome).append('\n');
      }
    });
    return text.toString();
  }
}
