-- The server's loop. All of Lua is on one thread: between two steps of the work that is under way,
-- requests are taken and those that need no picture are answered at once. Work is a coroutine that
-- gives way while threads decode, compute or encode for it (lab.flight) and between its stages, so
-- that neither a full queue nor a slow picture keeps the page waiting.
--
-- The transport is anything with next, reply, send and leaving as plugins/http has them.

local core = require "lab.core"
local flight = require "lab.flight"
local http = require "lab.web.http"
local queue = require "lab.web.queue"
local reply = require "lab.web.reply"
local router = require "lab.web.router"
local security = require "lab.web.security"
local sys = require "lab.sys"

local loop = {}

local MAX_AT_ONCE = 64 -- requests taken before work goes on
local IDLE = 0.5       -- seconds to sleep when there is nothing to do
local BUSY = 0.001     -- while threads work: their end is not announced, only seen

---@class lab.WebWork
---@field request lab.WebRequest
---@field reply lab.WebReply
---@field run fun(work: lab.WebWork): lab.WebResponse
---@field key string?      by which clients cancel it
---@field client string    whom fairness counts it for
---@field lane table
---@field bytes integer?    that it holds while it waits
---@field task lab.Task?   while it is under way
---@field wake number?     when it wants to go on

---@class lab.WebLoop
---@field lanes table<string, table>  { queue, limit, works: under way, bytes, max_bytes: held }
local Loop = {}
Loop.__index = Loop

--- Makes the loop of a server.
---@param options { server: table, routes: lab.WebRoute[], guard: lab.WebGuard, context: table,
---                 lanes: table<string, { limit: integer, total: integer, each: integer,
---                 max_bytes: integer? }>,
---                 log: fun(message: string) }
---@return lab.WebLoop
function loop.new(options)
  local self = setmetatable({ server = options.server, routes = router.compile(options.routes),
    guard = options.guard, context = options.context, log = options.log, lanes = {},
    answered = 0, cancelled = 0 }, Loop)
  for name, lane in pairs(options.lanes) do
    self.lanes[name] = { queue = queue.new(lane), limit = lane.limit, works = {}, bytes = 0,
      max_bytes = lane.max_bytes or math.huge }
  end
  self.sender = {
    reply = function(id, response, more) return self:send_response(id, response, more) end,
    send = function(id, bytes, more)
      return self.server:send { id = id, body = bytes, more = more }
    end,
  }
  self.context.loop = self
  return self
end

--- Sends an answer, with what every answer carries.
---@param id integer
---@param response lab.WebResponse
---@param more boolean?
function Loop:send_response(id, response, more)
  for name, value in pairs(security.headers) do
    response.headers[name] = value
  end
  self.answered = self.answered + 1
  return self.server:reply { id = id, status = response.status, body = response.body,
    headers = http.header_text(response.headers), more = more or nil }
end

--- Answers a request, or begins to.
---@param request lab.WebRequest
function Loop:dispatch(request)
  local response = self.guard:check(request)
    or router.answer(self.routes, request, self.context, self.log)
  if response then
    self:send_response(request.id, response)
  end
end

-- ---- work ----

--- Takes in work: it waits in its lane for its turn. What keeps it out is the answer.
---@param lane_name string
---@param work lab.WebWork
---@return lab.WebResponse? refusal
function Loop:submit(lane_name, work)
  local lane = self.lanes[lane_name]
  work.reply = work.reply or reply.new(self.sender, work.request)
  work.client = work.request.client_key or work.request.client or ""
  work.lane, work.arrived, work.bytes = lane, sys.clock(), work.bytes or 0
  if lane.bytes > 0 and lane.bytes + work.bytes > lane.max_bytes then
    return http.problem(503, ("pictures of %d MB are waiting already: try again in a while"):format(
      lane.bytes >> 20), { ["Retry-After"] = "2" })
  end
  local position, message, code = lane.queue:add(work.client, work)
  if not position then
    return http.problem(code == "EACH" and 429 or 503, message, { ["Retry-After"] = "2" })
  end
  lane.bytes = lane.bytes + work.bytes
  work.position = position + #lane.works
  if work.position >= lane.limit then
    work.reply:event("queued", { position = work.position })
  end
end

--- The first work, under way or waiting, that is wanted.
local function find_work(self, is_wanted)
  for _, lane in pairs(self.lanes) do
    for _, list in ipairs { lane.works, lane.queue:items() } do
      for _, work in ipairs(list) do
        if is_wanted(work) then
          return work
        end
      end
    end
  end
end

--- The work that a client calls by a key, waiting or under way.
---@param key string
---@return lab.WebWork?
function Loop:find(key)
  return find_work(self, function(work) return work.key == key end)
end

local function take_out(list, item)
  for i, other in ipairs(list) do
    if other == item then
      table.remove(list, i)
      return
    end
  end
end

