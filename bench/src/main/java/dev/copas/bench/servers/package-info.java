/**
 * The servers under test, a main class each. All do the same work, as their own documentation
 * advises, and keep the same {@link dev.copas.bench.servers.Contract}.
 */
@NullMarked
package dev.copas.bench.servers;

import org.jspecify.annotations.NullMarked;
