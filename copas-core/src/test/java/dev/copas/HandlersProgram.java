package dev.copas;

/** What {@link HandlersTest} runs in a JVM of its own, which has streams that may block. */
final class HandlersProgram {

  private HandlersProgram() {}

  public static void main(String[] args) throws Exception {
    for (HandlerCall call : HandlerCall.IN_A_PROGRAM) {
      Observation observation = call.observe();
      String problem = call.problem(observation);
      Calls.tell(
          "observed "
              + call
              + " "
              + observation.longestWait()
              + " "
              + (problem == null ? "" : problem));
    }
  }
}
