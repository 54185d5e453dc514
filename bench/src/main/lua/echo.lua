-- Echo on Lua's Copas, for the contract of the servers under test (Contract.java). Copas waits with
-- select(), which ends at about a thousand connections.

local copas = require("copas")
local socket = require("socket")

local BACKLOG = 4096
local READ_BYTES = 16 * 1024

local function lines(client)
  local skt = copas.wrap(client)
  while true do
    local line = skt:receive("*l")
    if not line or not skt:send(line .. "\n") then
      return
    end
  end
end

-- As Copas' reference has it: with a number, receivePartial returns what has come, the part that is
-- less than the number as its third result.
local function raw(client)
  while true do
    local all, err, part = copas.receivePartial(client, READ_BYTES)
    local bytes = all or part
    if bytes and bytes ~= "" and not copas.send(client, bytes) then
      return
    end
    if err and err ~= "timeout" then
      return
    end
  end
end

-- Standard input in the clothes of a socket, so that Copas waits for its end too.
local stdin = {}

function stdin.getfd()
  return 0
end

function stdin.dirty()
  return false
end

function stdin.receive()
  if #socket.select({ stdin }, nil, 0) > 0 and not io.read(1) then
    os.exit(0)
  end
  return nil, "timeout"
end

local handlers = { raw = raw, lines = lines }
local handler = assert(handlers[arg[1]], "raw or lines")
local server = assert(socket.bind("127.0.0.1", 0, BACKLOG))

copas.addserver(server, function(client)
  client:setoption("tcp-nodelay", true)
  handler(client)
end)
copas.addthread(function()
  copas.receive(stdin)
end)

local _, port = server:getsockname()
io.write("port ", port, "\n")
io.flush()
copas.loop()
