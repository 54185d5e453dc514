package com.example.waits;

import dev.copas.Copas;
import dev.copas.CopasSocket;
import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;

/** Code of a user, which is in no package of the library: what stacks show of it. */
public final class Program {

  private Program() {}

  public static void takeLock(ReentrantLock lock) throws InterruptedException {
    lock.lockInterruptibly();
    lock.unlock();
  }

  public static void takeMonitor(Object monitor, CountDownLatch taken) {
    synchronized (monitor) {
      taken.countDown();
    }
  }

  public static void sleep() throws InterruptedException {
    Thread.sleep(3_600_000);
  }

  public static <T> T offload(Copas copas, Callable<T> call) throws Exception {
    return copas.offload(call::call);
  }

  public static void echo(CopasSocket socket) throws IOException {
    for (String line; (line = socket.receive()) != null; ) {
      socket.send(line + "\n");
    }
  }

  /** Holds the loop. */
  public static void compute(CountDownLatch over) {
    while (over.getCount() > 0) {
      Thread.onSpinWait();
    }
  }
}
