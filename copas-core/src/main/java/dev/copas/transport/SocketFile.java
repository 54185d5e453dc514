package dev.copas.transport;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The file by which others find a Unix socket that listens. It is made with the binding, and the
 * system leaves it behind when the server ends; nobody can bind to its path then until it is gone.
 */
final class SocketFile {

  /** Binds the socket, which makes the file. */
  interface Binding {
    void make() throws IOException;
  }

  /** How Linux's tools write the zero that an abstract name begins with. */
  static final String ABSTRACT = "@";

  private static final int TYPE_BITS = 0170000;
  private static final int SOCKET = 0140000;
  private static final Set<PosixFilePermission> WRITERS =
      Set.of(
          PosixFilePermission.OWNER_WRITE,
          PosixFilePermission.GROUP_WRITE,
          PosixFilePermission.OTHERS_WRITE);

  private final Path path;

  /** Tells it from another file that comes to have the same path. */
  private final Object key;

  private SocketFile(Path path) throws IOException {
    this.path = path;
    this.key = keyOf(path);
  }

  static boolean isAbstract(UnixDomainSocketAddress address) {
    return address.getPath().toString().startsWith(ABSTRACT);
  }

  private static Object keyOf(Path path) throws IOException {
    BasicFileAttributes attributes =
        Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    Object key = attributes.fileKey();
    return key != null ? key : attributes.creationTime(); // Windows has no keys.
  }

  /**
   * Binds, and when the file of a server that is gone is in the way, deletes that first.
   *
   * @return null for an abstract name, which has no file
   */
  static @Nullable SocketFile bind(
      Transport transport, UnixDomainSocketAddress address, Binding binding) throws IOException {
    if (isAbstract(address)) {
      binding.make();
      return null;
    }
    try {
      binding.make();
    } catch (BindException e) {
      deleteStale(transport, address, e);
      binding.make();
    }
    try {
      return new SocketFile(address.getPath());
    } catch (NoSuchFileException e) {
      throw takenMeanwhile();
    }
  }

  private static BindException takenMeanwhile() {
    return new BindException("Address already in use by a server that starts at the same moment");
  }

  /**
   * @param obstacle is thrown when there is nothing to delete
   */
  private static void deleteStale(
      Transport transport, UnixDomainSocketAddress address, BindException obstacle)
      throws IOException {
    Path path = address.getPath();
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      throw obstacle; // A folder that one may not write to.
    }
    try {
      if (!isSocket(path)) {
        throw inUse("by a file that is no socket, and is left alone", obstacle);
      }
      var file = new SocketFile(path);
      checkNobodyListens(transport, address, obstacle);
      file.delete();
    } catch (NoSuchFileException e) {
      // Its server has deleted it meanwhile.
    } catch (AccessDeniedException e) {
      throw inUse("by a file that this user may not delete", obstacle);
    }
  }

  private static boolean isSocket(Path path) throws IOException {
    if (!path.getFileSystem().supportedFileAttributeViews().contains("unix")) {
      return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
          .isOther();
    }
    int mode = (Integer) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    return (mode & TYPE_BITS) == SOCKET;
  }

  /** Only a connection that is refused proves that. */
  private static void checkNobodyListens(
      Transport transport, UnixDomainSocketAddress address, BindException obstacle)
      throws IOException {
    StreamChannel probe = transport.openUnixStream();
    try {
      probe.connect(address);
      throw inUse("by a server that runs", obstacle);
    } catch (ConnectException e) {
      // Refused.
    } catch (BindException e) {
      throw e;
    } catch (SocketException e) {
      if (Files.exists(address.getPath(), LinkOption.NOFOLLOW_LINKS)) {
        throw inUse("by a socket that cannot be asked (" + e.getMessage() + ")", obstacle);
      }
    } finally {
      probe.close();
    }
  }

  private static BindException inUse(String how, BindException cause) {
    var exception = new BindException("Address already in use " + how);
    exception.initCause(cause);
    return exception;
  }

  /**
   * To be asked once the socket listens. Before that, another server that is starting could take it
   * for one that is gone. (One that has done so, and not deleted the file yet, is not seen.)
   */
  void checkInPlace() throws IOException {
    if (!isInPlace()) {
      throw takenMeanwhile();
    }
  }

  private boolean isInPlace() throws IOException {
    try {
      return keyOf(path).equals(key);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /** As the system has them: a bit for each of the nine letters that {@code ls} writes. */
  static int mode(Set<PosixFilePermission> permissions) {
    return PosixFilePermissions.toString(permissions)
        .chars()
        .reduce(0, (bits, letter) -> bits << 1 | (letter == '-' ? 0 : 1));
  }

  /**
   * Says who may connect.
   *
   * @return whether somebody could until now who may not from now on
   */
  boolean restrictTo(Set<PosixFilePermission> permissions) throws IOException {
    try {
      Set<PosixFilePermission> before = Files.getPosixFilePermissions(path);
      Files.setPosixFilePermissions(path, permissions);
      return before.stream().anyMatch(who -> WRITERS.contains(who) && !permissions.contains(who));
    } catch (NoSuchFileException e) {
      throw takenMeanwhile();
    }
  }

  /** Unless another one has its place. To be called while the socket is open: see the key. */
  void delete() throws IOException {
    if (isInPlace()) {
      Files.deleteIfExists(path);
    }
  }
}
