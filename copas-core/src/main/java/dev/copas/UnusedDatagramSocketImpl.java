package dev.copas;

import java.net.DatagramPacket;
import java.net.DatagramSocketImpl;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketAddress;

/**
 * What java.net.DatagramSocket wants to be made with, and never uses: {@link CopasDatagramSocket}
 * overrides all that would.
 */
@SuppressWarnings("removal") // Some of it is on its way out of the JDK.
final class UnusedDatagramSocketImpl extends DatagramSocketImpl {

  private static AssertionError unused() {
    return new AssertionError("CopasDatagramSocket does not override everything");
  }

  @Override
  protected void create() {
    throw unused();
  }

  @Override
  protected void bind(int port, InetAddress address) {
    throw unused();
  }

  @Override
  protected void send(DatagramPacket packet) {
    throw unused();
  }

  @Override
  protected int peek(InetAddress address) {
    throw unused();
  }

  @Override
  protected int peekData(DatagramPacket packet) {
    throw unused();
  }

  @Override
  protected void receive(DatagramPacket packet) {
    throw unused();
  }

  @Override
  protected void setTTL(byte ttl) {
    throw unused();
  }

  @Override
  protected byte getTTL() {
    throw unused();
  }

  @Override
  protected void setTimeToLive(int ttl) {
    throw unused();
  }

  @Override
  protected int getTimeToLive() {
    throw unused();
  }

  @Override
  protected void join(InetAddress group) {
    throw unused();
  }

  @Override
  protected void leave(InetAddress group) {
    throw unused();
  }

  @Override
  protected void joinGroup(SocketAddress group, NetworkInterface on) {
    throw unused();
  }

  @Override
  protected void leaveGroup(SocketAddress group, NetworkInterface on) {
    throw unused();
  }

  @Override
  protected void close() {
    throw unused();
  }

  @Override
  public void setOption(int id, Object value) {
    throw unused();
  }

  @Override
  public Object getOption(int id) {
    throw unused();
  }
}
