import org.jspecify.annotations.NullMarked;

/** The {@code copas} command. */
@NullMarked
@SuppressWarnings("requires-automatic") // HdrHistogram has no module of its own.
module dev.copas.cli {
  requires dev.copas;
  requires info.picocli;
  requires static org.jspecify;

  // For the demo alone. The launcher adds them, so that other commands need not wait for them.
  requires static HdrHistogram;
  requires static io.netty.buffer;
  requires static io.netty.codec;
  requires static io.netty.common;
  requires static io.netty.transport;
  requires static jdk.management;
  requires static org.jline.terminal;
  requires static org.jline.terminal.ffm;

  opens dev.copas.cli to
      info.picocli;
}
