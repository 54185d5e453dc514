import org.jspecify.annotations.NullMarked;

/** The {@code copas} command. */
@NullMarked
module dev.copas.cli {
  requires dev.copas;
  requires info.picocli;
  requires static org.jspecify;

  opens dev.copas.cli to
      info.picocli;
}
