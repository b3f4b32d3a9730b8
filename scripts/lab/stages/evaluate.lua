-- Counts each label map against its ground truth. A truth is a label map in a file: an indexed or
-- grey PNG whose pixels are class ids, or raw bytes, one a pixel, of a map of the network's size.

local check = require "lab.options"
local core = require "lab.core"
local evaluations = require "lab.evaluation"

local Evaluate = { name = "evaluate" }
Evaluate.__index = Evaluate

--- Decodes a truth; raw bytes have the size of the map they are about.
local function decode(path, bytes, map)
  if path:find "%.raw$" then
    local pixels = map:width() * map:height()
    if #bytes ~= pixels then
      return nil, ("it has %d bytes, but the label map has %dx%d pixels"):format(#bytes,
        map:width(), map:height()), "INVALID"
    end
    return core.labelmap(map:width(), map:height(), bytes)
  end
  local truth, message, code = core.decode_map(bytes)
  if not truth then
    return nil, message, code
  end
  return truth
end

--- Counts one result; the sentence of what is wrong starts with the truth's path.
local function count(self, r, path)
  local bytes, message, code = core.read_file(path)
  if not bytes then
    return nil, message, code
  end
  local truth, ok
  truth, message, code = decode(path, bytes, r.map)
  if truth then
    ok, message, code = self.evaluation:add(r.map, truth, core.sha256(bytes))
  end
  if not ok then
    return nil, message:find(path, 1, true) and message or path .. ": " .. message, code
  end
  return true
end

function Evaluate:prepare(pipeline)
  if not pipeline.model then
    error("the evaluate stage needs a segment stage before it", 0)
  end
  self.evaluation = self.evaluation or evaluations.new {
    classes = pipeline.model.classes, ignore = self.ignore, rule = self.rule, ratio = self.ratio,
    width = self.width,
  }
  return true
end

function Evaluate:run(r)
  local path, message = r.item.truth, nil
  if not path then
    path, message = evaluations.find_truth(self.truth, r.item)
  end
  if not path then
    return nil, message, "NOT_FOUND"
  end
  return count(self, r, path)
end

local known = { truth = "string", ignore = "integer", rule = "string", ratio = "number",
  width = "integer" }

--- Evaluates against the label maps in a folder; stage.evaluation has the counts.
---@param options table  truth: the folder; of evaluation.new: ignore, rule, ratio, width
---@return table stage
return function(options)
  options = check.check(options, known, "stages.evaluate")
  if not options.truth then
    error("stages.evaluate: truth, a folder of label maps, is expected", 2)
  end
  return setmetatable({ truth = options.truth, ignore = options.ignore, rule = options.rule,
    ratio = options.ratio, width = options.width }, Evaluate)
end
