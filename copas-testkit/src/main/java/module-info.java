import org.jspecify.annotations.NullMarked;

/** Simulated time and an in-memory network for tests of what runs on Copas. */
@NullMarked
module dev.copas.testkit {
  requires transitive dev.copas;
  requires static transitive org.jspecify;

  exports dev.copas.testkit;
}
