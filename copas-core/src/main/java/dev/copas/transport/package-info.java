/**
 * The operating system's side: channels that never block, and one call that waits for all of them.
 *
 * <p>Knows nothing of tasks. {@link dev.copas.transport.Transport} is what a mechanism has to
 * offer; {@link dev.copas.transport.NioTransport} offers it on every platform.
 */
package dev.copas.transport;
