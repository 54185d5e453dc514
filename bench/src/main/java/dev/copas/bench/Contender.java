package dev.copas.bench;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A server that takes part.
 *
 * @param id what the command calls it
 * @param label what the tables call it
 * @param lines whether it can also echo lines as text; who cannot, echoes bytes instead
 * @param command what starts it, with {@link #MODE} where "raw" or "lines" has to be
 */
record Contender(String id, String label, boolean lines, List<String> command) {

  /** Serves nothing: how long a JVM takes at least. */
  private static final String HELLO = "hello";

  private static final String MODE = "MODE";
  private static final String SERVERS = "dev.copas.bench.servers.";

  /**
   * The same for all: one core, so the serial collector; a heap that 10,000 connections fit into.
   */
  private static final List<String> JVM = List.of("-XX:+UseSerialGC", "-Xmx1g");

  private static final List<String> ONE_CARRIER =
      List.of(
          "-Djdk.virtualThreadScheduler.parallelism=1",
          "-Djdk.virtualThreadScheduler.maxPoolSize=1");
  private static final String OPENS = "--add-opens=java.base/java.lang=ALL-UNNAMED";
  private static final String NATIVE = "--enable-native-access=ALL-UNNAMED";
  private static final String UNSAFE = "--sun-misc-unsafe-memory-access=allow";

  /** All that this machine can run, ours first. */
  static List<Contender> all(Path target) throws IOException, InterruptedException {
    var all = new ArrayList<Contender>();
    all.add(java("copas-epoll", "Copas, epoll", List.of(OPENS, NATIVE), "CopasServer", "epoll"));
    all.add(java("copas-nio", "Copas, NIO", List.of(OPENS), "CopasServer", "nio"));
    all.add(java("copas-solo", "Copas, solo mode", ONE_CARRIER, "CopasServer", "solo"));
    Optional<Path> c = compiledC(target);
    c.ifPresent(
        file -> all.add(new Contender("c", "C, epoll", false, List.of(file.toString(), MODE))));
    List<String> netty = List.of(NATIVE, UNSAFE);
    all.add(java("netty-epoll", "Netty, epoll", netty, "NettyServer", "epoll"));
    all.add(java("netty-nio", "Netty, NIO", netty, "NettyServer", "nio"));
    all.add(java("vertx", "Vert.x", netty, "VertxServer", ""));
    all.add(java("jdk", "JDK virtual threads", ONE_CARRIER, "VirtualThreadServer", ""));
    lua().ifPresent(all::add);
    all.add(new Contender(HELLO, "a JVM that says hello", false, helloCommand()));
    return all;
  }

  /** Another build of Copas, to see what a change did; its classes come before ours. */
  static Contender baseline(Path classes) {
    Contender ours =
        java("baseline", "Copas, baseline", List.of(OPENS, NATIVE), "CopasServer", "epoll");
    String classPath = System.getProperty("java.class.path");
    var command = new ArrayList<>(ours.command);
    command.replaceAll(
        word -> word.equals(classPath) ? classes + File.pathSeparator + classPath : word);
    return new Contender(ours.id, ours.label, true, command);
  }

  private static Contender java(
      String id, String label, List<String> flags, String main, String transport) {
    var command = new ArrayList<String>();
    command.add(javaCommand());
    command.addAll(JVM);
    command.addAll(flags);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), SERVERS + main, MODE));
    if (!transport.isEmpty()) {
      command.add(transport);
    }
    return new Contender(id, label, true, command);
  }

  List<String> command(String mode, List<String> moreFlags) {
    var words = new ArrayList<>(command);
    words.replaceAll(word -> word.equals(MODE) ? (lines ? mode : "raw") : word);
    if (isJava()) {
      words.addAll(1, moreFlags);
    }
    return words;
  }

  boolean isHello() {
    return id.equals(HELLO);
  }

  boolean isJava() {
    return command.getFirst().equals(javaCommand());
  }

  private static List<String> helloCommand() {
    return List.of(
        javaCommand(),
        JVM.getFirst(),
        JVM.getLast(),
        "-cp",
        System.getProperty("java.class.path"),
        SERVERS + "Hello");
  }

  private static String javaCommand() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  private static Optional<Path> compiledC(Path target) throws IOException, InterruptedException {
    Optional<Path> compiler = find("cc");
    if (compiler.isEmpty()) {
      return Optional.empty();
    }
    Path program = target.resolve("echo-c");
    Files.createDirectories(target);
    Process cc =
        new ProcessBuilder(
                compiler.get().toString(), "-O2", "-o", program.toString(), "src/main/c/echo.c")
            .inheritIO()
            .start();
    if (cc.waitFor() != 0) {
      throw new IOException("the compiler cannot make src/main/c/echo.c");
    }
    return Optional.of(program);
  }

  private static Optional<Contender> lua() throws IOException, InterruptedException {
    Optional<Path> luajit = find("luajit");
    if (luajit.isEmpty()) {
      return Optional.empty();
    }
    Process probe = new ProcessBuilder(luajit.get().toString(), "-e", "require 'copas'").start();
    return probe.waitFor() == 0
        ? Optional.of(
            new Contender(
                "lua",
                "Lua Copas, LuaJIT",
                true,
                List.of(luajit.get().toString(), "src/main/lua/echo.lua", MODE)))
        : Optional.empty();
  }

  private static Optional<Path> find(String program) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .map(folder -> Path.of(folder, program))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
