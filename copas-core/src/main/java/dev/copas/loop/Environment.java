package dev.copas.loop;

import dev.copas.transport.Transport;
import dev.copas.transport.Transports;
import java.io.IOException;

/**
 * What a loop stands on: who carries its coroutines and in which order, where its bytes come from,
 * where its time comes from. A test kit puts other things in these places.
 */
public record Environment(Carrier carrier, Transport transport, Clock clock) {

  /** Native mode, with the operating system's sockets and clock. */
  public static Environment ofNativeMode(Transports transport) throws IOException {
    Carrier carrier = new NativeCarrier(new FifoQueue()); // First: without it nothing is opened.
    return new Environment(carrier, transport.open(), Clock.SYSTEM);
  }

  /** Solo mode, with the operating system's sockets and clock. */
  public static Environment ofSoloMode() throws IOException {
    Carrier carrier = new SoloCarrier();
    return new Environment(carrier, Transports.NIO.open(), Clock.SYSTEM);
  }

  /** Gives back what a loop that could not be made was to stand on. */
  public void close() {
    try {
      transport.close();
    } catch (IOException e) {
      Reports.error("a transport that is not needed could not be closed", e);
    }
  }

  /** Native mode, with this order of coroutines, this transport and this clock. */
  public static Environment of(ReadyQueue ready, Transport transport, Clock clock) {
    return new Environment(new NativeCarrier(ready), transport, clock);
  }
}
