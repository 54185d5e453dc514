package dev.copas.transport;

import java.net.BindException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.SocketException;

/** Error numbers of Linux, and the exceptions by which java.net tells of them. */
final class Errors {

  static final int EINTR = 4;
  static final int EBADF = 9;
  static final int EAGAIN = 11;
  static final int EACCES = 13;
  static final int EMSGSIZE = 90;
  static final int EADDRINUSE = 98;
  static final int EADDRNOTAVAIL = 99;
  static final int ENETUNREACH = 101;
  static final int ECONNABORTED = 103;
  static final int ECONNRESET = 104;
  static final int ENOTCONN = 107;
  static final int ETIMEDOUT = 110;
  static final int ECONNREFUSED = 111;
  static final int EHOSTUNREACH = 113;
  static final int EINPROGRESS = 115;

  private Errors() {}

  static SocketException exception(int errno) {
    return new SocketException(errno == EBADF ? "Socket closed" : Libc.message(errno));
  }

  static SocketException connectException(int errno) {
    return switch (errno) {
      case ECONNREFUSED, ETIMEDOUT -> new ConnectException(Libc.message(errno));
      case EHOSTUNREACH, ENETUNREACH -> new NoRouteToHostException(Libc.message(errno));
      case EADDRINUSE, EADDRNOTAVAIL, EACCES -> new BindException(Libc.message(errno));
      default -> exception(errno);
    };
  }

  static SocketException packetException(int errno) {
    return switch (errno) {
      case ECONNREFUSED -> new PortUnreachableException();
      case EHOSTUNREACH, ENETUNREACH -> new NoRouteToHostException(Libc.message(errno));
      default -> exception(errno);
    };
  }

  static SocketException bindException(int errno) {
    return switch (errno) {
      case EADDRINUSE, EADDRNOTAVAIL, EACCES -> new BindException(Libc.message(errno));
      default -> exception(errno);
    };
  }
}
