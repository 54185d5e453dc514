// snippet: program
import module dev.copas;

void main(String[] args) throws IOException {
  try (var copas = Copas.create()) {
    var server = copas.bind("127.0.0.1", Integer.parseInt(args[0]));
    copas.addServer(server, socket -> socket.send("It is " + LocalTime.now() + "\n"));
    IO.println("listening on " + server);
    copas.loop();
  }
}
// end: program
