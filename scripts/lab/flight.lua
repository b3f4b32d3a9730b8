-- Pictures in flight: while one waits for a thread that decodes it, runs the network or encodes for
-- it (lab.core: jobs), another goes on. Each picture's work is a coroutine which gives way when it
-- has to wait; all of Lua stays on one thread, and who runs the tasks decides their order.

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

--- Whether the code that asks runs in a task that gives way: what it awaits is done by a thread
--- while others go on. If not, it does better to compute at once, with all threads.
---@return boolean
function flight.gives_way()
  return current ~= nil and current.gives_way and coroutine.running() == current.thread
end

--- What a job gives, which is started if it was not. Within a task that gives way other pictures go
--- on until the job is done.
---@param job lab.Job
---@param since? number  of sys.clock: when a job that runs already was about to be started. The
---                      time from then on is the job's, which must not be counted as the task's too
---@return any ...
function flight.await(job, since)
  local task = current
  if not task or coroutine.running() ~= task.thread then
    return job:wait()
  end
  local left = since or sys.clock()
  if task.gives_way and not job:start():done() then
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

--- Sleeps until one of the tasks, each of which waits for a job or is done, can go on.
---@param tasks lab.Task[]
function flight.wait(tasks)
  local jobs = {}
  for _, task in ipairs(tasks) do
    if not task.done and task.job then
      jobs[#jobs + 1] = task.job
    end
  end
  core.wait_any(jobs)
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

--- Ends a task wherever it is. What a thread has begun for it is waited for, the rest left undone.
---@param task lab.Task
function flight.close(task)
  if task.job then
    task.job:close()
    task.job = nil
  end
  if coroutine.status(task.thread) == "suspended" then
    coroutine.close(task.thread)
  end
  task.done = true
end

return flight
