/**
 * The machine: one loop that runs coroutines, one at a time, between its waits for the transport.
 *
 * <p>To read in this order: {@link dev.copas.loop.Loop} takes turns; {@link
 * dev.copas.loop.Coroutine} is what it runs and how that waits; {@link dev.copas.loop.Timers} ends
 * waits that took too long; {@link dev.copas.loop.Inbox} is how other threads get in; {@link
 * dev.copas.loop.Scope} is a deadline for several waits; {@link dev.copas.loop.Carrier} is what
 * resumes coroutines, in native mode {@link dev.copas.loop.NativeCarrier}; {@link
 * dev.copas.loop.Watchdog} looks on from outside. {@link dev.copas.loop.LookupProvider} is for
 * coroutines that ask the JDK for the address of a name.
 */
package dev.copas.loop;
