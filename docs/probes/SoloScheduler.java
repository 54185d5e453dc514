import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * How the JDK's scheduler of virtual threads, held to one carrier, treats those that wait: the facts
 * behind ADR 8. Run it with {@code ./copas run docs/probes/SoloScheduler.java}.
 */
class SoloScheduler {

  private static volatile boolean over;

  public static void main(String[] args) throws Exception {
    System.setProperty("jdk.virtualThreadScheduler.parallelism", "1");
    System.setProperty("jdk.virtualThreadScheduler.maxPoolSize", "1");
    System.out.println("In one second, a thread that sleeps 5 ms at a time wakes up so often beside");
    System.out.println("  nobody:                          " + wakeUps(0, false));
    System.out.println("  one that yields for ever:        " + wakeUps(1, false));
    System.out.println("  two that yield for ever:         " + wakeUps(2, false));
    System.out.println("  one that takes a break each 5 ms: " + wakeUps(1, true));
    System.out.println("A break, parkNanos(1), takes us:    " + breakMicros());
    System.out.println("Threads that are woken in order run " + orderOfWakeUps());
    System.out.println("Woken and started run               " + orderOfWokenAndStarted());
  }

  private static int wakeUps(int yielders, boolean breaks) throws Exception {
    over = false;
    var count = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    threads.add(
        Thread.startVirtualThread(
            () -> {
              while (!over) {
                LockSupport.parkNanos(5_000_000);
                count.incrementAndGet();
              }
            }));
    for (int i = 0; i < yielders; i++) {
      threads.add(Thread.startVirtualThread(() -> yieldForEver(breaks)));
    }
    Thread.sleep(1000);
    over = true;
    for (Thread thread : threads) {
      thread.join();
    }
    return count.get();
  }

  private static void yieldForEver(boolean breaks) {
    long lastBreak = System.nanoTime();
    while (!over) {
      if (breaks && System.nanoTime() - lastBreak > 5_000_000) {
        LockSupport.parkNanos(1);
        lastBreak = System.nanoTime();
      } else {
        Thread.yield();
      }
    }
  }

  private static long breakMicros() throws Exception {
    long[] micros = new long[1];
    Thread.startVirtualThread(
            () -> {
              int times = 2000;
              long begin = System.nanoTime();
              for (int i = 0; i < times; i++) {
                LockSupport.parkNanos(1);
              }
              micros[0] = (System.nanoTime() - begin) / times / 1000;
            })
        .join();
    return micros[0];
  }

  private static List<Integer> orderOfWakeUps() throws Exception {
    List<Integer> order = new ArrayList<>();
    List<Thread> parked = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      int number = i;
      parked.add(park(() -> order.add(number)));
    }
    Thread.sleep(50);
    Thread.startVirtualThread(() -> parked.forEach(LockSupport::unpark)).join();
    for (Thread thread : parked) {
      thread.join();
    }
    return order;
  }

  private static List<String> orderOfWokenAndStarted() throws Exception {
    List<String> order = new ArrayList<>();
    Thread parked = park(() -> order.add("woken second"));
    Thread.sleep(50);
    Thread.startVirtualThread(
            () -> {
              Thread.startVirtualThread(() -> order.add("started first"));
              LockSupport.unpark(parked);
            })
        .join();
    parked.join();
    Thread.sleep(50);
    return order;
  }

  private static Thread park(Runnable then) {
    return Thread.startVirtualThread(
        () -> {
          LockSupport.park();
          then.run();
        });
  }
}
