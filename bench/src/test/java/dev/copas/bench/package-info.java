@NullMarked
package dev.copas.bench;

import org.jspecify.annotations.NullMarked;
