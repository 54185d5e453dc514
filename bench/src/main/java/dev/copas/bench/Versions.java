package dev.copas.bench;

import io.netty.util.Version;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** What took part. */
final class Versions {

  private Versions() {}

  static String ofPeers() throws IOException {
    Version netty = Version.identify().get("netty-transport");
    return "Netty %s, Vert.x %s"
        .formatted(netty == null ? "of an unknown version" : netty.artifactVersion(), ofVertx());
  }

  private static String ofVertx() throws IOException {
    try (InputStream text =
        Vertx.class.getClassLoader().getResourceAsStream("META-INF/vertx/vertx-version.txt")) {
      return text == null
          ? "of an unknown version"
          : new String(text.readAllBytes(), StandardCharsets.UTF_8).strip();
    }
  }
}
