package dev.copas.transport;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
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
  private static final long SHORT = TimeUnit.MILLISECONDS.toNanos(50);

  private final List<PacketChannel> told = new ArrayList<>();

  /** What a listener does when it is told, after it has noted that. */
  private Runnable whenTold = () -> {};

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
      whenTold.run();
      return true;
    }

    @Override
    public void writable() {}
  }

  @Test
  void ofNio() throws IOException {
    checkAll(NioTransport::new);
  }

  @Test
  @Tag("native")
  @EnabledOnOs(OS.LINUX)
  void ofEpoll() throws IOException {
    checkAll(EpollTransport::new);
  }

  private interface Opening {
    Transport open() throws IOException;
  }

  private interface Check {
    void with(Transport transport, List<PacketChannel> readable) throws IOException;
  }

  private void checkAll(Opening opening) throws IOException {
    List<Check> checks =
        List.of(this::areToldInGroups, this::thoseClosedMeanwhileAreNot, this::oneThatThrows);
    for (Check check : checks) {
      told.clear();
      Transport transport = opening.open();
      try {
        check.with(transport, readable(transport));
      } finally {
        transport.close();
      }
    }
  }

  private List<PacketChannel> readable(Transport transport) throws IOException {
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
    return channels;
  }

  private void areToldInGroups(Transport transport, List<PacketChannel> channels)
      throws IOException {
    for (int group = 1; group <= 3; group++) {
      long begun = System.nanoTime();
      transport.poll(LONG);
      assertTrue(System.nanoTime() - begun < LONG / 2, "a poll waits though there is more to tell");
      assertEquals(Math.min(group * DueChannels.GROUP, MANY), told.size());
    }
    assertEquals(MANY, told.stream().distinct().count());
  }

  private void thoseClosedMeanwhileAreNot(Transport transport, List<PacketChannel> channels)
      throws IOException {
    transport.poll(LONG);
    for (PacketChannel channel : channels) {
      channel.close();
    }
    transport.finishCloses();
    for (int i = 0; i < 3; i++) {
      transport.poll(0);
    }
    assertEquals(DueChannels.GROUP, told.size());
    long begun = System.nanoTime();
    transport.poll(SHORT);
    assertTrue(
        System.nanoTime() - begun >= SHORT / 2, "a poll does not wait though nothing is due");
  }

  private void oneThatThrows(Transport transport, List<PacketChannel> channels) throws IOException {
    whenTold =
        () -> {
          whenTold = () -> {};
          throw new IllegalStateException("on purpose");
        };
    assertThrows(IllegalStateException.class, () -> transport.poll(LONG));
    while (told.size() < MANY) {
      transport.poll(LONG);
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
