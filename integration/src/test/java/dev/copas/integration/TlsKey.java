package dev.copas.integration;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A key, new for every run, with a certificate for 127.0.0.1, made by the JDK's keytool. */
final class TlsKey {

  private static final String PASSWORD = "changeit";

  /** For a server that has the key, and for clients that trust its certificate and no other. */
  static final SSLContext CONTEXT = context();

  private TlsKey() {}

  private static SSLContext context() {
    try {
      return contextOfNewKey();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static SSLContext contextOfNewKey() throws Exception {
    Path folder = Files.createTempDirectory(Path.of("target"), "key");
    KeyStore key = makeKey(folder.resolve("key.p12"));
    var keyManagers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keyManagers.init(key, PASSWORD.toCharArray());
    var trustManagers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trustManagers.init(key);
    var context = SSLContext.getInstance("TLS");
    context.init(keyManagers.getKeyManagers(), trustManagers.getTrustManagers(), null);
    return context;
  }

  private static KeyStore makeKey(Path file) throws Exception {
    String program = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    Process keytool =
        new ProcessBuilder(
                List.of(
                    program,
                    "-J-XX:TieredStopAtLevel=1",
                    "-genkeypair",
                    "-keystore",
                    file.toString(),
                    "-storepass",
                    PASSWORD,
                    "-keyalg",
                    "EC",
                    "-dname",
                    "CN=test",
                    "-ext",
                    "SAN=ip:127.0.0.1"))
            .redirectErrorStream(true)
            .start();
    String said = new String(keytool.getInputStream().readAllBytes(), Charset.defaultCharset());
    if (keytool.waitFor() != 0) {
      throw new IOException("keytool: " + said);
    }
    return KeyStore.getInstance(file.toFile(), PASSWORD.toCharArray());
  }
}
