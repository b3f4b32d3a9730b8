-- Several products of one segmentation, by name, in r.outputs: each is made by a function, or by a
-- branch, a list of stages of its own. A branch sees all that is in the result and keeps to itself
-- what it adds, so that branches cannot get into each other's way:
--   s.outputs {
--     overlay = function(r) return r:overlay {} end,
--     people = { s.mask { label = "person", cutout = true }, s.save { … } },
--   }
-- r.outputs.overlay is a picture then, r.outputs.people a result of its own.

local Outputs = { name = "outputs" }
Outputs.__index = Outputs

--- Calls a hook of every stage of every branch.
local function forward(self, hook, ...)
  for _, name in ipairs(self.order) do
    local branch = self.branches[name]
    for _, stage in ipairs(branch or {}) do
      if stage[hook] then
        local ok, message, code = stage[hook](stage, ...)
        if ok == nil and message ~= nil then
          return nil, ("output '%s': %s"):format(name, message), code
        end
      end
    end
  end
  return true
end

for _, hook in ipairs { "prepare", "start", "finish", "close" } do
  Outputs[hook] = function(self, ...) return forward(self, hook, ...) end
end

--- What a branch works on: what it does not have itself it has from the result.
local function view(r)
  return setmetatable({}, { __index = function(_, key) return r[key] end,
    __tostring = function() return tostring(r) end, __name = "lab.Result" })
end

--- Runs one hook of a branch on its own view.
local function on_branch(self, hook, r, name, ...)
  local child = r.outputs[name]
  for _, stage in ipairs(self.branches[name]) do
    if stage[hook] then
      local ok, message, code = stage[hook](stage, child, ...)
      if ok == nil and message ~= nil then
        return nil, ("output '%s': %s"):format(name, message), code
      end
    end
  end
  return true
end

function Outputs:begin(r, pipeline)
  r.outputs = {}
  for _, name in ipairs(self.order) do
    if self.branches[name] then
      r.outputs[name] = view(r)
      local ok, message, code = on_branch(self, "begin", r, name, pipeline)
      if not ok then
        return nil, message, code
      end
    end
  end
  return true
end

function Outputs:run(r, pipeline)
  for _, name in ipairs(self.order) do
    local ok, message, code
    if self.branches[name] then
      ok, message, code = on_branch(self, "run", r, name, pipeline)
    else
      ok, message, code = self.functions[name](r, pipeline)
      r.outputs[name] = ok
      message = ok == nil and message and ("output '%s': %s"):format(name, message) or nil
    end
    if not ok and message then
      return nil, message, code
    end
  end
  return true
end

function Outputs:fail(r, message, code, pipeline)
  for _, name in ipairs(self.order) do
    if self.branches[name] and r.outputs and r.outputs[name] then
      on_branch(self, "fail", r, name, message, code, pipeline)
    end
  end
end

--- A list of stages; a function is a stage's run.
local function branch_of(list, name)
  local branch = {}
  for i, stage in ipairs(list) do
    if type(stage) == "function" then
      local fn = stage
      stage = { fn = fn, run = function(_, r, pipeline) return fn(r, pipeline) end }
    elseif type(stage) ~= "table" then
      error(("stages.outputs: stage %d of '%s' is a %s; a stage or a function is expected"):format(
        i, name, type(stage)), 3)
    end
    branch[i] = stage
  end
  return branch
end

--- Named outputs.
---@param outputs table<string, function|table>  functions of r and the pipeline, or lists of stages
---@return table stage
return function(outputs)
  if type(outputs) ~= "table" or next(outputs) == nil then
    error("stages.outputs: a table of outputs by name is expected", 2)
  end
  local self = setmetatable({ order = {}, functions = {}, branches = {} }, Outputs)
  for name, output in pairs(outputs) do
    if type(name) ~= "string" then
      error(("stages.outputs: outputs have names, got %s"):format(tostring(name)), 2)
    elseif type(output) == "function" then
      self.functions[name] = output
    elseif type(output) == "table" and (output[1] ~= nil or output.run) then
      self.branches[name] = branch_of(output.run and { output } or output, name)
    else
      error(("stages.outputs: '%s' must be a function or a list of stages, got %s"):format(name,
        type(output)), 2)
    end
    self.order[#self.order + 1] = name
  end
  table.sort(self.order)
  return self
end
