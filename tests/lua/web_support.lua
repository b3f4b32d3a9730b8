-- A transport without a socket, for the specs of the server: requests are put into it, and answers
-- are kept as the client would have them.

local json = require "lab.json"

local web = {}

local Fake = {}
Fake.__index = Fake

--- An empty transport: next, reply, send and leaving as plugins/http has them.
function web.transport()
  return setmetatable({ requests = {}, answers = {}, left = {}, last = 0, waits = {} }, Fake)
end

--- Puts in a request: its id.
function Fake:put(method, target, options)
  options = options or {}
  self.last = self.last + 1
  local path, query = target:match "^([^?]*)%??(.*)$"
  local headers = { host = "127.0.0.1:8080" }
  for name, value in pairs(options.headers or {}) do
    headers[name] = value or nil
  end
  path = path:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  table.insert(self.requests, { id = self.last, method = method, path = path, query = query,
    headers = headers, body = options.body or "", client = "127.0.0.1:5000",
    client_key = options.client or "127.0.0.1" })
  return self.last
end

function Fake:next(options)
  self.waits[#self.waits + 1] = options.wait
  return table.remove(self.requests, 1)
end

function Fake:reply(options)
  assert(not self.answers[options.id], "answered twice")
  local headers = {}
  for name, value in options.headers:gmatch "([^:%z]+): ([^%z\r\n]*)%z" do
    headers[name] = value
  end
  self.answers[options.id] = { status = options.status, headers = headers, body = options.body,
    pieces = { options.body }, open = options.more or false }
  return true
end

function Fake:send(options)
  local answer = assert(self.answers[options.id], "no stream was opened")
  assert(answer.open, "the stream has ended")
  table.insert(answer.pieces, options.body)
  answer.body, answer.open = answer.body .. options.body, options.more
  return true
end

function Fake:leaving()
  local left = self.left
  self.left = {}
  return left
end

--- The JSON of an answer.
function web.json(answer)
  return assert(json.decode(answer.body))
end

--- The events of a stream: { name, value } each.
function web.events(answer)
  local list = {}
  for name, data in answer.body:gmatch "event: ([^\n]*)\ndata: ([^\n]*)\n\n" do
    list[#list + 1] = { name = name, value = json.decode(data) }
  end
  return list
end

return web
