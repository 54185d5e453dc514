package dev.copas.cli.demo;

import java.util.concurrent.Executor;

/**
 * A chat with rooms. The first line that a member sends names its room; every other one goes to all
 * who are in there, or is {@link #ASK}.
 */
interface ChatServer extends AutoCloseable {

  /** A member that sends this wants an {@link #ANSWER} from the {@link Backend}. */
  String ASK = "/ask";

  /** What the line with the answer begins with. */
  String ANSWER = "/answer ";

  int port();

  /** Runs things on the server's event loop, when their turn comes. */
  Executor loop();

  @Override
  void close();
}
