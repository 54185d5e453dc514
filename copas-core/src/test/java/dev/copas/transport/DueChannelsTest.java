package dev.copas.transport;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Many channels that become ready at once are told in groups, and no group is forgotten. */
@Timeout(60)
class DueChannelsTest {

  private static final int MANY = 3 * DueChannels.GROUP - 1;
  private static final long LONG = TimeUnit.SECONDS.toNanos(30);

  private final List<PacketChannel> told = new ArrayList<>();

  private final class Told implements TransportChannel.Listener {

    private final PacketChannel channel;
    private boolean prefetched;

    Told(PacketChannel channel) {
      this.channel = channel;
      channel.setListener(this);
    }

    @Override
    public int prefetch() {
      prefetched = true;
      return 0;
    }

    @Override
    public boolean readable() {
      assertTrue(prefetched, "it is told, and was not prefetched");
      told.add(channel);
      return true;
    }

    @Override
    public void writable() {}
  }

  @Test
  void ofNio() throws IOException {
    try (var closing = new Closing(new NioTransport())) {
      areToldInGroups(closing.transport);
    }
  }

  @Test
  @Tag("native")
  @EnabledOnOs(OS.LINUX)
  void ofEpoll() throws IOException {
    try (var closing = new Closing(new EpollTransport())) {
      areToldInGroups(closing.transport);
    }
  }

  private record Closing(Transport transport) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      transport.close();
    }
  }

  private void areToldInGroups(Transport transport) throws IOException {
    List<PacketChannel> channels = new ArrayList<>();
    for (int i = 0; i < MANY; i++) {
      channels.add(listening(transport));
    }
    for (int i = 0; i < MANY; i++) { // Until epoll has told that all can be written to.
      transport.poll(0);
    }
    try (var peer = new DatagramSocket()) {
      for (PacketChannel channel : channels) {
        peer.send(new DatagramPacket(new byte[1], 1, requireNonNull(channel.localAddress())));
      }
    }
    for (int group = 1; group <= 3; group++) {
      long begun = System.nanoTime();
      transport.poll(LONG);
      assertTrue(System.nanoTime() - begun < LONG / 2, "a poll waits though there is more to tell");
      assertEquals(Math.min(group * DueChannels.GROUP, MANY), told.size());
    }
    assertEquals(MANY, told.stream().distinct().count());
  }

  private PacketChannel listening(Transport transport) throws IOException {
    PacketChannel channel = transport.openPackets();
    var _ = new Told(channel);
    channel.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    channel.awaitReadable();
    return channel;
  }
}
