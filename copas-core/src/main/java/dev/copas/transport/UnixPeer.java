package dev.copas.transport;

import java.io.IOException;
import java.net.SocketOption;
import java.nio.file.FileSystems;
import java.nio.file.attribute.UserPrincipalLookupService;
import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;

/** Who is at the other end of a Unix socket, as Linux knows: numbers. Java wants names, too. */
final class UnixPeer {

  static final SocketOption<UnixDomainPrincipal> OPTION = ExtendedSocketOptions.SO_PEERCRED;

  private UnixPeer() {}

  /** Looks into the system's lists of users and groups; who is not in there is called a number. */
  static UnixDomainPrincipal principal(int user, int group) throws IOException {
    UserPrincipalLookupService lookup = FileSystems.getDefault().getUserPrincipalLookupService();
    return new UnixDomainPrincipal(
        lookup.lookupPrincipalByName(Libc.userName(user)),
        lookup.lookupPrincipalByGroupName(Libc.groupName(group)));
  }
}
