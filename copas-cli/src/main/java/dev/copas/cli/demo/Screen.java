package dev.copas.cli.demo;

import java.io.Console;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jline.terminal.Attributes;
import org.jline.terminal.Attributes.ControlChar;
import org.jline.terminal.Attributes.LocalFlag;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.AttributedString;
import org.jline.utils.Display;
import org.jline.utils.InfoCmp;
import org.jline.utils.InfoCmp.Capability;
import org.jline.utils.NonBlockingReader;
import org.jline.utils.ShutdownHooks;
import org.jspecify.annotations.Nullable;

/**
 * The whole terminal, for as long as this is open. However the process ends, the terminal is what
 * it was before.
 */
final class Screen implements AutoCloseable {

  /** A key that says that there will be no more of them. */
  static final int END = NonBlockingReader.EOF;

  private final Terminal terminal;
  private final Attributes before;
  private final Display display;
  private boolean closed;

  /** Whether there is a terminal, and one that can be drawn on. */
  static boolean isPossible() throws InterruptedException {
    return Optional.ofNullable(System.console()).filter(Console::isTerminal).isPresent()
        && canMoveCursor(System.getenv("TERM"));
  }

  private static boolean canMoveCursor(@Nullable String type) throws InterruptedException {
    try {
      return type == null || InfoCmp.getInfoCmp(type).contains("cup=");
    } catch (IOException e) {
      return false; // Nobody knows this type.
    }
  }

  static Screen open() throws IOException {
    // JLine's own hook knows only of the settings, and would close the terminal under ours.
    System.setProperty(ShutdownHooks.PROP_DISABLE_SHUTDOWN_HOOK, "true");
    Terminal terminal =
        TerminalBuilder.builder()
            .provider("ffm")
            .dumb(false)
            .nativeSignals(false) // The JVM has its own, and runs the hook.
            .build();
    var screen = new Screen(terminal);
    Runtime.getRuntime().addShutdownHook(new Thread(screen::close, "demo-screen"));
    screen.begin();
    return screen;
  }

  private Screen(Terminal terminal) {
    this.terminal = terminal;
    before = terminal.getAttributes();
    display = new Display(terminal, true);
  }

  private synchronized void begin() {
    terminal.enterRawMode();
    letCtrlCEndTheProcess();
    terminal.puts(Capability.enter_ca_mode);
    terminal.puts(Capability.cursor_invisible);
  }

  /** In raw mode it is a key like any other, and needs somebody who reads it. */
  private void letCtrlCEndTheProcess() {
    Attributes attributes = terminal.getAttributes();
    attributes.setLocalFlag(LocalFlag.ISIG, true);
    attributes.setControlChar(ControlChar.VSUSP, 0); // Ctrl-Z would leave the terminal raw.
    terminal.setAttributes(attributes);
  }

  boolean canShow(String text) {
    return terminal.encoding().newEncoder().canEncode(text);
  }

  /** Waits so long for a key; {@link #END}, or negative when there was none. */
  int key(long nanos) throws IOException {
    return terminal.reader().read(Math.max(1, TimeUnit.NANOSECONDS.toMillis(nanos)));
  }

  /** Shows as much of the lines as there is room for. */
  synchronized void draw(List<String> lines) {
    if (closed) {
      return;
    }
    Size size = size();
    if (display.getRows() != size.getRows() || display.getColumns() != size.getColumns()) {
      display.resize(size);
      display.clear();
    }
    display.update(visible(lines, size), -1);
  }

  private Size size() {
    Size size = terminal.getSize();
    boolean known = size.getRows() > 0 && size.getColumns() > 0;
    return known ? size : Size.of(80, 24);
  }

  private static List<AttributedString> visible(List<String> lines, Size size) {
    return lines.stream()
        .limit(size.getRows())
        .map(line -> new AttributedString(line).columnSubSequence(0, size.getColumns()))
        .toList();
  }

  /** JLine's terminal stays open, for there may be somebody in {@link #key}. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    terminal.puts(Capability.cursor_normal);
    terminal.puts(Capability.exit_ca_mode);
    terminal.flush();
    terminal.setAttributes(before);
  }
}
