package com.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class MainTest {
  @Test
  void greets() {
    assertEquals("hello, world", Main.greeting("world"));
  }

  @Test
  void theFlagsReachTheTests() {
    assertTrue(Thread.class.getModule().isOpen("java.lang", Main.class.getModule()));
  }
}
