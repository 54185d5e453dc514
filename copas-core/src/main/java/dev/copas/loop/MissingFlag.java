package dev.copas.loop;

/** What to say to somebody who started the JVM without the flag that native mode needs. */
final class MissingFlag {

  private MissingFlag() {}

  static String flag() {
    return "--add-opens java.base/java.lang=" + module();
  }

  private static String module() {
    Module copas = MissingFlag.class.getModule();
    return copas.isNamed() ? copas.getName() : "ALL-UNNAMED";
  }

  static String message() {
    return """
    Copas runs its tasks on its own scheduler, and this JVM does not let it. Start the JVM with

        %1$s

      command line  java %1$s ...
      environment   JDK_JAVA_OPTIONS="--add-opens=java.base/java.lang=%2$s"
      Maven         maven-surefire-plugin: <argLine>%1$s</argLine>
                    exec-maven-plugin (exec:exec): <argument>--add-opens</argument> \
    <argument>java.base/java.lang=%2$s</argument>
      Gradle        tasks.withType<JavaExec> { jvmArgs("--add-opens=java.base/java.lang=%2$s") }
                    tasks.withType<Test> { jvmArgs("--add-opens=java.base/java.lang=%2$s") }
      IDE           put the flag into "VM options" of the run configuration
      executable jar  add the line "Add-Opens: java.base/java.lang" to its manifest

    Or try it without the flag, in solo mode: Copas.create(Options.defaults().solo())\
    """
        .formatted(flag(), module());
  }
}
