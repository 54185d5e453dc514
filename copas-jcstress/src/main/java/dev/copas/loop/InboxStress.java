package dev.copas.loop;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/** The inbox loses nothing, doubles nothing, and keeps the order of each thread. */
public final class InboxStress {

  private InboxStress() {}

  /** An inbox, and what arrived from it: a digit for each message, in the order of arrival. */
  @State
  public static class Box {

    private final Inbox inbox = new Inbox();
    private int arrived;

    void push(int digit) {
      inbox.push(
          new Inbox.Message() {
            @Override
            void arrive() {
              arrived = 10 * arrived + digit;
            }
          });
    }

    int drain() {
      inbox.drain();
      return arrived;
    }
  }

  /** One thread pushes while the owner drains. */
  @JCStressTest
  @Outcome(id = "0, 12, 12", expect = Expect.ACCEPTABLE, desc = "Both came late.")
  @Outcome(id = "1, 12, 12", expect = Expect.ACCEPTABLE, desc = "One came in time.")
  @Outcome(id = "12, 12, 12", expect = Expect.ACCEPTABLE, desc = "Both came in time.")
  @Outcome(id = "0, 1, 12", expect = Expect.ACCEPTABLE, desc = "One in each drain.")
  @Outcome(id = "1, 1, 12", expect = Expect.ACCEPTABLE, desc = "The second came late.")
  @Outcome(id = "0, 0, 12", expect = Expect.ACCEPTABLE, desc = "Both came after two drains.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "Lost, doubled or out of order.")
  public static class PushAndDrain {

    @Actor
    public void owner(Box box, III_Result seen) {
      seen.r1 = box.drain();
      seen.r2 = box.drain();
    }

    @Actor
    public void producer(Box box) {
      box.push(1);
      box.push(2);
    }

    @Arbiter
    public void atTheEnd(Box box, III_Result seen) {
      seen.r3 = box.drain();
    }
  }

  /** Two threads push at once: any order of the two, but each thread's own. */
  @JCStressTest
  @Outcome(
      id = {"0, 0, 1234", "0, 0, 1324", "0, 0, 1342", "0, 0, 3124", "0, 0, 3142", "0, 0, 3412"},
      expect = Expect.ACCEPTABLE,
      desc = "All four, each thread's in its order.")
  @Outcome(expect = Expect.FORBIDDEN, desc = "Lost, doubled or out of order.")
  public static class PushAndPush {

    @Actor
    public void one(Box box) {
      box.push(1);
      box.push(2);
    }

    @Actor
    public void other(Box box) {
      box.push(3);
      box.push(4);
    }

    @Arbiter
    public void atTheEnd(Box box, III_Result seen) {
      seen.r3 = box.drain();
    }
  }
}
