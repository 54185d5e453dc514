/**
 * Runs a program of Copas in a world of its own: a clock that jumps, a network in memory, an order
 * of tasks and faults that a seed decides.
 *
 * <p>{@link dev.copas.testkit.Simulation} is the entry. Below the sockets everything else is the
 * real thing: the kit only puts a transport, a clock and a queue of ready tasks into the places
 * that a loop has for them.
 */
package dev.copas.testkit;
