package com.example;

/** PLACEHOLDER: becomes the README's first server. */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    System.out.println(greeting("world"));
  }

  static String greeting(String name) {
    return "hello, " + name;
  }
}
