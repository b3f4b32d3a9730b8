-- Stage 2: the network, and from its output the class of every pixel. By default the scores are
-- enlarged straight to the picture's own size and the best one is taken there; a picture of the
-- network's size, or output = "model", gets the network's own map byte for byte.

local check = require "lab.options"
local flight = require "lab.flight"
local geometry = require "lab.geometry"
local manifest = require "lab.manifest"
local models = require "lab.model"
local sys = require "lab.sys"
local words = require "lab.words"

local known = { model = "string|table", output = "string", labels = "string|userdata" }

local Segment = { name = "segment", runs_ahead = true }
Segment.__index = Segment

function Segment:prepare(pipeline)
  if type(self.given) == "table" then
    pipeline.model = self.given
    return true
  end
  local message, code
  pipeline.model, message, code = models.load(self.given or manifest.default(),
    { labels = self.labels })
  self.owned = pipeline.model
  return pipeline.model, message, code
end

--- The share of a network with one channel that counts as class 1, in the units of its output.
local function output_threshold(model)
  if model.head.activation == "logistic" then
    return 1 / (1 + math.exp(-model.threshold))
  end
  return model.threshold
end

--- What the network gives for r's input: on a thread of its own among several pictures in flight,
--- else on all threads.
local function run(r, model, want)
  if flight.gives_way() then
    local since = sys.clock()
    return flight.await(model:start(r.input, { want = want }), since)
  end
  return model:run(r.input, { want = want })
end

--- The network's own map: its arg-max, or that of the scores it gives.
local function own_map(r, model)
  local values, message, code = run(r, model, "outputs")
  if not values then
    return nil, message, code
  end
  local head, output = model.head, values[1]
  if head.argmax then
    return output:labelmap {}
  elseif head.channels > 1 then
    return output:argmax {}
  end
  local grid = geometry.own_grid(r.plan, { out_w = head.out_w, out_h = head.out_h,
    logits_w = head.out_w, logits_h = head.out_h, resized = false })
  grid.threshold = output_threshold(model)
  return output:upsample_argmax(grid)
end

--- The map at the picture's size, from the scores.
local function photo_map(r, model)
  local values, message, code = run(r, model, "logits")
  if not values then
    return nil, message, code
  end
  r.logits, r.grid = values[1], geometry.grid(r.plan, model.head)
  local arguments = { threshold = model.threshold }
  for key, value in pairs(r.grid) do
    arguments[key] = value
  end
  return r.logits:upsample_argmax(arguments)
end

--- The tensor a network gives may be i64 [1, H, W]; a map made of it is [H, W] with labels.
local function as_map(value, model)
  if value:kind() ~= "labelmap" then
    return value:labelmap {}
  end
  return value:with_labels(model:labels())
end

function Segment:run(r, pipeline)
  local model = pipeline.model
  if not r.input then
    error("the segment stage needs a preprocess stage before it", 0)
  end
  local own = self.output == "model"
  if not own and r.canvas ~= r.image then
    r.canvas:close() -- the network has its own copy
    r.canvas = nil
  end
  local map, message, code
  if own or r.plan.fit == "exact" then
    map, message, code = own_map(r, model)
  else
    map, message, code = photo_map(r, model)
  end
  if map then
    map, message, code = as_map(map, model)
  end
  if not map then
    return nil, message, code
  end
  if own then
    r.image, r.grid = r.canvas, geometry.own_grid(r.plan, model.head)
  end
  r.canvas = nil
  r.map, r.model = map:with_labels(model:labels()), model
  r.width, r.height = r.map:width(), r.map:height()
  return true
end

function Segment:describe()
  local given = self.given or manifest.default()
  return "segment " .. (type(given) == "table" and given.name or given)
    .. (self.output == "model" and " output=model" or "")
end

--- Frees the model if this stage loaded it.
function Segment:close()
  if self.owned then
    self.owned:close()
    self.owned = nil
  end
end

--- Segments with a model: a name of the manifest, a path, or a loaded model.
---@param options? table  model; output = "photo" (default) or "model"; labels = a label file
---@return table stage
return function(options)
  options = check.check(options, known, "stages.segment")
  local output = options.output or "photo"
  if output ~= "photo" and output ~= "model" then
    error("stages.segment: " .. words.unknown("output", output, { "model", "photo" }), 2)
  end
  return setmetatable({ given = options.model, output = output, labels = options.labels }, Segment)
end
