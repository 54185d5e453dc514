package dev.copas;

/**
 * In which mode the tests run: the whole suite runs once in each. What only native mode can do
 * (steps, several loops side by side, an order that is certain) has the tag {@code native}.
 */
final class Modes {

  static final boolean SOLO = "solo".equals(System.getProperty("copas.mode"));

  private Modes() {}

  static Copas create() {
    return create(Options.defaults());
  }

  static Copas create(Options options) {
    return Copas.create(SOLO ? options.solo() : options);
  }
}
