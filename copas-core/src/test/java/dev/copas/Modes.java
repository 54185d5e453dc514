package dev.copas;

import dev.copas.loop.Clock;
import dev.copas.loop.Environment;
import dev.copas.transport.EpollTransport;
import java.io.IOException;

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
    return Copas.create(inMode(options));
  }

  /** With another clock than the machine's. */
  static Copas create(Options options, Clock clock) throws IOException {
    Options mode = inMode(options);
    Environment system = Copas.environment(mode);
    return Copas.create(mode, new Environment(system.carrier(), system.transport(), clock));
  }

  private static Options inMode(Options options) {
    return switch (MODE) {
      case "solo" -> options.solo();
      case "nio" -> options.nio();
      default -> options;
    };
  }

  /** On Linux with the flags of the tests; there is no epoll elsewhere, nor in the other modes. */
  static boolean onEpoll() {
    try (var copas = create()) {
      return copas.machine.transport() instanceof EpollTransport;
    }
  }
}
