/** Loads servers that do the same work, in turns, and says what each of them costs. */
@NullMarked
package dev.copas.bench;

import org.jspecify.annotations.NullMarked;
