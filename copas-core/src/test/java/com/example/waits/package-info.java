/** A program that uses the library. */
@NullMarked
package com.example.waits;

import org.jspecify.annotations.NullMarked;
