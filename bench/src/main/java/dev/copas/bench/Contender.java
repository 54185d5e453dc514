package dev.copas.bench;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A server that takes part.
 *
 * @param id what the command calls it
 * @param lines whether it can also echo lines as text; who cannot, echoes bytes instead
 * @param command what starts it, with {@link #MODE} where "raw" or "lines" has to be
 */
record Contender(String id, boolean lines, List<String> command) {

  /** Serves nothing: how long a JVM takes at least. */
  private static final String HELLO = "hello";

  private static final String BASELINE = "baseline";

  /** What tables and plots call them, in this order. */
  static final Map<String, String> LABELS = labels();

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

  private static Map<String, String> labels() {
    var labels = new LinkedHashMap<String, String>();
    labels.put("c", "C, epoll");
    labels.put("copas-epoll", "Copas, epoll");
    labels.put(BASELINE, "Copas, baseline");
    labels.put("copas-nio", "Copas, NIO");
    labels.put("copas-solo", "Copas, solo mode");
    labels.put("netty-epoll", "Netty, epoll");
    labels.put("netty-nio", "Netty, NIO");
    labels.put("vertx", "Vert.x, epoll");
    labels.put("jdk", "JDK virtual threads");
    labels.put("lua", "Lua Copas, LuaJIT");
    labels.put(HELLO, "a JVM that says hello");
    return labels;
  }

  static String label(String id) {
    return LABELS.getOrDefault(id, id);
  }

  String label() {
    return label(id);
  }

  /** All that this machine can run, ours first. */
  static List<Contender> all(Path target) throws IOException, InterruptedException {
    var all = new ArrayList<Contender>();
    all.add(java("copas-epoll", List.of(OPENS, NATIVE), "CopasServer", "epoll"));
    all.add(java("copas-nio", List.of(OPENS), "CopasServer", "nio"));
    all.add(java("copas-solo", ONE_CARRIER, "CopasServer", "solo"));
    Optional<Path> c = compiledC(target);
    c.ifPresent(file -> all.add(new Contender("c", false, List.of(file.toString(), MODE))));
    List<String> netty = List.of(NATIVE, UNSAFE);
    all.add(java("netty-epoll", netty, "NettyServer", "epoll"));
    all.add(java("netty-nio", netty, "NettyServer", "nio"));
    all.add(java("vertx", netty, "VertxServer", ""));
    all.add(java("jdk", ONE_CARRIER, "VirtualThreadServer", ""));
    lua().ifPresent(all::add);
    all.add(new Contender(HELLO, false, helloCommand()));
    return all;
  }

  /** Another build of Copas, to see what a change did; its classes come before ours. */
  static Contender baseline(Path classes) {
    Contender ours = java(BASELINE, List.of(OPENS, NATIVE), "CopasServer", "epoll");
    String classPath = System.getProperty("java.class.path");
    var command = new ArrayList<>(ours.command);
    command.replaceAll(
        word -> word.equals(classPath) ? classes + File.pathSeparator + classPath : word);
    return new Contender(ours.id, true, command);
  }

  private static Contender java(String id, List<String> flags, String main, String transport) {
    var command = new ArrayList<String>();
    command.add(javaCommand());
    command.addAll(JVM);
    command.addAll(flags);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), SERVERS + main, MODE));
    if (!transport.isEmpty()) {
      command.add(transport);
    }
    return new Contender(id, true, command);
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
                "lua", true, List.of(luajit.get().toString(), "src/main/lua/echo.lua", MODE)))
        : Optional.empty();
  }

  private static Optional<Path> find(String program) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .map(folder -> Path.of(folder, program))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
