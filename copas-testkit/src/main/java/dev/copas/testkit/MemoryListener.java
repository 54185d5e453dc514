package dev.copas.testkit;

import dev.copas.transport.ListenChannel;
import dev.copas.transport.StreamChannel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.AlreadyBoundException;
import java.nio.channels.NotYetBoundException;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A listening socket: connections that wait to be accepted, and attempts that wait for room. */
final class MemoryListener extends MemoryChannel implements ListenChannel {

  private final Deque<MemoryStream> established = new ArrayDeque<>();
  private final Deque<MemoryStream> attempts = new ArrayDeque<>();
  private int backlog;

  MemoryListener(MemoryTransport transport, StoredOptions options) {
    super(transport, options);
  }

  @Override
  public void bind(InetSocketAddress wanted, int backlog) throws IOException {
    checkUnbound();
    local = transport.ports.take(this, wanted);
    listen(backlog);
  }

  @Override
  public void bindUnix(
      UnixDomainSocketAddress wanted, @Nullable Set<PosixFilePermission> permissions, int backlog)
      throws IOException {
    checkUnbound();
    transport.paths.take(this, wanted);
    local = wanted;
    listen(backlog);
  }

  private void checkUnbound() throws IOException {
    checkOpen();
    if (local != null) {
      throw new AlreadyBoundException();
    }
  }

  private void listen(int backlog) {
    this.backlog = backlog < 1 ? 50 : backlog;
  }

  boolean hasRoom() {
    return established.size() < backlog;
  }

  /** A peer wants to connect. With a full backlog it waits, as one whose packets are dropped. */
  void attempted(MemoryStream client) {
    attempts.add(client);
    takeAttempts();
  }

  private void takeAttempts() {
    while (hasRoom()) {
      MemoryStream client = attempts.poll();
      if (client == null) {
        return;
      }
      if (client.isOpen()) {
        established.add(client.connectedTo(this));
        changed();
      }
    }
  }

  @Override
  public @Nullable StreamChannel accept() throws IOException {
    checkOpen();
    if (local == null) {
      throw new NotYetBoundException();
    }
    MemoryStream accepted = established.poll();
    if (accepted != null) {
      takeAttempts();
      accepted.note("is accepted");
    }
    return accepted;
  }

  @Override
  public boolean refuse() throws IOException {
    StreamChannel accepted = accept();
    if (accepted == null) {
      return false;
    }
    accepted.close();
    return true;
  }

  @Override
  boolean isReadable() {
    return !established.isEmpty();
  }

  @Override
  boolean isWritable() {
    return false;
  }

  /** Who was not accepted yet learns that nobody will. */
  @Override
  void beforeClose() {
    established.forEach(MemoryStream::abort);
    attempts.forEach(MemoryStream::refused);
  }
}
