package dev.copas.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class MainTest {
  @Test
  void versionIsTheBuilds() {
    var version = new Main.Version().getVersion()[0];
    assertTrue(version.matches("copas [0-9]+\\.[0-9]+\\.[0-9]+.* \\(Java .+\\)"), version);
  }
}
