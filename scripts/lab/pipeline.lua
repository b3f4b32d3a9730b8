-- Pipelines: a list of stages that each picture goes through. A stage is a table with any of these
-- functions, or simply a function, which is its `run`:
--   prepare(stage, pipeline)   once, before the first picture: load models
--   start(stage, pipeline)     when a run begins
--   begin(stage, r, pipeline)  for each picture, before any stage runs
--   run(stage, r, pipeline)    for each picture, in order; fills r
--   fail(stage, r, message, code, pipeline)  when a picture failed
--   finish(stage, pipeline, state)           when the run ends: "done", "failed" or "interrupted"
-- Each returns true (or nothing), or nil, message, code. A picture that fails does not end the run.
--
-- Over several pictures, a few are in flight at the same time (lab.flight): threads read and decode
-- the next ones, run the network for each on its own, and encode and write files. For each picture
-- its stages still run in order, and files that pipeline.save was asked for are there when the next
-- stage runs, unless that stage says runs_ahead = true: the library's own that do not care do.

local core = require "lab.core"
local description = require "lab.description"
local files = require "lab.files"
local flight = require "lab.flight"
local picture = require "lab.picture"
local result = require "lab.result"
local saving = require "lab.saving"

local pipeline = {}

---@class lab.Pipeline
---@field stages table[]
---@field model lab.Model?  set by the segment stage
---@field ahead integer     pictures in flight at most
local Pipeline = {}
Pipeline.__index = Pipeline
Pipeline.__name = "lab.Pipeline"

--- How many pictures are in flight when nothing else is said: one for each thread and two that wait
--- their turn, so that no thread does. Each takes memory for its pixels.
pipeline.default_ahead = core.job_threads() + 2

--- Makes a pipeline of stages. With ahead = N in the table besides, at most N pictures are in
--- flight; 1 is one after the other.
---@param stages (table|function)[]
---@return lab.Pipeline
function pipeline.new(stages)
  if type(stages) ~= "table" or #stages == 0 then
    error("lab.pipeline: a list of stages is expected", 2)
  end
  local ahead = stages.ahead or pipeline.default_ahead
  if math.type(ahead) ~= "integer" or ahead < 1 then
    error(("lab.pipeline: ahead must be a whole number of pictures, 1 or more; got %s"):format(
      tostring(ahead)), 2)
  end
  local list = {}
  for i, stage in ipairs(stages) do
    if type(stage) == "function" then
      local run = stage
      stage = { name = "stage " .. i, fn = run, run = function(_, r, self) return run(r, self) end }
    elseif type(stage) ~= "table" then
      error(("lab.pipeline: stage %d is a %s; a stage or a function is expected"):format(i,
        type(stage)), 2)
    end
    list[i] = stage
  end
  return setmetatable({ stages = list, prepared = false, ahead = ahead }, Pipeline)
end

--- Calls one hook of a stage; what it raises is a mistake in the stage and goes on to the caller.
local function call(stage, hook, ...)
  if not stage[hook] then
    return true
  end
  local ok, message, code = stage[hook](stage, ...)
  if ok == nil and message ~= nil then
    return nil, message, code
  end
  return true
end

local function each_stage(self, hook, ...)
  for _, stage in ipairs(self.stages) do
    local ok, message, code = call(stage, hook, ...)
    if not ok then
      return nil, message, code
    end
  end
  return true
end

--- Loads what the stages need. Called by run and each when it has not been.
---@return true? ok
---@return string? message
---@return string? code
function Pipeline:prepare()
  if not self.prepared then
    local ok, message, code = each_stage(self, "prepare", self)
    if not ok then
      return nil, message, code
    end
    self.prepared = true
  end
  return true
end

--- What the pipeline does, as JSON: see lab.description.
---@return string json
---@return string sha256
function Pipeline:describe()
  return description.of(self.stages)
end

--- A job that reads the picture of an item.
local function reading(self, item)
  return picture.reading(item.path, { sha256 = self.wants_sha256 })
end

--- Reads the picture of an item into r: a path, or an image as a value.
local function open(r, item, self)
  if item.image then
    r.image, r.given = item.image, item.image
    return true
  end
  local job = item.job or reading(self, item)
  item.job = nil
  -- A thread takes no signals, and standard input may keep it waiting.
  local await = item.path == "-" and job.wait or flight.await
  local source, message, code = picture.source(item.path, await(job))
  if not source then
    return nil, message, code
  end
  r.image, r.source = source.image, source
  return true
end

