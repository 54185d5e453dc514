package dev.copas.sync;

import dev.copas.Copas;
import dev.copas.Task;
import dev.copas.TaskBody;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Items on their way to tasks of one loop, from its tasks or from any other thread.
 *
 * {@snippet :
 * var queue = new CopasQueue<String>(copas);
 * queue.addWorker(line -> log.send(line + "\n"));
 * client.onMessage(queue::push); // On a thread of that client's.
 * }
 *
 * <p>First in, first out; of several tasks that wait, the one that came first gets the next item.
 * From any thread: {@link #push}, {@link #tryPush(Object)}, {@link #stop}, {@link #addWorker},
 * {@link #getSize} and {@link #getWorkers}. All else belongs to the tasks of the loop. What is said
 * of {@link dev.copas.sync waiting} holds for all methods that take a {@link Duration}, and for
 * {@link #pop}.
 */
public final class CopasQueue<T> implements AutoCloseable {

  /** What a worker does with an item. */
  @FunctionalInterface
  public interface Worker<T> {
    void work(T item) throws Exception;
  }

  private static final class Popper<T> extends Waiter {

    private @Nullable T item;

    Popper(Copas copas) {
      super(copas);
    }
  }

  private static final class Pusher<T> extends Waiter {

    private final T item;
    private boolean accepted;

    Pusher(Copas copas, T item) {
      super(copas);
      this.item = item;
    }
  }

  private static final AtomicLong NUMBERS = new AtomicLong();

  private final Copas copas;
  private final String name;
  private final int capacity;

  // Belongs to the tasks of the loop.
  private final ArrayDeque<T> items = new ArrayDeque<>();
  private final WaitLine<Popper<T>> poppers = new WaitLine<>();
  private final WaitLine<Pusher<T>> pushers = new WaitLine<>();
  private final WaitLine<Waiter> finishers = new WaitLine<>();
  private final Set<Task> finishing = new HashSet<>();

  // Of any thread. The size counts the items and what is on its way to them.
  private final ConcurrentLinkedQueue<T> arrivals = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean arriving = new AtomicBoolean();
  private final AtomicInteger size = new AtomicInteger();
  private final ConcurrentSkipListMap<Long, AtomicReference<@Nullable Task>> workers =
      new ConcurrentSkipListMap<>();
  private final AtomicLong workerNumbers = new AtomicLong();
  private volatile boolean stopping;
  private volatile boolean emptied;
  private volatile boolean destroyed;

  /** A queue without a bound, named {@code copas_queue_N}. */
  public CopasQueue(Copas copas) {
    this(copas, Integer.MAX_VALUE);
  }

  /** A queue for so many items at most, named {@code copas_queue_N}. */
  public CopasQueue(Copas copas, int capacity) {
    this(copas, capacity, "copas_queue_" + NUMBERS.incrementAndGet());
  }

  /** A queue whose workers are named after it. */
  public CopasQueue(Copas copas, int capacity, String name) {
    this.copas = Objects.requireNonNull(copas, "copas");
    this.name = Objects.requireNonNull(name, "name");
    if (capacity < 1) {
      throw new IllegalArgumentException("a queue has room for at least 1 item, not " + capacity);
    }
    this.capacity = capacity;
  }

  // ---- Items come

  /**
   * Puts an item at the end, and never waits. From any thread.
   *
   * @throws IllegalStateException when the queue is full, was stopped or destroyed
   * @throws RejectedExecutionException when the loop is closed
   */
  public void push(T item) {
    if (!tryPush(item)) {
      throw new IllegalStateException(
          "queue \"" + name + "\" is full with " + capacity + " items; see tryPush");
    }
  }

  /**
   * Puts an item at the end, if there is room. From any thread.
   *
   * @throws IllegalStateException when the queue was stopped or destroyed
   * @throws RejectedExecutionException when the loop is closed
   */
  public boolean tryPush(T item) {
    Objects.requireNonNull(item, "item");
    checkTakesItems();
    boolean inLoop = copas.inLoop();
    if (inLoop) {
      takeArrivals(); // What came before goes before; and that may be room.
    }
    if (!reserve()) {
      return false;
    }
    if (inLoop) {
      items.add(item);
      serve();
    } else {
      arrivals.add(item);
      announce(item);
    }
    return true;
  }

  /** Takes it back when the loop is closed, unless a task of it was faster. */
  private void announce(T item) {
    try {
      announce();
    } catch (RejectedExecutionException e) {
      if (arrivals.remove(item)) {
        size.decrementAndGet();
        throw e;
      }
    }
  }

  /**
   * Puts an item at the end, and waits for room, at most so long.
   *
   * @param atMost zero does not wait, null is for ever
   * @return whether the item is in the queue
   * @throws IllegalStateException when the queue was stopped or destroyed, also while the task
   *     waits
   */
  public boolean tryPush(T item, @Nullable Duration atMost) throws InterruptedException {
    Checks.timeout(atMost);
    Checks.inLoop(copas, "waiting for room in a queue");
    if (tryPush(item)) {
      return true;
    }
    if (atMost != null && atMost.isZero()) {
      return false;
    }
    var pusher = new Pusher<T>(copas, item);
    pushers.await(pusher, atMost);
    if (!pusher.accepted) {
      checkTakesItems();
    }
    return pusher.accepted;
  }

  /** Takes room for an item, or says that the queue ends. */
  private boolean reserve() {
    int present;
    do {
      present = size.get();
      if (present >= capacity) {
        return false;
      }
    } while (!size.compareAndSet(present, present + 1));
    if (stopping) { // Meanwhile. Whoever stopped it may have waited for this item.
      size.decrementAndGet();
      announce();
      checkTakesItems();
    }
    return true;
  }

  private void checkTakesItems() {
    checkNotDestroyed();
    if (stopping) {
      throw new IllegalStateException("queue \"" + name + "\" was stopped, and takes no items");
    }
  }

  /** Has the loop look at what other threads have done, once for all that comes till then. */
  private void announce() {
    if (arriving.compareAndSet(false, true)) {
      try {
        copas.execute(this::takeAnnounced);
      } catch (RejectedExecutionException e) {
        arriving.set(false);
        throw e;
      }
    }
  }

  /** A task that was let go leaves them to the next who comes. */
  private void takeAnnounced() {
    if (copas.inLoop()) {
      takeArrivals();
    } else {
      arriving.set(false);
    }
  }

  private void takeArrivals() {
    arriving.set(false);
    for (T item; (item = arrivals.poll()) != null; ) {
      items.add(item);
    }
    serve();
    if (stopping) {
      pushers.tellAll();
      destroyIfEmpty();
    }
  }

  /** Those who wait for items have them first; and that is room for those who wait for room. */
  private void serve() {
    for (Popper<T> popper; !items.isEmpty() && (popper = poppers.tellFirst()) != null; ) {
      popper.item = items.remove();
      makeRoom();
    }
  }

  // ---- Items go

  /**
   * Takes the first item, and waits for one, 10 s at most.
   *
   * @throws TimeoutException when none came
   * @throws DestroyedException when the queue is destroyed, also while the task waits: by {@link
   *     #destroy}, or because it was stopped and is empty
   */
  public T pop() throws InterruptedException, TimeoutException {
    return tryPop(Checks.DEFAULT_TIMEOUT)
        .orElseThrow(() -> new TimeoutException("nothing in the queue \"" + name + "\" for 10 s"));
  }

  /** Takes the first item if there is one. */
  public Optional<T> tryPop() {
    checkUsable();
    takeArrivals();
    T item = items.poll();
    if (item != null) {
      makeRoom();
    }
    return Optional.ofNullable(item);
  }

  /**
   * Takes the first item, and waits for one, at most so long.
   *
   * @param atMost zero does not wait, null is for ever
   * @return nothing when none came
   * @throws DestroyedException as {@link #pop}
   */
  public Optional<T> tryPop(@Nullable Duration atMost) throws InterruptedException {
    Checks.timeout(atMost);
    Optional<T> present = tryPop();
    if (present.isPresent() || (atMost != null && atMost.isZero())) {
      return present;
    }
    checkNotDestroyed(); // It was stopped, and that it is empty showed only now.
    var popper = new Popper<T>(copas);
    poppers.await(popper, atMost);
    if (popper.item == null) {
      checkNotDestroyed();
    }
    return Optional.ofNullable(popper.item);
  }

  /** The first one who waits for room has it; the size stays as it is then. */
  private void makeRoom() {
    Pusher<T> pusher = pushers.first();
    if (pusher == null) {
      size.decrementAndGet();
      destroyIfEmpty();
    } else {
      items.add(pusher.item);
      pusher.accepted = true;
      pushers.tellFirst();
    }
  }

  /** How many items there are. From any thread. */
  public int getSize() {
    checkNotDestroyed();
    return size.get();
  }

  // ---- Workers

  /**
   * Starts a task, named {@code NAME:worker_N}, that takes one item after the other until the queue
   * is destroyed. What it throws is told to the error handler, and it goes on with the next item. A
   * worker that waits keeps no loop from ending. From any thread.
   */
  public Task addWorker(Worker<? super T> worker) {
    Objects.requireNonNull(worker, "worker");
    checkNotDestroyed();
    long number = workerNumbers.incrementAndGet();
    var place = new AtomicReference<@Nullable Task>();
    workers.put(number, place); // First: when the task ends, it takes that away.
    try {
      Task task = copas.addThread(name + ":worker_" + number, bodyOf(number, place, worker));
      place.set(task);
      return task;
    } catch (IllegalStateException e) {
      workers.remove(number); // The loop is closed.
      throw e;
    }
  }

  private TaskBody bodyOf(
      long number, AtomicReference<@Nullable Task> place, Worker<? super T> worker) {
    return new TaskBody() {
      @Override
      public void run() throws InterruptedException {
        work(number, place, worker);
      }

      @Override
      public void neverBegan() {
        workers.remove(number);
      }
    };
  }

  private void work(long number, AtomicReference<@Nullable Task> place, Worker<? super T> worker)
      throws InterruptedException {
    try {
      if (!copas.inLoop()) {
        return; // It was let go before it began.
      }
      Task self = Copas.current();
      place.set(self); // Its maker, on another thread, may not have done so yet.
      while (!self.isCancelled()) {
        workOn(tryPop(null).orElseThrow(), worker, self);
      }
    } catch (DestroyedException e) {
      return; // There will be no more items.
    } finally {
      workers.remove(number);
    }
  }

  private static <T> void workOn(T item, Worker<? super T> worker, Task self) {
    try {
      worker.work(item);
    } catch (Throwable e) {
      self.report(e);
    }
  }

  /** The workers that have not ended. From any thread. */
  public List<Task> getWorkers() {
    return workers.values().stream()
        .flatMap(place -> Stream.ofNullable(place.get()))
        .filter(task -> task.state() != Task.State.ENDED)
        .toList();
  }

  // ---- The end

  /**
   * Takes no more items; destroys the queue as soon as it is empty. From any thread.
   *
   * @throws DestroyedException when it was destroyed before it was empty
   */
  public void stop() {
    checkHasItsEnd();
    stopping = true;
    if (copas.inLoop()) {
      takeArrivals();
      return;
    }
    try {
      announce();
    } catch (RejectedExecutionException e) {
      return; // The loop is closed: nobody is left to be told.
    }
  }

  /** {@link #stop Stops} the queue and waits 10 s; see {@link #finish(Duration)}. */
  public boolean finish() throws InterruptedException {
    return finish(Checks.DEFAULT_TIMEOUT);
  }

  /**
   * {@link #stop Stops} the queue and waits until its workers have ended, after the last item; at
   * most so long, then it destroys the queue. Workers that wait in here themselves are not waited
   * for.
   *
   * @param atMost null is for ever
   * @return whether all was done in time
   * @throws DestroyedException when the queue was destroyed before it was empty, also while the
   *     task waits
   */
  public boolean finish(@Nullable Duration atMost) throws InterruptedException {
    boolean done = awaitFinish(atMost);
    if (!done) {
      destroy();
    }
    return done;
  }

  /** Like {@link #finish(Duration)}, but what is not done in time goes on. */
  public boolean awaitFinish(@Nullable Duration atMost) throws InterruptedException {
    Checks.timeout(atMost);
    Checks.inLoop(copas, "waiting for the end of a queue");
    long begin = copas.nanoTime();
    stop();
    Task self = Copas.current();
    finishing.add(self);
    try {
      return awaitEmpty(atMost) && joinWorkers(atMost, begin);
    } finally {
      if (!self.isLetGo()) {
        finishing.remove(self);
      }
    }
  }

  private boolean awaitEmpty(@Nullable Duration atMost) throws InterruptedException {
    if (!destroyed && !finishers.await(new Waiter(copas), atMost)) {
      return false;
    }
    checkHasItsEnd();
    return true;
  }

  private boolean joinWorkers(@Nullable Duration atMost, long begin) throws InterruptedException {
    for (Task worker : getWorkers()) {
      if (!finishing.contains(worker) && !join(worker, atMost, begin)) {
        return false;
      }
    }
    return true;
  }

  private boolean join(Task worker, @Nullable Duration atMost, long begin)
      throws InterruptedException {
    if (atMost == null) {
      worker.join();
      return true;
    }
    return worker.join(atMost.minusNanos(copas.nanoTime() - begin));
  }

  /**
   * Drops all items and ends the queue: those who wait, and all later calls, get a {@link
   * DestroyedException} (but for {@link #stop} and {@link #finish}, when nothing was dropped).
   * Workers end after the item that they are at. A second call does nothing.
   */
  public void destroy() {
    Checks.mayEnd(copas, "a queue");
    stopping = true;
    destroyed = true;
    items.clear();
    arrivals.clear();
    poppers.tellAll();
    pushers.tellAll();
    finishers.tellAll();
  }

  private void destroyIfEmpty() {
    if (stopping && !destroyed && size.get() == 0) {
      emptied = true;
      destroy();
    }
  }

  /** Is {@link #destroy()}; also while nobody runs the loop, as in a block around that. */
  @Override
  public void close() {
    destroy();
  }

  private void checkUsable() {
    Checks.inLoop(copas, "taking from a queue");
    checkNotDestroyed();
  }

  /** Nothing was dropped. */
  private void checkHasItsEnd() {
    if (destroyed && !emptied) {
      checkNotDestroyed();
    }
  }

  private void checkNotDestroyed() {
    if (destroyed) {
      throw new DestroyedException("queue \"" + name + "\"");
    }
  }

  @Override
  public String toString() {
    String state = destroyed ? "destroyed" : size + " items" + (stopping ? ", stopping" : "");
    return "CopasQueue[" + name + ", " + state + "]";
  }
}
