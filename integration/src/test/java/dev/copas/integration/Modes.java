package dev.copas.integration;

import dev.copas.Copas;
import dev.copas.Options;

/** In which mode the tests run: the whole suite runs once in each. */
final class Modes {

  private static final boolean SOLO = "solo".equals(System.getProperty("copas.mode"));

  private Modes() {}

  static Copas create() {
    return create(Options.defaults());
  }

  static Copas create(Options options) {
    return Copas.create(SOLO ? options.solo() : options);
  }
}
