package dev.copas.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class InboxTest {

  private final Inbox inbox = new Inbox();
  private final List<String> arrived = new ArrayList<>();

  private Inbox.Message message(Runnable action) {
    return new Inbox.Message() {
      @Override
      void arrive() {
        action.run();
      }
    };
  }

  @Test
  void messagesArriveInTheOrderInWhichTheyWerePushed() {
    for (String text : List.of("a", "b", "c")) {
      inbox.push(message(() -> arrived.add(text)));
    }
    assertFalse(inbox.isEmpty());
    assertEquals(List.of(), arrived);
    inbox.drain();
    assertEquals(List.of("a", "b", "c"), arrived);
    assertTrue(inbox.isEmpty());
    inbox.drain();
    assertEquals(3, arrived.size());
  }

  @Test
  void aMessageCanBePushedAgainWhileItArrives() {
    int[] left = {3};
    var again = new Inbox.Message[1];
    again[0] =
        message(() -> {
          arrived.add("x");
          if (--left[0] > 0) {
            inbox.push(again[0]);
          }
        });
    inbox.push(again[0]);
    while (!inbox.isEmpty()) {
      inbox.drain();
    }
    assertEquals(List.of("x", "x", "x"), arrived);
  }

  @Test
  void nothingOfManyProducersIsLostAndEachKeepsItsOrder() throws Exception {
    int producers = 8;
    int each = 100_000;
    int[] next = new int[producers];
    List<Thread> threads = new ArrayList<>();
    for (int p = 0; p < producers; p++) {
      int id = p;
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; i < each; i++) {
                  int number = i;
                  inbox.push(message(() -> assertEquals(number, next[id]++)));
                }
              }));
    }
    while (threads.stream().anyMatch(Thread::isAlive)) {
      inbox.drain();
    }
    inbox.drain();
    for (int count : next) {
      assertEquals(each, count);
    }
  }
}
