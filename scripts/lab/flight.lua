-- Pictures in flight: while one waits for a thread that decodes or encodes for it (lab.core: jobs),
-- another one goes on. Each picture's work is a coroutine which gives way when it has to wait;
-- everything of Lua stays on one thread, and pictures arrive in the order in which they were given.

local core = require "lab.core"
local sys = require "lab.sys"

local flight = {}

---@class lab.Task
---@field thread thread
---@field job lab.Job?     what it waits for
---@field done boolean
---@field interrupted boolean?
---@field away number      seconds spent waiting, others' work included
---@field worked number    milliseconds that the jobs it waited for took

---@type lab.Task?
local current

--- What a job gives. Within a task other pictures go on until the job is done.
---@param job lab.Job
---@return any ...
function flight.await(job)
  local task = current
  if not task or coroutine.running() ~= task.thread then
    return job:wait()
  end
  local left = sys.clock()
  if task.gives_way and not job:done() then
    task.job = job
    coroutine.yield()
    task.job = nil
  end
  local results = table.pack(job:wait())
  task.away = task.away + (sys.clock() - left)
  task.worked = task.worked + job:ms()
  return table.unpack(results, 1, results.n)
end

--- A clock for the work of the current task: seconds without the time that others took, jobs of its
--- own with the time they took.
---@return number seconds
function flight.clock()
  local task = current
  if not task then
    return sys.clock()
  end
  return sys.clock() - task.away + task.worked / 1000
end

--- A task that will call fn. `gives_way`: whether others may go on while it waits.
---@param fn function
---@param gives_way boolean
---@return lab.Task
function flight.task(fn, gives_way)
  return { thread = coroutine.create(fn), gives_way = gives_way, done = false, away = 0,
    worked = 0 }
end

--- Whether a task could go on without waiting.
---@param task lab.Task
---@return boolean
function flight.is_ready(task)
  return not task.job or task.job:done()
end

--- Lets a task go on until it is done or gives way. An interruption meanwhile ends it.
---@param task lab.Task
function flight.resume(task)
  local before = current
  current = task
  core.running_in(task.thread) -- where Ctrl-C is to arrive
  local alive, problem = coroutine.resume(task.thread)
  core.running_in(before and before.thread)
  current = before
  if core.stopped() then
    task.done, task.interrupted = true, true
    flight.close(task)
  elseif not alive then
    task.done = true
    error(problem, 0)
  else
    task.done = coroutine.status(task.thread) == "dead"
  end
end

--- Ends a task wherever it is.
---@param task lab.Task
function flight.close(task)
  if coroutine.status(task.thread) == "suspended" then
    coroutine.close(task.thread)
  end
  task.done = true
end

return flight
