package dev.copas.loop;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Makes virtual threads with a scheduler of our own.
 *
 * <p>JDK 25 has no public way to do this. Its builder has a constructor for tests that takes the
 * scheduler; this class is the only place that knows of it.
 */
final class NativeThreads {

  private static volatile @Nullable NativeThreads instance;

  private final MethodHandle newBuilder;

  private NativeThreads(MethodHandle newBuilder) {
    this.newBuilder = newBuilder;
  }

  /**
   * Those of this JVM.
   *
   * @throws IllegalStateException when the JVM was started without the flag; says what to do
   */
  static NativeThreads get() {
    NativeThreads threads = instance;
    if (threads == null) {
      threads = new NativeThreads(findBuilder());
      keepPollersOffTheLoop();
      instance = threads;
    }
    return threads;
  }

  private static MethodHandle findBuilder() {
    try {
      Constructor<?> constructor =
          Class.forName("java.lang.ThreadBuilders$VirtualThreadBuilder")
              .getDeclaredConstructor(Executor.class);
      constructor.setAccessible(true);
      return MethodHandles.lookup()
          .unreflectConstructor(constructor)
          .asType(MethodType.methodType(Thread.Builder.OfVirtual.class, Executor.class));
    } catch (InaccessibleObjectException e) {
      throw new IllegalStateException(MissingFlag.message(), e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(
          "Copas needs the virtual-thread builder of JDK 25; this is Java "
              + Runtime.version()
              + ", which does not have it. Run the program on JDK 25.",
          e);
    }
  }

  /**
   * The JDK's pollers are virtual threads that inherit their scheduler from whoever needs them
   * first. Were that a task, they would run on its loop until the JVM ends.
   */
  private static void keepPollersOffTheLoop() {
    var starter =
        Thread.ofPlatform().name("copas-poller-starter").unstarted(NativeThreads::pollers);
    starter.start();
    boolean interrupted = false;
    while (true) {
      try {
        starter.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void pollers() {
    try {
      Class.forName("sun.nio.ch.Poller");
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException("this JDK has no sun.nio.ch.Poller; run on JDK 25", e);
    }
  }

  /** A virtual thread, not started, of which the scheduler is told whenever it can go on. */
  Thread unstarted(Executor scheduler, String name, Runnable body) {
    try {
      var builder = (Thread.Builder.OfVirtual) newBuilder.invokeExact(scheduler);
      return builder.name(name).unstarted(body);
    } catch (Throwable e) {
      throw new IllegalStateException("cannot make a virtual thread for task " + name, e);
    }
  }
}
