package dev.copas;

import dev.copas.transport.EpollTransport;

/**
 * In which mode and on which transport the tests run: the whole suite runs once in each. What only
 * native mode can do (steps, several loops side by side, an order that is certain) has the tag
 * {@code native}.
 */
final class Modes {

  static final String MODE = System.getProperty("copas.mode", "native");
  static final boolean SOLO = MODE.equals("solo");

  private Modes() {}

  static Copas create() {
    return create(Options.defaults());
  }

  static Copas create(Options options) {
    return Copas.create(
        switch (MODE) {
          case "solo" -> options.solo();
          case "nio" -> options.nio();
          default -> options;
        });
  }

  /** On Linux with the flags of the tests; there is no epoll elsewhere, nor in the other modes. */
  static boolean onEpoll() {
    try (var copas = create()) {
      return copas.machine.transport() instanceof EpollTransport;
    }
  }
}
