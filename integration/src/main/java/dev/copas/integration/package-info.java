/** Other people's blocking libraries in handlers: one file and one idea each. */
@NullMarked
package dev.copas.integration;

import org.jspecify.annotations.NullMarked;
