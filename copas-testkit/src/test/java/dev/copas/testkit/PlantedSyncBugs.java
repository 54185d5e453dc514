package dev.copas.testkit;

import java.util.List;

/** Bugs in timers, locks, semaphores, queues, futures and scopes; some of them were there. */
final class PlantedSyncBugs {

  static final List<PlantedBug> ALL =
      List.of(
          new PlantedBug(
              SemaphoreTrial.class,
              "lost permit: who is served and cancelled in the same turn has nothing",
              "sync/Waiter.java",
              "if (!told) {",
              "if (e != null) {"),
          new PlantedBug(
              LockTrial.class,
              "lost cancellation: who has what it waited for is not told of it",
              "sync/Waiter.java",
              "return told;",
              "return told && (Thread.interrupted() || told);"),
          new PlantedBug(
              SemaphoreTrial.class,
              "ghost: who gave up is still in the line",
              "sync/WaitLine.java",
              "if (!waiter.task.isLetGo()) {",
              "if (waiter.task.isLetGo()) {"),
          new PlantedBug(
              SemaphoreTrial.class,
              "blocked line: those behind one who gave up are not served",
              "sync/CopasSemaphore.java",
              "serve(); // Those behind may want less.",
              ""),
          new PlantedBug(
              SemaphoreTrial.class,
              "overtaking: who wants few permits does not wait for those before it",
              "sync/CopasSemaphore.java",
              "permits > count || !line.isEmpty()",
              "permits > count"),
          new PlantedBug(
              SemaphoreTrial.class,
              "made up: there is more than there is room for",
              "sync/CopasSemaphore.java",
              "count = fits ? count + permits : max;",
              "count += permits;"),
          new PlantedBug(
              SemaphoreTrial.class,
              "wrong count: whoever waits counts as one permit",
              "sync/CopasSemaphore.java",
              "wanted[0] += taker.wanted",
              "wanted[0]++"),
          new PlantedBug(
              LockTrial.class,
              "given too early: one release is enough for a lock that was got twice",
              "sync/CopasLock.java",
              "if (--depth == 0) {",
              "if (--depth >= 0) {"),
          new PlantedBug(
              LockTrial.class,
              "dead owner: the lock ends with it",
              "sync/CopasLock.java",
              "owner.addEndHook(ownerEnded);",
              ""),
          new PlantedBug(
              LockTrial.class,
              "wrong owner: who releases a lock is watched for its end",
              "sync/CopasLock.java",
              """
                  unwatchOwner();
                  owner = null;
                  Waiter next = line.tellFirst();
              """,
              """
                  owner = null;
                  Waiter next = line.tellFirst();
              """),
          new PlantedBug(
              QueueTrial.class,
              "overtaking: an item that waited for room is put first",
              "sync/CopasQueue.java",
              "items.add(pusher.item);",
              "items.addFirst(pusher.item);"),
          new PlantedBug(
              QueueTrial.class,
              "deaf stop: who waits for room is not told",
              "sync/CopasQueue.java",
              """
                  if (stopping) {
                    pushers.tellAll();
              """,
              """
                  if (stopping) {
              """),
          new PlantedBug(
              ArrivalTrial.class,
              "unserved: what another thread pushes is put down, and who waits is not told",
              "sync/CopasQueue.java",
              """
                  serve();
                  if (stopping) {
              """,
              """
                  if (stopping) {
              """),
          new PlantedBug(
              ArrivalTrial.class,
              "lost item: what another thread pushes is not announced",
              "sync/CopasQueue.java",
              """
                    arrivals.add(item);
                    announce(item);
              """,
              """
                    arrivals.add(item);
              """),
          new PlantedBug(
              WorkerTrial.class,
              "dead worker: it ends with its first error",
              "sync/CopasQueue.java",
              "self.report(e);",
              "self.report(e); self.cancel();"),
          new PlantedBug(
              FutureTrial.class,
              "second result: the last one counts",
              "sync/CopasFuture.java",
              "!outcome.compareAndSet(null, result)",
              "outcome.getAndSet(result) != null"),
          new PlantedBug(
              FutureTrial.class,
              "untold: only the first one who waits gets the result",
              "sync/CopasFuture.java",
              "line::tellAll",
              "line::tellFirst"),
          new PlantedBug(
              FutureTrial.class,
              "too late: a body begins that was cancelled",
              "sync/CopasFuture.java",
              "return; // Cancelled before it began.",
              "isDone();"),
          new PlantedBug(
              TimerTrial.class,
              "early timer: whoever wakes its task shortens the delay",
              "sync/CopasTimer.java",
              "} while (left.isPositive());",
              "} while (left.isNegative());"),
          new PlantedBug(
              TimerTrial.class,
              "undead timer: one that is cancelled as it is due calls all the same",
              "sync/CopasTimer.java",
              "if (armed != this) {",
              "if (copas == null) {"),
          new PlantedBug(
              ScopeTrial.class,
              "last failure: it is told of, not the first",
              "sync/CopasScope.java",
              "decisive == null && ends.test(future)",
              "ends.test(future)"),
          new PlantedBug(
              ScopeTrial.class,
              "leak: a scope is left, and its tasks go on",
              "sync/CopasScope.java",
              "List.copyOf(running.values()).forEach(Task::joinUninterruptibly);",
              ""),
          new PlantedBug(
              ScopeTrial.class,
              "patience: a failure ends none of the others",
              "sync/CopasScope.java",
              """
                    decisive = future;
                    cancelRunning();
              """,
              """
                    decisive = future;
              """),
          new PlantedBug(
              ScopeTrial.class,
              "missed end: who was awake already when a task ended joins it for ever",
              "Task.java",
              "if (joinersAreTold) {",
              "if (joinersAreTold && deadline == Coroutine.AT_ONCE) {"));

  private PlantedSyncBugs() {}
}
