-- lualab for scripts: require "lab". Open pictures, load models, segment, build pipelines, ask the
-- catalog. What touches pixels is an operator (lualab ops); what is decided is here, in Lua.
--
--   local lab = require "lab"
--   local r = assert(lab.segment("photo.jpg", { model = "pascal" }))
--   print(r)
--   r:overlay { alpha = 0.6 }:save "photo.overlay.png"

local catalog = require "lab.catalog"
local check = require "lab.options"
local core = require "lab.core"
local datasets = require "lab.datasets"
local files = require "lab.files"
local help = require "lab.help"
local manifest = require "lab.manifest"
local model = require "lab.model"
local picture = require "lab.picture"
local pipeline = require "lab.pipeline"
require "lab.values"
local words = require "lab.words"

local lab = {
  core = core,
  version = core.version,
  datasets = datasets,
  open = picture.open,
  read = require "lab.read",
  load = model.load,
  pipeline = pipeline.new,
  catalog = catalog.open,
  expand = files.expand,
}

--- The stages, each made with stages.NAME { options } and read from its file at the first use.
local stage_names = { "preprocess", "segment", "colorize", "mask", "legend", "outputs", "save",
  "record", "evaluate" }
lab.stages = setmetatable({}, {
  __index = function(_, name)
    error(words.unknown("stage", name, stage_names), 2)
  end,
})
for _, name in ipairs(stage_names) do
  lab.stages[name] = function(options)
    local stage = require("lab.stages." .. name)(options)
    stage.settings = options or {} -- for the pipeline's description
    return stage
  end
  help.behind[lab.stages[name]] = function()
    return require("lab.stages." .. name)
  end
end

--- The models of the manifest.
---@return lab.Entry[]? entries
---@return string? message
---@return string? code
function lab.models()
  return manifest.list()
end

local segment_options = { model = "string|table", fit = "string", output = "string",
  labels = "string|userdata", record = "boolean|string|table" }

-- The pipeline of the last lab.segment: a loop over pictures loads its model once.
local last = {}

local function pipeline_for(options)
  local same = last.pipeline and not options.record
  for key in pairs(segment_options) do
    same = same and last.options[key] == options[key]
  end
  if same then
    return last.pipeline
  end
  local stages = {
    lab.stages.preprocess { fit = options.fit },
    lab.stages.segment { model = options.model, output = options.output,
      labels = options.labels },
    lab.stages.legend {},
  }
  if options.record then
    stages[4] = lab.stages.record { db = options.record ~= true and options.record or nil,
      command = "lab.segment" }
  end
  local copy = {}
  for key, value in pairs(options) do
    copy[key] = value
  end
  last = { options = copy, pipeline = pipeline.new(stages) }
  return last.pipeline
end

--- Segments one picture: a path or an image.
---@param x string|lab.Image
---@param options? table  model (name, path or model), fit, output, labels, record (true, or the
---                       path of a catalog)
---@return lab.Result? result
---@return string? message
---@return string? code
function lab.segment(x, options)
  options = check.check(options, segment_options, "lab.segment")
  return pipeline_for(options):run(x)
end

return lab
