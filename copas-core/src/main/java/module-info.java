import org.jspecify.annotations.NullMarked;

/**
 * An event loop that blocking I/O, locks and sleeps do not block, running plain sequential code.
 */
@NullMarked
module dev.copas {
  requires static transitive org.jspecify;

  exports dev.copas;
}
