package dev.copas;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a loop is doing, at one moment: {@link Copas#status}. Immutable, and holds nothing of the
 * loop. Times are of the loop's clock, which is simulated in a simulation; ages are what they were
 * at that moment.
 *
 * @param running whether somebody was inside {@link Copas#loop} or {@link Copas#step}, or the loop
 *     was {@link Copas#start started}
 * @param turns the turns that had ended
 * @param timers how many deadlines were set: of pauses, time-outs, {@link Copas#within} and others
 * @param tasks those that had been started and not ended, the oldest first
 * @param servers the listening sockets that were open, whether or not somebody accepted there
 * @param sockets the connections that were open, being made, or closed with bytes still to deliver,
 *     the oldest first
 * @param datagramSockets those that were bound, the oldest first
 */
public record Status(
    boolean running,
    Turns turns,
    int timers,
    List<TaskStatus> tasks,
    List<ServerStatus> servers,
    List<SocketStatus> sockets,
    List<DatagramStatus> datagramSockets) {

  public Status {
    tasks = List.copyOf(tasks);
    servers = List.copyOf(servers);
    sockets = List.copyOf(sockets);
    datagramSockets = List.copyOf(datagramSockets);
  }

  /** The tasks in that state. */
  public List<TaskStatus> tasks(Task.State state) {
    return tasks.stream().filter(task -> task.state() == state).toList();
  }

  /**
   * The turns of a loop since it was made. A turn lets each task that is ready have its step; what
   * the loop sleeps between turns does not count.
   *
   * <p>They tell how much the loop <em>lags</em>: a task that becomes ready, or a timer that is
   * due, waits for the end of the turn that is on, and then for its place in the next one. So
   * {@code last} is how long the wait was of late, and {@code longest} how long at worst. (In solo
   * mode the JVM also resumes tasks while the loop sleeps; what they do then is in no turn.)
   *
   * @param count how many have ended
   * @param total how long all of them took
   * @param longest how long the longest took
   * @param last how long the last one took
   */
  public record Turns(long count, Duration total, Duration longest, Duration last) {

    /** How long one took on average; zero before the first. */
    public Duration average() {
      return count == 0 ? Duration.ZERO : total.dividedBy(count);
    }
  }

  /**
   * A task.
   *
   * @param name as {@link Task#name}
   * @param state as {@link Task#state}
   * @param waitsFor what a waiting task waits for, for people to read: like {@code bytes from
   *     127.0.0.1:40112} or, for a call that is not of Copas, the call and where it was made; null
   *     when it does not wait
   * @param since how long ago the task ran last, to the precision of a turn: for a waiting task,
   *     for how long it has been waiting; for one that has not begun, how long ago it was started.
   *     (In solo mode the loop does not see a task come back from a call that is not of Copas; then
   *     it is the time since its last wait of Copas.)
   * @param serves the connection that its server has started it for; null when there is none
   */
  public record TaskStatus(
      String name,
      Task.State state,
      @Nullable String waitsFor,
      Duration since,
      @Nullable String serves) {}

  /**
   * A listening socket.
   *
   * @param address like {@code 127.0.0.1:7777}
   * @param name of the server that accepts there, as in {@link ServerOptions#name}; null when there
   *     is none
   * @param age how long ago it was bound
   * @param accepted how many connections it has accepted
   */
  public record ServerStatus(String address, @Nullable String name, Duration age, long accepted) {}

  /** Where a connection is in its life. */
  public enum SocketState {
    /** Nobody has asked for a connection yet, or it could not be had. */
    UNCONNECTED,
    /** It is being made. */
    CONNECTING,
    /** It is there. */
    OPEN,
    /** It was closed here, and what was sent before is still being delivered. */
    CLOSING,
    /** It is over. */
    CLOSED
  }

  /**
   * A connection.
   *
   * @param peer address and port, like {@code 127.0.0.1:40112}; empty when there is none
   * @param state where it is in its life
   * @param age how long ago the socket was made or accepted
   * @param received how many bytes have come from the operating system
   * @param sent how many bytes the operating system has taken
   * @param unread how many of the bytes received nobody has asked for yet
   * @param unsent how many bytes were sent that the operating system has still to take
   */
  public record SocketStatus(
      String peer,
      SocketState state,
      Duration age,
      long received,
      long sent,
      int unread,
      int unsent) {}

  /**
   * A datagram socket.
   *
   * @param address like {@code 127.0.0.1:7777}
   * @param peer to which it is connected; null when it is not
   * @param age how long ago it was bound
   * @param received how many bytes of datagrams were received here
   * @param sent how many bytes of datagrams the operating system has taken
   */
  public record DatagramStatus(
      String address, @Nullable String peer, Duration age, long received, long sent) {}
}