local function spend(r, name, milliseconds)
  if not r.timings[name] then
    r.timings[#r.timings + 1] = name
    r.timings[name] = 0
  end
  r.timings[name] = r.timings[name] + milliseconds
end

local function timed(r, name, fn, ...)
  local start = flight.clock()
  local ok, message, code = fn(...)
  spend(r, name, 1000 * (flight.clock() - start))
  return ok, message, code
end

--- Waits until the files that stages have asked for are written.
local function settle(r)
  for _, file in ipairs(r.pending) do
    local ok, message, code = flight.await(file.job)
    if not ok then
      return nil, message, code
    end
    spend(r, file.stage, file.job:ms())
  end
  r.pending = {}
  return true
end

local function run_stages(self, r, item)
  local ok, message, code = each_stage(self, "begin", r, self)
  if ok then
    ok, message, code = timed(r, "decode", open, r, item, self)
  end
  for _, stage in ipairs(self.stages) do
    if ok and not stage.runs_ahead then
      ok, message, code = settle(r)
    end
    if not ok then
      return nil, message, code
    elseif core.stopped() then
      return nil, "interrupted", "INTERRUPTED"
    end
    r.stage = stage.name or "stage"
    ok, message, code = timed(r, r.stage, call, stage, "run", r, self)
  end
  if ok then
    ok, message, code = settle(r)
  end
  return ok, message, code
end

local function explain(problem)
  if type(problem) == "string" and not core.stopped() then
    return debug.traceback(problem, 2)
  end
  return problem
end

--- The result that an item is about to become.
local function started(item)
  local r = result.new(item.path or "picture")
  r.item, r.target, r.pending = item, item.target, {}
  return r
end

--- Runs the stages for a task's r and keeps what came of it. task.mistake is an error that a stage
--- raised, which is for the caller once the stages have heard of the failure.
local function attempt(self, task, item)
  local fine, ok, message, code = xpcall(run_stages, explain, self, task.r, item)
  if not fine then
    task.mistake, ok, message, code = ok, nil, tostring(ok), "INVALID"
  end
  task.ok, task.message, task.code = ok, message, code
end

--- Puts a picture in flight. The task's r is what comes of it.
local function launch(self, item, gives_way)
  local task
  task = flight.task(function() attempt(self, task, item) end, gives_way)
  task.r = started(item)
  return task
end

--- What is left to do when a picture's task is done, or was ended before: the stages hear of a
--- failure. Files that have not been begun are not written then.
local function land(self, task)
  local r = task.r
  if task.interrupted then
    task.mistake, task.ok, task.message, task.code = nil, nil, "interrupted", "INTERRUPTED"
  end
  if not task.ok then
    r.error, r.code = task.message, task.code
    for _, file in ipairs(r.pending) do
      file.job:close()
    end
    each_stage(self, "fail", r, task.message, task.code, self)
  end
  if r.item.job then
    r.item.job:close()
    r.item.job = nil
  end
  r.source, r.item, r.pending, r.stage = nil, nil, nil, nil
end

--- Ends what is in flight.
local function ground(self, tasks)
  for _, task in ipairs(tasks) do
    if task.job then
      task.job:close() -- while the stop still holds: a network ends at its next node
    end
  end
  core.clear_stop() -- what is said to the stages must not be interrupted again
  for _, task in ipairs(tasks) do
    if not task.landed then
      flight.close(task)
      task.interrupted, task.landed = true, true
      land(self, task)
    end
  end
end

--- Lets a task go on; after an interruption nothing is in flight any more.
local function go_on(self, task, tasks)
  flight.resume(task)
  if task.interrupted then
    ground(self, tasks)
  elseif task.done then
    task.landed = true
    land(self, task)
  end
end

local function as_item(x)
  if type(x) == "string" then
    return { path = x }
  elseif type(x) == "table" and (x.path or x.image) then
    return x
  elseif type(x) == "userdata" and pcall(function() return x:kind() == "image" end) then
    return { image = x }
  end
  error("a picture is expected: a path or an image, got " .. type(x), 3)
end

--- Takes one picture through the stages: a path, or an image.
---@param x string|lab.Image|table
---@return lab.Result? r
---@return string? message
---@return string? code
function Pipeline:run(x)
  local item = as_item(x)
  local ok, message, code = self:prepare()
  if ok then
    ok, message, code = each_stage(self, "start", self)
  end
  if not ok then
    return nil, message, code
  end
  local task = launch(self, item, false)
  go_on(self, task, { task })
  if task.mistake then
    error(task.mistake, 0)
  end
  local r <const> = task.r
  if r.error then
    self:finish(r.code == "INTERRUPTED" and "interrupted" or "failed")
    return nil, r.error, r.code
  end
  self:finish "done"
  return r
end

--- Takes one picture through the stages within the caller's own task (lab.flight), for whoever has
--- several in flight in an order of his own, as the server does. Prepare and begin_run come before.
--- A task that is closed meanwhile leaves a picture that was interrupted.
---@param item lab.Item  path, and image or job (a picture that is being read)
---@return lab.Result? r
---@return string? message
---@return string? code
function Pipeline:take(item)
  local task = { r = started(item) }
  local _ <close> = setmetatable({}, { __close = function()
    if not task.landed then
      task.interrupted = true
      core.clear_stop() -- what is said to the stages must not be interrupted again
      land(self, task)
    end
  end })
  attempt(self, task, item)
  if core.stopped() then
    error(task.mistake or "interrupted!", 0)
  end
  task.landed = true
  land(self, task)
  if task.mistake then
    error(task.mistake, 0)
  end
  return task.ok and task.r or nil, task.message, task.code
end

--- Begins a run of pictures that are taken; finish ends it.
---@return true? ok
---@return string? message
---@return string? code
function Pipeline:begin_run()
  return each_stage(self, "start", self)
end

--- Ends a run that each began.
---@param state string
function Pipeline:finish(state)
  return each_stage(self, "finish", self, state)
end

--- How a run over items ended, when its loop did.
local function outcome(walk)
  if walk.stopped or walk.given < #walk.items then
    return "interrupted"
  elseif walk.given > 0 and walk.failed == walk.given then
    return "failed"
  end
  return "done"
end

---@class lab.Walk  one run over items
---@field items lab.Item[]
---@field begun integer    items that have been put in flight
---@field given integer    results that the loop has got
---@field failed integer
---@field tasks table[]    in flight, in the order of the items
---@field ahead integer

--- A task that can go on without waiting: of those in flight the first, else the next picture.
local function find_ready(self, walk)
  for _, task in ipairs(walk.tasks) do
    if not task.done and flight.is_ready(task) then
      return task
    end
  end
  local item = walk.items[walk.begun + 1]
  if not item or #walk.tasks >= walk.ahead then
    return nil
  end
  walk.begun = walk.begun + 1
  local task
  if item.error then
    task = { r = result.new(item.path), done = true, landed = true }
    task.r.error, task.r.code = item.error, item.code
  else
    task = launch(self, item, walk.ahead > 1)
  end
  walk.tasks[#walk.tasks + 1] = task
  return task
end

--- The next result in order.
local function next_result(self, walk)
  while true do
    local first = walk.tasks[1]
    if first and first.done then
      table.remove(walk.tasks, 1)
      if first.mistake then
        error(first.mistake, 0)
      end
      return first.r
    end
    local task = find_ready(self, walk)
    if not task then
      flight.wait(walk.tasks)
      task = find_ready(self, walk) or first
    end
    if not task.done then
      go_on(self, task, walk.tasks)
    end
  end
end

--- Ends a run over items, however it is left.
local function end_walk(self, walk)
  if walk.ended then
    return
  end
  walk.ended = true
  -- An interruption in the loop's own body: the run's row is still to be written.
  walk.stopped = walk.stopped or core.stopped()
  ground(self, walk.tasks)
  self:finish(outcome(walk))
end

--- Takes a list of items (lab.files) through the stages: see each.
---@param items lab.Item[]
---@return fun(): lab.Result?, string?, string?
function Pipeline:over(items)
  local ok, message = self:prepare()
  if ok then
    ok, message = each_stage(self, "start", self)
  end
  if not ok then
    error(message, 2)
  end
  local alone = #items < 2 or core.job_threads() == 0
  local walk = { items = items, begun = 0, given = 0, failed = 0, tasks = {},
    ahead = alone and 1 or self.ahead }
  local function step()
    if walk.ended or walk.given >= #items or walk.stopped then
      end_walk(self, walk)
      return nil
    end
    local r = next_result(self, walk)
    walk.given = walk.given + 1
    walk.failed = walk.failed + (r.error and 1 or 0)
    walk.stopped = r.code == "INTERRUPTED"
    return r, r.error, r.code
  end
  local closing = { __close = function() end_walk(self, walk) end }
  return step, nil, nil, setmetatable({}, closing)
end

--- Takes many pictures through the stages: files, folders (with what is below them), patterns,
--- images. For each picture the loop gets its result; of one that failed, only r.path and r.error,
--- and the reason as second value. An interruption ends the loop.
---   for r, err in p:each("photos/", "one.jpg") do … end
---@param ... string|table
---@return fun(): lab.Result?, string?, string?
function Pipeline:each(...)
  local items = {}
  for _, x in ipairs { ... } do
    local list = type(x) == "string" and files.expand { x } or { as_item(x) }
    table.move(list, 1, #list, #items + 1, items)
  end
  return self:over(items)
end

--- Frees the model. The pipeline loads it again when it is used again.
function Pipeline:close()
  each_stage(self, "close", self)
  self.prepared, self.model = false, nil
end

Pipeline.__close = Pipeline.close

pipeline.path_for, pipeline.save = saving.path_for, saving.save

return pipeline
