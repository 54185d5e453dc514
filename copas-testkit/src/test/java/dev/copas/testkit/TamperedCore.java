package dev.copas.testkit;

import dev.copas.Copas;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** The core, the kit and its tests once more, with one source of the core changed. */
final class TamperedCore extends URLClassLoader {

  private static final Path SOURCES = Path.of("../copas-core/src/main/java/dev/copas");

  private final Map<String, byte[]> tampered;

  /** Compiles the source with its bug, in memory. */
  static TamperedCore with(PlantedBug bug) throws IOException {
    Path file = SOURCES.resolve(bug.file());
    String source = Files.readString(file);
    int place = source.indexOf(bug.fragment());
    if (place < 0 || source.indexOf(bug.fragment(), place + 1) >= 0) {
      throw new IOException(file + " does not have once:\n" + bug.fragment());
    }
    return new TamperedCore(
        compiled(file.toUri(), source.replace(bug.fragment(), bug.replacement())));
  }

  private TamperedCore(Map<String, byte[]> tampered) throws IOException {
    super(locations(), ClassLoader.getPlatformClassLoader());
    this.tampered = tampered;
  }

  private static URL[] locations() throws IOException {
    return new URL[] {
      locationOf(Copas.class), locationOf(Simulation.class), locationOf(Workout.class)
    };
  }

  /** From a class file, since a module's tests have no location of their own. */
  private static URL locationOf(Class<?> type) throws IOException {
    String name = type.getName().replace('.', '/') + ".class";
    String url = String.valueOf(type.getResource("/" + name));
    try {
      return new URI(url.substring(0, url.length() - name.length())).toURL();
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
  }

  /** Ours are found here first: the loaders above know those of the modules. */
  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!name.startsWith("dev.copas.")) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded == null ? findClass(name) : loaded;
    }
  }

  @Override
  protected Class<?> findClass(String name) throws ClassNotFoundException {
    byte[] bytes = tampered.get(name);
    return bytes == null ? super.findClass(name) : defineClass(name, bytes, 0, bytes.length);
  }

  // ---- Compiling

  private static Map<String, byte[]> compiled(URI name, String source) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    var errors = new StringWriter();
    var options = List.of("-proc:none", "-nowarn", "-cp", classPath());
    try (var files = new InMemory(compiler.getStandardFileManager(null, null, null))) {
      var text =
          new SimpleJavaFileObject(name, JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
              return source;
            }
          };
      if (!compiler.getTask(errors, files, null, options, null, List.of(text)).call()) {
        throw new IOException("the bug does not compile: " + errors);
      }
      var classes = new HashMap<String, byte[]>();
      files.classes.forEach((type, bytes) -> classes.put(type, bytes.toByteArray()));
      return classes;
    }
  }

  /** Where this JVM has the core and its annotations, be it modules or not. */
  private static String classPath() {
    return System.getProperty("jdk.module.path", "")
        + File.pathSeparator
        + System.getProperty("java.class.path", "");
  }

  private static final class InMemory extends ForwardingJavaFileManager<JavaFileManager> {

    final Map<String, ByteArrayOutputStream> classes = new HashMap<>();

    InMemory(JavaFileManager files) {
      super(files);
    }

    @Override
    public JavaFileObject getJavaFileForOutput(
        Location location, String className, JavaFileObject.Kind kind, FileObject sibling) {
      return new SimpleJavaFileObject(URI.create("memory:///" + className), kind) {
        @Override
        public OutputStream openOutputStream() {
          return classes.computeIfAbsent(className, name -> new ByteArrayOutputStream());
        }
      };
    }
  }
}
