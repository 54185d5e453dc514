package dev.copas;

import static com.tngtech.archunit.core.domain.JavaModifier.SYNCHRONIZED;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.lang.reflect.AccessibleObject;
import java.nio.channels.Selector;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The rules of the packages. */
@Timeout(60)
class LoopArchitectureTest {

  private static JavaClasses core;

  @BeforeAll
  static void read() {
    core =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.copas");
  }

  @Test
  void importsOnlyGoDownTheLayers() {
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("sync")
        .definedBy("dev.copas.sync")
        .layer("api")
        .definedBy("dev.copas")
        .layer("loop")
        .definedBy("dev.copas.loop")
        .layer("transport")
        .definedBy("dev.copas.transport")
        .whereLayer("sync")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("api")
        .mayOnlyBeAccessedByLayers("sync")
        .whereLayer("loop")
        .mayOnlyBeAccessedByLayers("api")
        .whereLayer("transport")
        .mayOnlyBeAccessedByLayers("api", "loop")
        .check(core);
  }

  @Test
  void theSynchronisersAreMadeOfWhatAnybodyCouldMakeThemOf() {
    noClasses()
        .that()
        .resideInAPackage("dev.copas.sync")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.copas.loop", "dev.copas.transport")
        .check(core);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("dev.(**)").should().beFreeOfCycles().check(core);
  }

  @Test
  void onlyOneClassReachesIntoTheJdk() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName("dev.copas.loop.NativeThreads")
        .should()
        .callMethodWhere(
            com.tngtech.archunit.core.domain.JavaCall.Predicates.target(
                com.tngtech.archunit.core.domain.properties.HasName.Predicates.name(
                    "setAccessible")))
        .orShould()
        .accessClassesThat()
        .areAssignableTo(AccessibleObject.class)
        .check(core);
  }

  @Test
  void onlyTheTransportKnowsSelectors() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.copas.transport")
        .should()
        .dependOnClassesThat()
        .areAssignableTo(Selector.class)
        .check(core);
  }

  @Test
  void timeAndChanceComeFromOutside() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName("dev.copas.loop.Watchdog")
        .and()
        .doNotHaveFullyQualifiedName("dev.copas.loop.Clock$1")
        .should()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(Thread.class, "sleep", long.class)
        .orShould()
        .callMethod(Thread.class, "sleep", java.time.Duration.class)
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(Random.class)
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(java.time.Clock.class)
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(java.time.Instant.class)
        .check(core);
  }

  @Test
  void nothingIsKeptInThreadLocals() {
    noClasses().should().dependOnClassesThat().areAssignableTo(ThreadLocal.class).check(core);
  }

  /** Methods only: what is in a block inside a method, cannot be seen here. */
  @Test
  void noMethodTakesItsMonitorButInTheListOfLoops() {
    methods()
        .that()
        .areDeclaredInClassesThat()
        .doNotHaveFullyQualifiedName("dev.copas.loop.Loops")
        .should()
        .notHaveModifier(SYNCHRONIZED)
        .check(core);
  }
}
