-- Pipelines: a list of stages that each picture goes through. A stage is a table with any of these
-- functions, or simply a function, which is its `run`:
--   prepare(stage, pipeline)   once, before the first picture: load models
--   start(stage, pipeline)     when a run begins
--   begin(stage, r, pipeline)  for each picture, before any stage runs
--   run(stage, r, pipeline)    for each picture, in order; fills r
--   fail(stage, r, message, code, pipeline)  when a picture failed
--   finish(stage, pipeline, state)           when the run ends: "done", "failed" or "interrupted"
-- Each returns true (or nothing), or nil, message, code. A picture that fails does not end the run.

local core = require "lab.core"
local files = require "lab.files"
local paths = require "lab.paths"
local picture = require "lab.picture"
local result = require "lab.result"
local sys = require "lab.sys"

local pipeline = {}

---@class lab.Pipeline
---@field stages table[]
---@field model lab.Model?  set by the segment stage
local Pipeline = {}
Pipeline.__index = Pipeline
Pipeline.__name = "lab.Pipeline"

--- Makes a pipeline of stages.
---@param stages (table|function)[]
---@return lab.Pipeline
function pipeline.new(stages)
  if type(stages) ~= "table" or #stages == 0 then
    error("lab.pipeline: a list of stages is expected", 2)
  end
  local list = {}
  for i, stage in ipairs(stages) do
    if type(stage) == "function" then
      local run = stage
      stage = { name = "stage " .. i, run = function(_, r, self) return run(r, self) end }
    elseif type(stage) ~= "table" then
      error(("lab.pipeline: stage %d is a %s; a stage or a function is expected"):format(i,
        type(stage)), 2)
    end
    list[i] = stage
  end
  return setmetatable({ stages = list, prepared = false }, Pipeline)
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

--- What the pipeline does, as text: "preprocess, segment pascal, colorize".
---@return string
function Pipeline:describe()
  local names = {}
  for i, stage in ipairs(self.stages) do
    names[i] = stage.describe and stage:describe() or stage.name or "stage " .. i
  end
  return table.concat(names, ", ")
end

--- Reads the picture of an item into r: a path, or an image as a value.
local function open(r, item)
  if item.image then
    r.image = item.image
    return true
  end
  local source, message, code = picture.read(item.path)
  if not source then
    return nil, message, code
  end
  r.image, r.source = source.image, source
  return true
end

local function timed(r, name, fn, ...)
  local start = sys.clock()
  local ok, message, code = fn(...)
  if not r.timings[name] then
    r.timings[#r.timings + 1] = name
    r.timings[name] = 0
  end
  r.timings[name] = r.timings[name] + 1000 * (sys.clock() - start)
  return ok, message, code
end

local function run_stages(self, r, item)
  local ok, message, code = each_stage(self, "begin", r, self)
  if ok then
    ok, message, code = timed(r, "decode", open, r, item)
  end
  for _, stage in ipairs(self.stages) do
    if not ok then
      break
    elseif core.stopped() then
      return nil, "interrupted", "INTERRUPTED"
    end
    ok, message, code = timed(r, stage.name or "stage", call, stage, "run", r, self)
  end
  return ok, message, code
end

local function explain(problem)
  if type(problem) == "string" and not core.stopped() then
    return debug.traceback(problem, 2)
  end
  return problem
end

--- Takes one picture through the stages. Ctrl-C arrives as an error from wherever Lua is; it is
--- answered here (core.clear_stop), so that the rows of the catalog can still be written. Any other
--- error is a mistake in a stage: the stages hear of the failure, then it goes on to the caller.
local function process(self, item)
  local r = result.new(item.path or "picture")
  r.item, r.target = item, item.target
  local fine, ok, message, code = xpcall(run_stages, explain, self, r, item)
  local mistake
  if core.stopped() then
    core.clear_stop()
    ok, message, code = nil, "interrupted", "INTERRUPTED"
  elseif not fine then
    mistake, ok, message, code = ok, nil, tostring(ok), "INVALID"
  end
  if not ok then
    r.error, r.code = message, code
    each_stage(self, "fail", r, message, code, self)
  end
  r.source, r.item = nil, nil
  if mistake then
    error(mistake, 0)
  end
  return r
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
  local r <const> = process(self, item)
  if r.error then
    self:finish(r.code == "INTERRUPTED" and "interrupted" or "failed")
    return nil, r.error, r.code
  end
  self:finish "done"
  return r
end

--- Ends a run that each began.
---@param state string
function Pipeline:finish(state)
  return each_stage(self, "finish", self, state)
end

--- How a run over items ended, when its loop did.
local function outcome(walk, total)
  if walk.stopped or walk.i < total then
    return "interrupted"
  elseif total > 0 and walk.failed == total then
    return "failed"
  end
  return "done"
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
  local walk = { i = 0, failed = 0, stopped = false, ended = false }
  local function close()
    if not walk.ended then
      walk.ended = true
      -- An interruption in the loop's own body: the run's row is still to be written.
      walk.stopped = walk.stopped or core.stopped()
      core.clear_stop()
      self:finish(outcome(walk, #items))
    end
  end
  local function step()
    if walk.i >= #items or walk.stopped then
      close()
      return nil
    end
    walk.i = walk.i + 1
    local item = items[walk.i]
    local r
    if item.error then
      r = result.new(item.path)
      r.error, r.code = item.error, item.code
    else
      r = process(self, item)
    end
    walk.failed = walk.failed + (r.error and 1 or 0)
    walk.stopped = r.code == "INTERRUPTED"
    return r, r.error, r.code
  end
  return step, nil, nil, setmetatable({}, { __close = close })
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

--- The path a stage saves to: a template with {dir}, {stem}, {ext}, filled from where the result is
--- to go (its target, else the picture's own place).
---@param r lab.Result
---@param template string
---@return string
function pipeline.path_for(r, template)
  return paths.fill(template, r.target or r.path)
end

--- Writes a value for a stage and notes it in r.files.
---@param r lab.Result
---@param what string      "overlay", "labels", …
---@param value userdata|string
---@param template string
---@return true? ok
---@return string? message
---@return string? code
function pipeline.save(r, what, value, template)
  local path = pipeline.path_for(r, template)
  local write = type(value) == "string" and function() return picture.write(path, value) end
    or function() return picture.save(value, path) end
  local ok, message, code = write()
  if ok then
    r.files[#r.files + 1] = { what = what, path = path }
  end
  return ok, message, code
end

return pipeline
