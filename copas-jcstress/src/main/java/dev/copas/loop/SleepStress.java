package dev.copas.loop;

import dev.copas.transport.ListenChannel;
import dev.copas.transport.PacketChannel;
import dev.copas.transport.StreamChannel;
import dev.copas.transport.Transport;
import java.net.InetAddress;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/**
 * A loop that falls asleep while another thread has something for it: it is woken, once, or does
 * not sleep. The loop is the real one, on a transport that has nothing but a wake-up.
 */
@JCStressTest
@Outcome(id = "0, 2, 0", expect = Expect.ACCEPTABLE, desc = "Saw a message, did not sleep.")
@Outcome(id = "0, 2, 1", expect = Expect.ACCEPTABLE, desc = "The same, and was woken in vain.")
@Outcome(id = "1, 2, 1", expect = Expect.ACCEPTABLE, desc = "Slept and was woken.")
@Outcome(id = "2, 2, .*", expect = Expect.FORBIDDEN, desc = "Slept on with a message there.")
@Outcome(expect = Expect.FORBIDDEN, desc = "A message was lost or doubled, or a wake-up.")
public class SleepStress {

  /** A loop whose sleep ends by a wake-up, or by the certainty that there will be none. */
  @State
  public static class Sleeper implements Transport, Clock, Loop.Program {

    static final int NOT = 0;
    static final int WOKEN = 1;
    static final int LOST = 2;

    final Loop loop = new Loop(new Environment(new NoCarrier(), this, this), 64, Duration.ZERO);
    final AtomicInteger wakeups = new AtomicInteger();
    volatile boolean posted;
    int slept = NOT;
    int arrived;

    @Override
    public void sleep(Transport transport, long nanos, boolean quiet) {
      while (wakeups.get() == 0 && !posted) {
        Thread.onSpinWait();
      }
      slept = wakeups.get() > 0 ? WOKEN : LOST; // Posted says that it would have come before.
    }

    @Override
    public void wakeup() {
      wakeups.incrementAndGet();
    }

    @Override
    public long nanoTime() {
      return 0;
    }

    @Override
    public void poll(long nanos) {}

    @Override
    public void finishCloses() {}

    @Override
    public void close() {}

    @Override
    public InetAddress @Nullable [] resolve(String host) {
      return null;
    }

    @Override
    public StreamChannel openStream() {
      throw new UnsupportedOperationException();
    }

    @Override
    public ListenChannel openListener() {
      throw new UnsupportedOperationException();
    }

    @Override
    public StreamChannel openUnixStream() {
      throw new UnsupportedOperationException();
    }

    @Override
    public ListenChannel openUnixListener() {
      throw new UnsupportedOperationException();
    }

    @Override
    public PacketChannel openPackets() {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isOver() {
      return false;
    }

    @Override
    public void ended() {}

    @Override
    public void released() {}
  }

  @Actor
  public void owner(Sleeper sleeper) {
    sleeper.loop.step(Long.MAX_VALUE, sleeper);
  }

  @Actor
  public void producer(Sleeper sleeper) {
    sleeper.loop.post(() -> sleeper.arrived++);
    sleeper.loop.post(() -> sleeper.arrived++);
    sleeper.posted = true;
  }

  @Arbiter
  public void atTheEnd(Sleeper sleeper, III_Result seen) {
    sleeper.loop.drainUnlessTurning();
    seen.r1 = sleeper.slept;
    seen.r2 = sleeper.arrived;
    seen.r3 = sleeper.wakeups.get();
    sleeper.loop.close();
  }
}
