package dev.copas.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BackendTest {

  @Test
  void itAnswersWhenItHangsNoMore() throws Exception {
    try (var backend = new Backend()) {
      assertEquals("time for tea", backend.ask());
      long begin = System.nanoTime();
      backend.hang(Duration.ofMillis(200));
      assertEquals("time for tea", backend.ask());
      assertTrue(System.nanoTime() - begin >= 200_000_000);
      assertEquals(0, backend.callers());
    }
  }

  @Test
  void itsEndIsTheEndOfEveryCall() throws Exception {
    var backend = new Backend();
    backend.hang(Duration.ofHours(1));
    var call = new FutureTask<String>(backend::ask);
    Thread.ofPlatform().daemon().start(call);
    while (backend.callers() == 0) {
      Thread.sleep(1);
    }
    backend.close();
    assertThrows(IOException.class, backend::ask);
    try {
      assertEquals("", call.get());
    } catch (ExecutionException e) { // It had not been accepted yet.
      assertInstanceOf(IOException.class, e.getCause());
    }
  }
}
