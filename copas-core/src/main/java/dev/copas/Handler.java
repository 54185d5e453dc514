package dev.copas;

/**
 * What a server does with one connection.
 *
 * <p>Runs as a task of its own; a method that takes a {@link java.net.Socket} fits as it is.
 */
@FunctionalInterface
public interface Handler {

  /**
   * Serves one connection, from its first byte to its last.
   *
   * <p>When this returns or throws, the socket is closed (see {@link ServerOptions#autoClose}).
   *
   * @throws Exception anything: it goes to the error handler of the {@link Copas}, and hurts nobody
   *     else
   */
  void handle(CopasSocket socket) throws Exception;
}
