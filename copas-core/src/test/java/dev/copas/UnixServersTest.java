package dev.copas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.net.BindException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import jdk.net.ExtendedSocketOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Where a Unix socket listens: its file, who may connect, abstract names. */
@EnabledOnOs({OS.LINUX, OS.MAC})
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class UnixServersTest {

  private static final boolean ABSTRACT_NAMES =
      OS.LINUX.isCurrentOs() && Modes.MODE.equals("native");

  /** Connects, sends a line and prints what comes back: as the user whose number it is given. */
  private static final String CLIENT =
      """
      import os, socket, sys
      os.setgid(int(sys.argv[1]))
      os.setuid(int(sys.argv[1]))
      s = socket.socket(socket.AF_UNIX)
      try:
        s.connect(sys.argv[2].replace('@', '\\0'))
        s.sendall(b'hello\\n')
        print(s.makefile().readline(), end='')
      except OSError as e:
        print(e.strerror)
      """;

  @TempDir Path folder;

  private Path path() {
    return folder.resolve("s");
  }

  private UnixDomainSocketAddress address() {
    return UnixDomainSocketAddress.of(path());
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private static boolean exists(Path path) {
    return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
  }

  private static void assertAnswers(Copas copas, Path path) throws IOException {
    try (var socket = copas.connectUnix(path)) {
      socket.send("are you there?\n");
      assertEquals("are you there?", socket.receive());
    }
  }

  // ---- Who may connect

  @Test
  void onlyTheOwnerMayConnectUnlessThePermissionsSayOtherwise() throws Exception {
    try (var fixture = SocketFixture.started()) {
      fixture.copas.bindUnix(path());
      assertEquals("rw-------", permissions(path()));
      for (String wanted : List.of("rw-rw----", "rw-rw-rw-", "-w-------")) {
        Path path = folder.resolve(wanted);
        fixture.copas.bindUnix(path, PosixFilePermissions.fromString(wanted));
        assertEquals(wanted, permissions(path));
      }
    }
  }

  @Test
  void aPeerOfAnotherUserIsToldApart() throws Exception {
    assumeOtherUsers();
    var users = new LinkedBlockingQueue<String>();
    try (var fixture = SocketFixture.started()) {
      var server = fixture.copas.bindUnix(path(), PosixFilePermissions.fromString("rw-rw-rw-"));
      fixture.copas.addServer(
          server,
          socket -> {
            users.add(socket.getOption(ExtendedSocketOptions.SO_PEERCRED).user().getName());
            LoopFixture.echo(socket);
          });
      assertEquals("hello", connectAs(nobody(), path().toString()));
      assertEquals("nobody", users.take());
      assertEquals("hello", connectAs(0, path().toString()));
      assertEquals("root", users.take());
      assertEquals("hello", connectAs(54_321, path().toString())); // Whom no list knows.
      assertEquals("54321", users.take());
    }
  }

  @Test
  void anotherUserMayNotConnectByDefault() throws Exception {
    assumeOtherUsers();
    try (var fixture = SocketFixture.started()) {
      fixture.copas.addServer(fixture.copas.bindUnix(path()), LoopFixture::echo);
      assertEquals("Permission denied", connectAs(nobody(), path().toString()));
      assertEquals("hello", connectAs(0, path().toString()));
    }
  }

  /** Not even in the moment between binding and the permissions. */
  @Test
  void anotherUserIsNeverServedHoweverOftenItTries() throws Exception {
    assumeOtherUsers();
    String spinning =
        """
        import os, socket, sys
        os.setuid(int(sys.argv[1]))
        print('tries', flush=True)
        while True:
          s = socket.socket(socket.AF_UNIX)
          try:
            s.connect(sys.argv[2])
          except OSError:
            pass
          s.close()
        """;
    var stranger =
        new ProcessBuilder("python3", "-c", spinning, "" + nobody(), path().toString()).start();
    try {
      assertEquals("tries", stranger.inputReader().readLine());
      assertEquals(
          "own 300, strangers 0\n", outputOf("bindUnixAgainAndAgain", LoopChildJvm.withoutUmask()));
      assertTrue(stranger.isAlive());
    } finally {
      stranger.destroyForcibly().waitFor();
    }
  }

  /** A program that was linked with few modules still has the sockets. */
  @Test
  void withoutTheModuleJdkNetOnlyTheUsersAreMissing() throws Exception {
    var child = LoopChildJvm.inMode("--limit-modules=java.base,java.logging,jdk.management");
    assertEquals("echo 3\n", outputOf("unixEcho", child));
  }

  private String outputOf(String program, LoopChildJvm child) throws Exception {
    var builder = child.builder(program, LoopChildPrograms.class);
    builder.environment().put("COPAS_TEST_PATH", path().toString());
    return LoopChildJvm.result(builder.redirectErrorStream(true).start()).output();
  }

  /** Needs to be root, and to let others into the folder. */
  private void assumeOtherUsers() throws Exception {
    assumeTrue(System.getProperty("user.name").equals("root"));
    assumePython();
    assumeTrue(run("id", "-u", "nobody").matches("\\d+"));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static void assumePython() throws Exception {
    boolean present;
    try {
      present = run("python3", "-c", "print('here')").equals("here");
    } catch (IOException e) {
      present = false;
    }
    assumeTrue(present, "needs python3");
  }

  private static int nobody() throws Exception {
    return Integer.parseInt(run("id", "-u", "nobody"));
  }

  private static String connectAs(int user, String name) throws Exception {
    return run("python3", "-c", CLIENT, String.valueOf(user), name);
  }

  private static String run(String... command) throws Exception {
    var process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(20, TimeUnit.SECONDS));
    return output.strip();
  }

  // ---- What is there already

  @Test
  void theFileOfAServerThatIsGoneIsReplaced() throws Exception {
    ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address()).close();
    assertTrue(exists(path()));
    try (var fixture = SocketFixture.started()) {
      fixture.copas.addServer(fixture.copas.bindUnix(path()), LoopFixture::echo);
      assertAnswers(fixture.copas, path());
      assertEquals("rw-------", permissions(path()));
    }
  }

  @Test
  void aServerThatRunsKeepsItsPlace() throws Exception {
    try (var fixture = SocketFixture.started()) {
      fixture.copas.addServer(fixture.copas.bindUnix(path()), LoopFixture::echo);
      var error = assertThrows(BindException.class, () -> fixture.copas.bindUnix(path()));
      SocketFixture.assertSays("already in use by a server that runs: " + path(), error);
      assertAnswers(fixture.copas, path());
    }
  }

  @Test
  void aServerThatIsTooBusyToAcceptKeepsItsPlace() throws Exception {
    try (var fixture = SocketFixture.started();
        var busy = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address(), 1)) {
      for (int i = 0; i < 2; i++) {
        fixture.opened(SocketChannel.open(address()));
      }
      assertThrows(BindException.class, () -> fixture.copas.bindUnix(path()));
      assertTrue(exists(path()));
      assertTrue(busy.isOpen());
    }
  }

  @Test
  void aFileThatIsNoSocketIsLeftAlone() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Path file = Files.writeString(folder.resolve("file"), "precious");
      Path inner = Files.createDirectory(folder.resolve("folder"));
      ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address()).close();
      Path link = Files.createSymbolicLink(folder.resolve("link"), path());
      Path pipe = folder.resolve("pipe");
      run("mkfifo", pipe.toString());
      for (Path taken : List.of(file, inner, link, pipe)) {
        var error = assertThrows(BindException.class, () -> fixture.copas.bindUnix(taken));
        SocketFixture.assertSays("already in use by a file that is no socket", error);
        SocketFixture.assertSays(taken.toString(), error);
        assertTrue(exists(taken));
      }
      assertEquals("precious", Files.readString(file));
      assertTrue(Files.isSymbolicLink(link));
      assertTrue(exists(path()));
    }
  }

  @Test
  void withoutItsFolderAServerCannotBeBound() throws Exception {
    try (var fixture = SocketFixture.started()) {
      Path path = folder.resolve("none/s");
      var error = assertThrows(BindException.class, () -> fixture.copas.bindUnix(path));
      SocketFixture.assertSays(path.toString(), error);
    }
  }

  @Test
  void aPathThatIsEmptyIsRefused() throws Exception {
    try (var fixture = SocketFixture.started()) {
      assertThrows(IllegalArgumentException.class, () -> fixture.copas.bindUnix(Path.of("")));
      assertThrows(IllegalArgumentException.class, () -> fixture.copas.connectUnix(""));
    }
  }

  // ---- The end

  @Test
  void closingDeletesTheFileAndThePathIsFree() throws Exception {
    try (var fixture = SocketFixture.started()) {
      for (int i = 0; i < 3; i++) {
        var server = fixture.copas.bindUnix(path());
        fixture.copas.addServer(server, LoopFixture::echo);
        assertAnswers(fixture.copas, path());
        server.close();
        assertFalse(exists(path()));
        assertThrows(SocketException.class, () -> fixture.copas.connectUnix(path()));
      }
    }
  }

  @Test
  void removingTheServerDeletesTheFileUnlessTheSocketIsKept() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var server = fixture.copas.bindUnix(path());
      fixture.copas.addServer(server, LoopFixture::echo);
      assertAnswers(fixture.copas, path());
      assertTrue(fixture.copas.removeServer(server, true));
      assertTrue(exists(path()));
      fixture.copas.addServer(server, LoopFixture::echo);
      assertAnswers(fixture.copas, path());
      assertTrue(fixture.copas.removeServer(server));
      assertFalse(exists(path()));
    }
  }

  @Test
  void closingTheLoopDeletesTheFilesOfAllThatListen() throws Exception {
    Path other = folder.resolve("t");
    try (var fixture = SocketFixture.started()) {
      fixture.copas.addServer(fixture.copas.bindUnix(path()), LoopFixture::echo);
      fixture.copas.bindUnix(other);
      assertTrue(exists(other));
    }
    assertFalse(exists(path()));
    LoopFixture.eventually(() -> !exists(other)); // The thread of the loop does it, a little later.
  }

  @Test
  void aFileThatCannotBeDeletedKeepsNoOtherSocketOpen() throws Exception {
    try (var fixture = SocketFixture.started()) {
      for (int i = 0; i < 10; i++) {
        Path gone = Files.createDirectory(folder.resolve("gone" + i));
        fixture.copas.bindUnix(gone.resolve("s"));
        Files.delete(gone.resolve("s"));
        Files.delete(gone);
        Files.createSymbolicLink(gone, gone); // Nothing in it can be asked for any more.
        fixture.copas.bindUnix(folder.resolve("s" + i));
      }
      fixture.copas.close();
      for (int i = 0; i < 10; i++) {
        Path file = folder.resolve("s" + i);
        LoopFixture.eventually(() -> !exists(file));
      }
    }
  }

  @Test
  void closingLeavesAFileAloneThatHasTakenThePlace() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var server = fixture.copas.bindUnix(path());
      Files.delete(path());
      server.close();
      var first = fixture.copas.bindUnix(path());
      Files.delete(path());
      fixture.copas.addServer(fixture.copas.bindUnix(path()), LoopFixture::echo);
      first.close();
      assertAnswers(fixture.copas, path());
    }
  }

  @Test
  void aBindThatFailsLeavesNoFileBehind() throws Exception {
    try (var fixture = SocketFixture.started()) {
      fixture.copas.close();
      assertThrows(IllegalStateException.class, () -> fixture.copas.bindUnix(path()));
      assertFalse(exists(path()));
    }
  }

  // ---- Names

  @Test
  void anAbstractNameHasNoFileAndIsFreeAfterTheClose() throws Exception {
    assumeTrue(ABSTRACT_NAMES);
    String name = "@copas test " + ProcessHandle.current().pid();
    try (var fixture = SocketFixture.started()) {
      for (int i = 0; i < 2; i++) {
        var server = fixture.copas.bindUnix(name);
        fixture.copas.addServer(server, LoopFixture::echo);
        assertEquals(name, server.toString());
        try (var socket = fixture.copas.connectUnix(name)) {
          socket.send("hidden\n");
          assertEquals("hidden", socket.receive());
          assertEquals(UnixDomainSocketAddress.of(name), socket.getRemoteSocketAddress());
        }
        var error = assertThrows(BindException.class, () -> fixture.copas.bindUnix(name));
        SocketFixture.assertSays("in use: " + name, error);
        assertFalse(new File(name).exists());
        server.close();
      }
    }
  }

  @Test
  void otherProgramsFindAnAbstractName() throws Exception {
    assumeTrue(ABSTRACT_NAMES);
    assumePython();
    String name = "@copas-test-" + ProcessHandle.current().pid();
    try (var fixture = SocketFixture.started()) {
      fixture.copas.addServer(fixture.copas.bindUnix(name), LoopFixture::echo);
      assertEquals("hello", connectAs(Integer.parseInt(run("id", "-u")), name));
    }
  }

  @Test
  void whereThereAreNoAbstractNamesThatIsSaid() throws Exception {
    assumeTrue(!ABSTRACT_NAMES);
    try (var fixture = SocketFixture.started()) {
      for (var call :
          List.<org.junit.jupiter.api.function.Executable>of(
              () -> fixture.copas.bindUnix("@name"), () -> fixture.copas.connectUnix("@name"))) {
        var error = assertThrows(UnsupportedOperationException.class, call);
        SocketFixture.assertSays("no abstract names of Unix sockets: @name", error);
        SocketFixture.assertSays("Options.epoll()", error);
      }
      assertFalse(new File("@name").exists());
    }
  }

  @Test
  void anAbstractNameThatAPathWouldChangeIsRefused() throws Exception {
    try (var fixture = SocketFixture.started()) {
      for (String name : List.of("@a/", "@a//b")) {
        var error =
            assertThrows(IllegalArgumentException.class, () -> fixture.copas.bindUnix(name));
        SocketFixture.assertSays("the abstract name " + name + " cannot be had", error);
        assertThrows(IllegalArgumentException.class, () -> fixture.copas.connectUnix(name));
      }
    }
  }

  @Test
  void aPathMayBeginAsAnAbstractName() throws Exception {
    Path path = Path.of("@copas-path-" + ProcessHandle.current().pid());
    try (var fixture = SocketFixture.started()) {
      fixture.copas.addServer(fixture.copas.bindUnix(path), LoopFixture::echo);
      assertTrue(exists(path));
      assertAnswers(fixture.copas, path);
    }
    assertFalse(exists(path));
  }

  @Test
  void aTextThatIsNoAbstractNameIsAPath() throws Exception {
    try (var fixture = SocketFixture.started()) {
      var server = fixture.copas.bindUnix(path().toString());
      assertEquals("rw-------", permissions(path()));
      try (var socket = fixture.copas.connectUnix(path().toString())) {
        assertEquals(server.getLocalSocketAddress(), socket.getRemoteSocketAddress());
      }
    }
  }

  /** Or anybody who may connect could stop the server. */
  @EnabledOnOs(OS.LINUX)
  @Test
  void aClientMayHaveTheStrangestName() throws Exception {
    assumePython();
    String client =
        """
        import socket, sys
        for name in (b'\\0', b'\\0a\\0b', b'\\0\\xff\\xfe', b'\\0' + b'x' * 107, b''):
          s = socket.socket(socket.AF_UNIX)
          s.bind(name)
          s.connect(sys.argv[1])
          s.sendall(b'hello\\n')
          print(s.makefile().readline().strip(), end=' ')
        """;
    try (var fixture = SocketFixture.started()) {
      fixture.copas.addServer(fixture.copas.bindUnix(path()), LoopFixture::echo);
      String answers = run("python3", "-c", client, path().toString());
      assertEquals("hello ".repeat(5).strip(), answers);
      assertNull(fixture.errors.poll());
      assertAnswers(fixture.copas, path());
    }
  }

  @Test
  void aServerIsNamedByItsPath() throws Exception {
    var names = new LinkedBlockingQueue<String>();
    try (var fixture = SocketFixture.started()) {
      fixture.copas.addServer(
          fixture.copas.bindUnix(path()), socket -> names.add(Copas.current().name()));
      try (var client = SocketChannel.open(address())) {
        assertEquals(path() + ":handler_1", names.take());
        assertEquals(-1, client.read(ByteBuffer.allocate(1)));
      }
    }
  }
}
