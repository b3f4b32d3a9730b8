-- What the clients of tests/http talk to: a server on the transport alone, whose paths say what to
-- do. Prints its port, then reports of what it saw, one a line.
--   argument: a Lua table with the options of the server

local core = require "lab.core"

local function report(...)
  print(...)
  io.stdout:flush()
end

local options = load("return " .. (arg[1] or "{}"))()
local server <close> = assert(assert(core.service "http")(options))
report(("port %d"):format(server:port()))

local kept = {} -- requests that wait, by path
local routes = {}

--- Everything the script sees of a request, as lines.
routes["/echo"] = function(request)
  local text = ("%s\n%s\n%s\n%d\n%s\n%s\n%s\n%s"):format(request.method, request.path,
    request.query, #request.body, core.sha256(request.body), request.client, request.client_key,
    request.headers)
  server:reply { id = request.id, headers = "Content-Type: text/plain\0", body = text }
end

--- Answered by /answer, or never.
routes["/keep"] = function(request)
  kept[request.query] = request.id
  report("kept " .. request.query)
end

routes["/answer"] = function(request)
  local id = kept[request.query]
  local was = server:gone(id)
  local ok = server:reply { id = id, body = "late" }
  server:reply { id = request.id, body = ("%s %s"):format(was, ok) }
end

--- Whether the client of a kept request has left.
routes["/gone"] = function(request)
  server:reply { id = request.id, body = tostring(server:gone { id = kept[request.query] }) }
end

routes["/big"] = function(request)
  server:reply { id = request.id, body = ("x"):rep(tonumber(request.query)) }
end

--- Events of so many bytes, so many of them; then its end.
routes["/stream"] = function(request)
  local count, size = request.query:match "^(%d+),(%d+)$"
  server:reply { id = request.id, headers = "Content-Type: text/event-stream\0", more = true }
  for i = 1, tonumber(count) do
    if not server:send { id = request.id, body = tostring(i % 10):rep(tonumber(size)) } then
      report("cut at " .. i)
      return
    end
  end
  server:send { id = request.id, more = false }
end

--- A stream that goes on until its client leaves.
routes["/live"] = function(request)
  server:reply { id = request.id, body = "hello\n", more = true }
  kept.live = request.id
  report("kept live")
end

--- Replies that must be refused, then one that is not.
routes["/misuse"] = function(request)
  local lines = {}
  local function try(name, method, given)
    given.id = request.id
    local ok, message = pcall(method, server, given)
    lines[#lines + 1] = ("%s: %s %s"):format(name, ok, message)
  end
  try("break", server.reply, { headers = "X-A: b\r\nX-C: d\0" })
  try("feed", server.reply, { headers = "X-A: b\nX-C: d\0" })
  try("open", server.reply, { headers = "X-A: b" })
  try("name", server.reply, { headers = "X A: b\0" })
  try("colon", server.reply, { headers = "X-A\0" })
  try("length", server.reply, { headers = "content-length: 3\0" })
  try("chunked", server.reply, { headers = "Transfer-Encoding: chunked\0" })
  try("status", server.reply, { status = 100 })
  try("nothing", server.reply, { status = 304, more = true })
  try("send", server.send, { body = "x" })
  table.insert(lines, ("unknown: %s %s"):format(pcall(server.gone, server, 1 << 40)))
  -- In pieces: a whole answer may be sent, and its request forgotten, before it is answered twice.
  server:reply { id = request.id, headers = "X-A: b\0X-A: c\0X-Empty:\0",
    body = table.concat(lines, "\n"), more = true }
  try("twice", server.reply, {})
  report(lines[#lines])
  server:send { id = request.id, more = false }
end

routes["/stats"] = function(request)
  local stats, names = server:stats(), {}
  for name, value in pairs(stats) do
    names[#names + 1] = name .. "=" .. value
  end
  table.sort(names)
  server:reply { id = request.id, body = table.concat(names, " ") }
end

--- Keeps the script busy for whole seconds, the first of them a part, so that requests pile up.
routes["/sleep"] = function(request)
  local ends = os.time() + tonumber(request.query)
  while os.time() < ends do -- luacheck: ignore 542
  end
  server:reply { id = request.id, body = "slept" }
end

--- Works until the stop flag is raised, which is so when the client leaves.
routes["/watch"] = function(request)
  assert(server:watch(request.id))
  report "watching"
  local begun = os.time()
  while not core.stopped() and os.time() < begun + 10 do -- luacheck: ignore 542
  end
  local raised = server:watch()
  core.clear_stop()
  report(("raised %s %s"):format(raised, server:gone(request.id)))
end

local quit = false
routes["/quit"] = function(request)
  server:reply { id = request.id, body = "bye" }
  quit = true
end

while not quit do
  local request, message, code = server:next { wait = 10 }
  for _, left in ipairs(server:leaving()) do
    report("left " .. left.id)
  end
  if code then
    report(("ended: %s %s"):format(message, code))
    core.clear_stop()
    return
  elseif request then
    local route = routes[request.path]
    if route then
      route(request)
    else
      server:reply { id = request.id, status = 404, body = "no" }
    end
  end
end
