package dev.copas.integration;

import java.nio.file.Path;
import java.util.List;
import org.apache.ftpserver.ConnectionConfigFactory;
import org.apache.ftpserver.FtpServer;
import org.apache.ftpserver.FtpServerFactory;
import org.apache.ftpserver.ftplet.FtpException;
import org.apache.ftpserver.ftplet.User;
import org.apache.ftpserver.listener.Listener;
import org.apache.ftpserver.listener.ListenerFactory;
import org.apache.ftpserver.usermanager.PropertiesUserManagerFactory;
import org.apache.ftpserver.usermanager.impl.BaseUser;
import org.apache.ftpserver.usermanager.impl.TransferRatePermission;
import org.apache.ftpserver.usermanager.impl.WritePermission;

/** An FTP server, Apache's. The users "slow" and "fast" have the same files, and no passwords. */
final class FileServer {

  /** How fast "slow" is served. */
  static final int BYTES_PER_SECOND = 200_000;

  private static final int UNLIMITED = 0;

  private final FtpServer server;
  private final Listener listener;

  FileServer(Path files) throws FtpException {
    var options = new ListenerFactory();
    options.setServerAddress("127.0.0.1");
    options.setPort(0);
    listener = options.createListener();

    var users = new PropertiesUserManagerFactory().createUserManager();
    users.save(user("slow", files, BYTES_PER_SECOND));
    users.save(user("fast", files, UNLIMITED));

    var connections = new ConnectionConfigFactory();
    connections.setMaxLogins(200);
    connections.setMaxThreads(200);

    var factory = new FtpServerFactory();
    factory.addListener("default", listener);
    factory.setUserManager(users);
    factory.setConnectionConfig(connections.createConnectionConfig());
    server = factory.createServer();
    server.start();
  }

  private static User user(String name, Path files, int bytesPerSecond) {
    var user = new BaseUser();
    user.setName(name);
    user.setPassword("");
    user.setHomeDirectory(files.toString());
    user.setAuthorities(
        List.of(new WritePermission(), new TransferRatePermission(bytesPerSecond, bytesPerSecond)));
    return user;
  }

  int port() {
    return listener.getPort();
  }

  void stop() {
    server.stop();
  }
}
