package dev.copas.cli.demo;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ChatServerTest {

  private Backend backend;

  @BeforeEach
  void startBackend() throws IOException {
    backend = new Backend();
  }

  @AfterEach
  void stopBackend() throws IOException {
    backend.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"Copas", "Netty"})
  void whatAMemberSaysGoesToItsRoomAndToNoOther(String kind) throws Exception {
    try (var server = server(kind);
        var anne = new Member(server, "kitchen");
        var bert = new Member(server, "kitchen");
        var cleo = new Member(server, "cellar")) {
      anne.say("hello");
      assertEquals("hello", anne.hear());
      assertEquals("hello", bert.hear());
      bert.say("good evening");
      assertEquals("good evening", anne.hear());
      assertEquals("good evening", bert.hear());
      cleo.say("anybody?");
      assertEquals("anybody?", cleo.hear());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Copas", "Netty"})
  void whoAsksHasTheAnswerOfTheBackend(String kind) throws Exception {
    try (var server = server(kind);
        var anne = new Member(server, "kitchen")) {
      anne.say(ChatServer.ASK);
      assertEquals(ChatServer.ANSWER + "time for tea", anne.hear());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Copas", "Netty"})
  void theChatOutlivesAMemberAndTheBackend(String kind) throws Exception {
    try (var server = server(kind);
        var bert = new Member(server, "kitchen")) {
      try (var anne = new Member(server, "kitchen")) {
        backend.close();
        anne.say(ChatServer.ASK);
        assertEquals("null", anne.hear());
      }
      bert.say("hello");
      assertEquals("hello", bert.hear());
    }
  }

  @Test
  void theOthersTalkWhileAHandlerOfCopasWaits() throws Exception {
    try (var server = new CopasChat(backend);
        var anne = new Member(server, "kitchen");
        var bert = new Member(server, "kitchen")) {
      haveTheBackendHangFor(anne);
      bert.say("hello");
      assertEquals("hello", bert.hear());
      assertEquals("hello", anne.hear());
    }
  }

  @Test
  void nobodyTalksWhileAHandlerOfNettyWaits() throws Exception {
    try (var server = new NettyChat(backend);
        var anne = new Member(server, "kitchen");
        var bert = new Member(server, "kitchen")) {
      haveTheBackendHangFor(anne);
      bert.say("hello");
      assertThrows(SocketTimeoutException.class, bert::hearAtOnce);
      backend.close();
      assertEquals("hello", bert.hear());
    }
  }

  private void haveTheBackendHangFor(Member member) throws Exception {
    backend.hang(Duration.ofSeconds(20));
    member.say(ChatServer.ASK);
    while (backend.callers() == 0) {
      Thread.sleep(1);
    }
  }

  private ChatServer server(String kind) throws IOException {
    return kind.equals("Copas") ? new CopasChat(backend) : new NettyChat(backend);
  }

  /** A member of the chat, that is in its room. */
  private static final class Member implements AutoCloseable {

    private final Socket socket;
    private final BufferedReader in;

    Member(ChatServer server, String room) throws IOException {
      socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
      socket.setSoTimeout(30_000);
      in = new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
      say(room);
      say(ChatServer.ASK); // Its answer says that the room was entered.
      hear();
    }

    void say(String line) throws IOException {
      socket.getOutputStream().write((line + "\n").getBytes(UTF_8));
    }

    String hear() throws IOException {
      return String.valueOf(in.readLine());
    }

    String hearAtOnce() throws IOException {
      socket.setSoTimeout(200);
      try {
        return hear();
      } finally {
        socket.setSoTimeout(30_000);
      }
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }
}
