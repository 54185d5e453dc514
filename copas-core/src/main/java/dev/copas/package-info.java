/**
 * Copas: an event loop that blocking I/O, locks and sleeps do not block, running plain sequential
 * code.
 *
 * <p>{@link dev.copas.Copas} is where to begin. A byte's way through this package: {@link
 * dev.copas.Server} accepts a connection and starts its task; {@link dev.copas.Direction} waits for
 * the transport; {@link dev.copas.SocketInput} receives; the {@link dev.copas.Handler} answers;
 * {@link dev.copas.SocketOutput} sends.
 */
package dev.copas;
