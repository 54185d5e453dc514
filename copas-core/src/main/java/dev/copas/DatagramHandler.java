package dev.copas;

/**
 * What a server does with its datagram socket.
 *
 * <p>There is one task for the socket, and not one for each peer: it receives, and sends its
 * answers, in a loop of its own. A method that takes a {@link java.net.DatagramSocket} fits as it
 * is.
 *
 * {@snippet :
 * copas.addServer(copas.bindDatagram("*", 7777), socket -> {
 *   while (true) {
 *     Datagram datagram = socket.receive();
 *     socket.send(datagram.bytes(), datagram.sender());
 *   }
 * });
 * }
 */
@FunctionalInterface
public interface DatagramHandler {

  /**
   * Serves the socket. The server ends when this returns or throws, and its socket is closed then
   * (see {@link ServerOptions#autoClose}): so an exception that one datagram causes has to be
   * caught here if the next one shall be served.
   *
   * <p>When the server is removed, or the loop stopped, the call that waits on the socket throws a
   * {@link java.net.SocketException}, which may leave this method: it is not reported then.
   *
   * @throws Exception anything: it goes to the error handler of the {@link Copas}, and hurts nobody
   *     else
   */
  void handle(CopasDatagramSocket socket) throws Exception;
}
