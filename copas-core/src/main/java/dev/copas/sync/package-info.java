/**
 * Copas' timers, locks, semaphores, queues and futures, and scopes of tasks.
 *
 * <p>Those of {@code java.util.concurrent} work in tasks as well: a task that waits in one lets the
 * others run. These are for the tasks of one loop. They are strictly first come, first served, and
 * hand over directly: nobody who comes later takes what another one waits for. Their time limits
 * are timers of the loop. So in a simulation of {@code copas-testkit} they keep simulated time and
 * the order of the seed, where a lock of the JDK takes real time. They need no atomic operations
 * and no parking of threads that are not tasks. And they know tasks: a lock whose owner ended is
 * given back and reported, a scope leaves no task behind, and what a callback library has, on
 * whatever thread, gets into the loop by {@link dev.copas.sync.CopasQueue#push} and {@link
 * dev.copas.sync.CopasFuture#complete}.
 *
 * <p>What waits does so in a task of the loop; elsewhere it is an {@link IllegalStateException},
 * unless a method says otherwise. A task that waits without a time limit keeps no loop from ending,
 * as in {@link dev.copas.Copas#pauseForever()}. Whoever is cancelled while it waits, or whose
 * {@link dev.copas.Copas#within} is over, leaves its place in the line and takes nothing with it.
 */
@NullMarked
package dev.copas.sync;

import org.jspecify.annotations.NullMarked;
