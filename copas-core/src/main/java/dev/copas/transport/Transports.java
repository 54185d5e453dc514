package dev.copas.transport;

import java.io.IOException;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/** Which transports there are. */
public enum Transports {

  /** {@link #EPOLL} where that is to be had, and else {@link #NIO}. */
  FASTEST {
    @Override
    public Transport open() throws IOException {
      if (!hasEpoll()) {
        return NIO.open();
      }
      if (!mayCallNatively()) {
        sayWhatIsMissing();
        return NIO.open();
      }
      return EPOLL.open();
    }
  },

  NIO {
    @Override
    public Transport open() throws IOException {
      return new NioTransport();
    }
  },

  EPOLL {
    @Override
    public Transport open() throws IOException {
      if (!hasEpoll()) {
        throw new IllegalStateException(
            "Options.epoll() needs Linux on x86-64 or aarch64; this is "
                + System.getProperty("os.name")
                + " on "
                + System.getProperty("os.arch"));
      }
      if (!mayCallNatively()) {
        throw new IllegalStateException(
            "Options.epoll() needs the JVM's permission: " + PERMISSION);
      }
      return new EpollTransport();
    }
  };

  private static final String PERMISSION =
      "java --enable-native-access=ALL-UNNAMED (on the module path: =dev.copas), or"
          + " Enable-Native-Access: ALL-UNNAMED in the manifest of an executable jar";

  private static final AtomicBoolean SAID = new AtomicBoolean();

  public abstract Transport open() throws IOException;

  private static boolean hasEpoll() {
    return System.getProperty("os.name").equals("Linux")
        && Set.of("amd64", "aarch64").contains(System.getProperty("os.arch"));
  }

  /** Without permission, the first call would print four lines of warning, or throw. */
  private static boolean mayCallNatively() {
    return Transports.class.getModule().isNativeAccessEnabled();
  }

  private static void sayWhatIsMissing() {
    if (SAID.compareAndSet(false, true)) {
      System.getLogger("dev.copas")
          .log(
              System.Logger.Level.INFO,
              "the loop runs on java.nio; it calls epoll itself with "
                  + PERMISSION
                  + ". Options.nio() is content as it is");
    }
  }
}
