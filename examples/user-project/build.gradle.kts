// The same project for Gradle. Not run by the build of Copas, which has Maven only.
plugins {
  application
}

repositories {
  mavenLocal() // where mvn install puts Copas
  mavenCentral()
}

java {
  toolchain { languageVersion = JavaLanguageVersion.of(25) }
}

// snippet: dependency
dependencies {
  implementation("dev.copas:copas:0.1.0-SNAPSHOT")
}
// end: dependency

dependencies {
  testImplementation("org.junit.jupiter:junit-jupiter:6.1.3")
  testRuntimeOnly("org.junit.platform:junit-platform-launcher:6.1.3")
}

application {
  mainClass = "com.example.Main"
}

// snippet: flag
val copasFlags =
    listOf("--add-opens=java.base/java.lang=ALL-UNNAMED", "--enable-native-access=ALL-UNNAMED")
tasks.withType<JavaExec>().configureEach { jvmArgs(copasFlags) }
tasks.withType<Test>().configureEach { jvmArgs(copasFlags) }
// end: flag

tasks.test { useJUnitPlatform() }
