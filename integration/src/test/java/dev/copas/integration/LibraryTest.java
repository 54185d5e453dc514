package dev.copas.integration;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * What the tests of the libraries have in common: a loop for each, and how many handlers it has.
 */
abstract class LibraryTest {

  static final int HANDLERS = 50;

  SharedLoop loop;

  @BeforeEach
  final void startLoop() throws Exception {
    loop = new SharedLoop();
  }

  @AfterEach
  final void closeLoop() {
    loop.close();
  }
}
