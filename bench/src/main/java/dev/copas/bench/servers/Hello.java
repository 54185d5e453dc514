package dev.copas.bench.servers;

/** No server at all: the start of a JVM, to compare the starts of the others with. */
public final class Hello {

  private Hello() {}

  public static void main(String[] args) {
    System.out.print("port 0\n");
    System.out.flush();
  }
}