--- Work that is no longer under way.
local function leave(work)
  take_out(work.lane.works, work)
  work.lane.bytes = work.lane.bytes - work.bytes
end

--- Ends work wherever it is: what waits at once, what is under way where it gave way.
---@param work lab.WebWork
---@param message string
---@param status? integer  of the answer: 409
---@return string state  "queued" or "running"
function Loop:cancel(work, message, status)
  local state = "queued"
  if work.task then
    state = "running"
    flight.close(work.task)
    leave(work)
  elseif work.lane.queue:remove(work) then
    work.lane.bytes = work.lane.bytes - work.bytes
  end
  self.cancelled = self.cancelled + 1
  work.reply:finish(http.problem(status or 409, message, nil, "cancelled"))
  return state
end

--- Lets others go on, for so many seconds at least. Only within work.
---@param seconds? number
function Loop:pause(seconds)
  local work = self.current
  local left = sys.clock()
  work.wake = left + (seconds or 0)
  coroutine.yield()
  work.wake = nil
  work.task.away = work.task.away + (sys.clock() - left)
end

local function explain(mistake)
  return type(mistake) == "string" and not core.stopped() and debug.traceback(mistake, 2) or mistake
end

--- What the coroutine of some work does.
local function perform(self, work)
  local ok, response = xpcall(work.run, explain, work)
  if not ok then
    if core.stopped() or tostring(response):find("interrupted!", 1, true) then
      error(response, 0)
    end
    self.log(tostring(response))
    response = http.problem(500, "a mistake in the server: its log tells more")
  end
  work.reply:finish(response)
end

local function begin(self, work)
  local lane = work.lane
  work.task = flight.task(function() perform(self, work) end, core.job_threads() > 0)
  work.begun = sys.clock()
  lane.works[#lane.works + 1] = work
end

--- Begins what has its turn, and tells those who wait where they are now.
local function fill(self)
  for _, lane in pairs(self.lanes) do
    local moved = false
    while #lane.works < lane.limit and lane.queue.length > 0 do
      begin(self, lane.queue:take())
      moved = true
    end
    for _, work in ipairs(moved and lane.queue:items() or {}) do
      local position = lane.queue:position(work) + #lane.works
      if position ~= work.position then
        work.position = position
        work.reply:event("queued", { position = position })
      end
    end
  end
end

local function can_go_on(work, now)
  return (not work.wake or now >= work.wake) and flight.is_ready(work.task)
end

--- Lets the first work of a lane that can go on take its next step.
local function step(self, lane)
  local now = sys.clock()
  for _, work in ipairs(lane.works) do
    if can_go_on(work, now) then
      self.current = work
      flight.resume(work.task)
      self.current = nil
      if work.task.interrupted then
        error("interrupted!", 0)
      elseif work.task.done then
        leave(work)
      end
      return true
    end
  end
  return false
end

-- ---- turns ----

--- Cancels the work of clients who have left.
local function look_for_gone(self)
  for _, left in ipairs(self.server:leaving()) do
    local work = find_work(self, function(other) return other.request.id == left.id end)
    if work then
      self:cancel(work, "the client has left")
    end
  end
end

--- How long there will be nothing to do but to wait for requests.
local function free_time(self)
  local now, least = sys.clock(), IDLE
  for _, lane in pairs(self.lanes) do
    for _, work in ipairs(lane.works) do
      least = math.min(least, work.task.job and BUSY or math.max(0, (work.wake or 0) - now))
    end
  end
  return least
end

--- Takes one request; false when there was none.
local function receive(self, wait)
  local request, message, code = self.server:next { wait = wait }
  if request then
    self:dispatch(request)
  elseif code == "INTERRUPTED" or core.stopped() then
    error("interrupted!", 0)
  elseif message then
    error(message, 0)
  end
  return request ~= nil
end

--- One turn: the requests that are there, then a step of each lane; when there is nothing to do it
--- sleeps until there is.
function Loop:turn()
  for _ = 1, MAX_AT_ONCE do
    if not receive(self, 0) then
      break
    end
  end
  look_for_gone(self)
  fill(self)
  local moved = false
  for _, lane in pairs(self.lanes) do
    moved = step(self, lane) or moved
  end
  if not moved then
    receive(self, free_time(self))
  end
end

--- How many are under way and how many wait, by lane.
---@return table<string, { running: integer, waiting: integer }>
function Loop:counts()
  local counts = {}
  for name, lane in pairs(self.lanes) do
    counts[name] = { running = #lane.works, waiting = lane.queue.length }
  end
  return counts
end

--- Ends all work. After an interruption core.clear_stop comes first.
---@param message string
function Loop:close(message)
  for _, lane in pairs(self.lanes) do
    for _, work in ipairs(lane.queue:items()) do
      self:cancel(work, message, 503)
    end
    for _, work in ipairs(table.move(lane.works, 1, #lane.works, 1, {})) do
      self:cancel(work, message, 503)
    end
  end
end

return loop
