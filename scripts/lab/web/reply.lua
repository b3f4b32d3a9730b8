-- The answer to one request that takes a while: at once when it is done, or piece by piece as
-- server-sent events for a client that asked for them.

local http = require "lab.web.http"

local reply = {}

---@class lab.WebReply
---@field id integer
---@field streaming boolean
---@field opened boolean
---@field done boolean
local Reply = {}
Reply.__index = Reply

--- The reply to a request; a stream if the client accepts events.
---@param sender { reply: fun(id: integer, response: lab.WebResponse, more: boolean?),
---                send: fun(id: integer, bytes: string, more: boolean) }
---@param request lab.WebRequest
---@return lab.WebReply
function reply.new(sender, request)
  local streaming = http.accepts(request, { ["text/event-stream"] = "events" }) ~= nil
  return setmetatable({ sender = sender, id = request.id, streaming = streaming, opened = false,
    done = false }, Reply)
end

local function send(self, text, more)
  if not self.opened then
    self.opened = true
    self.sender.reply(self.id, http.response(200, "text/event-stream; charset=utf-8", text,
      { ["Cache-Control"] = "no-store" }), more)
  else
    self.sender.send(self.id, text, more)
  end
end

--- Tells a client that listens what is going on.
---@param name string
---@param value any
function Reply:event(name, value)
  if self.streaming and not self.done then
    send(self, http.event(name, value), true)
  end
end

--- Ends the reply. A failure before the first event is told by its status; after it, by an event.
---@param response lab.WebResponse
function Reply:finish(response)
  if self.done then
    return
  end
  self.done = true
  local failed = response.status >= 400
  if not self.streaming or failed and not self.opened then
    self.sender.reply(self.id, response)
    return
  end
  send(self, http.event(failed and "error" or "result", (response.body:gsub("%s+$", ""))), false)
end

return reply
