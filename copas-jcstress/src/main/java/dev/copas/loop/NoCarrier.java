package dev.copas.loop;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** For a loop without coroutines: nothing is ever ready. */
final class NoCarrier implements Carrier {

  @Override
  public void serve(Loop loop) {}

  @Override
  public boolean isAlone() {
    return false;
  }

  @Override
  public void host(Runnable turns) {
    turns.run();
  }

  @Override
  public void checkMayStep() {}

  @Override
  public Thread newThread(Coroutine coroutine, String name, Runnable body) {
    throw new IllegalStateException("no coroutines here: " + name);
  }

  @Override
  public void start(Coroutine coroutine) {}

  @Override
  public void ready(Coroutine coroutine) {}

  @Override
  public boolean hasReady() {
    return false;
  }

  @Override
  public boolean isBusy() {
    return false;
  }

  @Override
  public boolean runReady() {
    return false;
  }

  @Override
  public void letGoReady() {}

  @Override
  public void letGo(Coroutine coroutine) {}

  @Override
  public void forget(Coroutine coroutine) {}

  @Override
  public @Nullable Coroutine current() {
    return null;
  }

  @Override
  public void giveWay(Coroutine self) {}

  @Override
  public void beforeWait(Coroutine self) {}

  @Override
  public void afterWait(Coroutine self) {}

  @Override
  public BooleanSupplier switchesSince(Coroutine self) {
    return () -> false;
  }

  @Override
  public long switches() {
    return 0;
  }

  @Override
  public @Nullable Coroutine running() {
    return null;
  }

  @Override
  public boolean isPinned(Coroutine running) {
    return false;
  }

  @Override
  public boolean isAwake() {
    return true;
  }
}
