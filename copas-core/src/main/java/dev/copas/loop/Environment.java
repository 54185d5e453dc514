package dev.copas.loop;

import dev.copas.transport.NioTransport;
import dev.copas.transport.Transport;
import java.io.IOException;

/**
 * What a loop stands on: who schedules its threads and in which order, where its bytes come from,
 * where its time comes from. A test kit puts other things in these places.
 */
public record Environment(Carrier carrier, ReadyQueue ready, Transport transport, Clock clock) {

  /** Virtual threads on our own scheduler, the operating system's sockets and clock. */
  public static Environment system() throws IOException {
    NativeCarrier carrier = NativeCarrier.get(); // First: without it nothing is opened.
    return new Environment(carrier, new FifoQueue(), new NioTransport(), Clock.SYSTEM);
  }

  /** Virtual threads on our own scheduler, in this order, with this transport and this clock. */
  public static Environment of(ReadyQueue ready, Transport transport, Clock clock) {
    return new Environment(NativeCarrier.get(), ready, transport, clock);
  }
}
