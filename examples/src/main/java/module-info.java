/** Small servers that show how Copas is used. */
module dev.copas.examples {
  requires dev.copas;
  requires jdk.net;
}
