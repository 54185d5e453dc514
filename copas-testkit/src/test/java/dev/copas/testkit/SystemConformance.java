package dev.copas.testkit;

import dev.copas.Options;

/** TCP of the operating system. */
abstract class SystemConformance extends StreamConformance {

  abstract Options options(Options wanted);

  @Override
  final void run(Body body) throws Exception {
    SystemLoop.run(options(OPTIONS), copas -> body.run(new Net(copas)));
  }
}
