-- A model as scripts see it: the prepared network of lab.core with what the manifest says about it
-- (labels, input, fit, scaling) and how its output becomes class ids.

local core = require "lab.core"
local datasets = require "lab.datasets"
local fetch = require "lab.fetch"
local log = require "lab.log"
local check = require "lab.options"
local manifest = require "lab.manifest"
local paths = require "lab.paths"

local model = {}

---@class lab.Model
---@field name string
---@field path string
---@field sha256 string
---@field entry lab.Entry?    what the manifest says; nil for a file it does not know
---@field width integer       of the network's input
---@field height integer
---@field dtype string        of the network's input: "u8", "i8", "f32"
---@field head table          how the network ends: see lab.core
---@field classes integer
---@field fit string
---@field mean integer
---@field scale number        what a float network gets for a byte: byte * scale + offset
---@field offset number
---@field threshold number?   one channel: the logit above which a pixel is class 1
local Model = {}
Model.__index = Model
Model.__name = "lab.Model"

--- What nobody says: the usual scaling for the network's type. -v tells it.
local function defaults_for(self)
  self.fit, self.mean = "pad", 128
  local what = "bytes as they are"
  if self.dtype == "f32" then
    self.scale, self.offset, what = 1 / 127.5, -1, "bytes scaled to -1..1"
  elseif self.dtype == "i8" then
    self.scale, self.offset, what = 1, -128, "bytes less 128"
  else
    self.scale, self.offset = 1, 0
  end
  if not self.entry then
    log.info("%s: not in the manifest; the network gets %s, photos are padded with %d", self.path,
      what, self.mean)
  end
end

--- Takes size and type of the input from the network; refuses what no picture can be put into.
local function read_input(self)
  local input = self.core:input(1)
  local shape = input.shape
  if #shape ~= 4 or shape[1] ~= 1 or shape[4] ~= 3 then
    return nil, ("%s: its input is [%s], a picture needs [1, height, width, 3]"):format(self.path,
      table.concat(shape, ", ")), "UNSUPPORTED"
  end
  self.height, self.width, self.dtype = shape[2], shape[3], input.dtype
  return true
end

--- How the network ends. Without a head that lab.core finds, its output is no map of classes.
local function read_head(self)
  self.head = self.core:head()
  if not self.head then
    local output = self.core:output(1)
    return nil, ("%s: its output is [%s]; segmentation needs [1, height, width] or "
      .. "[1, height, width, classes]"):format(self.path, table.concat(output.shape, ", ")),
      "UNSUPPORTED"
  end
  self.classes = math.max(2, self.head.channels)
  if self.head.channels == 1 and not self.threshold then
    self.threshold = 0
  end
  return true
end

--- The label set: the user's, else the dataset's, else numbers.
local function read_labels(self, options)
  local labels, message, code
  if type(options.labels) == "string" then
    labels, message, code = datasets.read(options.labels)
    if not labels then
      return nil, message, code
    end
  elseif options.labels then
    labels = options.labels
  elseif self.entry and self.entry.labels then
    labels = datasets.make(self.entry.name, self.entry.labels, self.entry.colors)
  elseif self.entry and self.entry.dataset then
    labels, message, code = datasets.labels(self.entry.dataset)
    if not labels then
      return nil, message, code
    end
    self.background = datasets.get(self.entry.dataset).background
  else
    log.info("%s: labels are not known: classes have numbers (give a file with --labels)",
      self.path)
    labels = datasets.numbered(self.classes)
  end
  if #labels < self.classes then
    return nil, ("%s has %d classes, but the labels '%s' are %d"):format(self.name, self.classes,
      labels:name(), #labels), "INVALID"
  end
  if not self.background and labels:label(0) == "background" then
    self.background = 0
  end
  self.label_set = labels
  return true
end

local entry_fields = { "fit", "mean", "scale", "offset", "threshold" }

local function configure(self, options)
  local ok, message, code = read_input(self)
  if not ok then
    return nil, message, code
  end
  defaults_for(self)
  for _, field in ipairs(entry_fields) do
    if self.entry and self.entry[field] ~= nil then
      self[field] = self.entry[field]
    end
    if options[field] ~= nil then
      self[field] = options[field]
    end
  end
  ok, message, code = read_head(self)
  if not ok then
    return nil, message, code
  end
  return read_labels(self, options)
end

--- A name of the manifest, or a path: a path has a slash or an ending, or is a file that is there.
local function locate(name)
  local entry, message, code = manifest.get(name)
  if entry then
    local path
    path, message, code = fetch.need(entry)
    return path, entry, message, code
  end
  if name:find "/" or name:find "%.%w+$" or paths.exists(name, "file") then
    return name
  end
  return nil, nil, message, code
end

--- Why a file gave no network: one of the manifest may be damaged, which says more than what the
--- loader stumbled over.
local function why_not(path, entry, message, code)
  local bytes = entry and core.read_file(path, 1 << 30)
  if bytes then
    local ok, mismatch, kind = fetch.check(entry, bytes, path)
    if not ok then
      return mismatch, kind
    end
  end
  return message, code
end

local load_options = { labels = "string|userdata", fit = "string", mean = "integer",
  scale = "number", offset = "number", threshold = "number" }

--- Loads a model by its name in the manifest or by the path of its file.
---@param name string
---@param options? table  labels (a label file's path or a label set), fit, mean, scale, offset,
---                       threshold: instead of the manifest's
---@return lab.Model? model
---@return string? message
---@return string? code
function model.load(name, options)
  if type(name) ~= "string" then
    error("lab.load: the name or path of a model is expected, got " .. type(name), 2)
  end
  options = check.check(options, load_options, "lab.load")
  local path, entry, message, code = locate(name)
  if not path then
    return nil, message, code
  end
  local network
  network, message, code = core.load_model(path, path)
  if not network then
    return nil, why_not(path, entry, message, code)
  end
  local self = setmetatable({ path = path, core = network, sha256 = network:sha256() }, Model)
  if entry and entry.sha256 ~= self.sha256 then
    network:close()
    return nil, fetch.mismatch(entry, self.sha256, path), "FORMAT"
  elseif not entry then
    entry = manifest.by_sha256(self.sha256)
    if entry then
      log.info("%s is the manifest's '%s'", path, entry.name)
    end
  end
  self.entry = entry
  self.name = entry and entry.name or select(2, paths.split(path))
  local ok
  ok, message, code = configure(self, options)
  if not ok then
    self.core:close()
    return nil, message, code
  end
  return self
end

local function open(self)
  if not self.core then
    error(("the model '%s' is closed"):format(self.name), 3)
  end
  return self.core
end

--- What is known about the model, as a table.
---@return table
function Model:info()
  local network = open(self)
  local entry = self.entry or {}
  return {
    name = self.name, summary = entry.summary, path = self.path, sha256 = self.sha256,
    licence = entry.licence, url = entry.url, dataset = self.label_set:name(),
    format = network:format(), input = network:input(1), output = network:output(1),
    head = self.head, stats = network:stats(), classes = self.classes,
    width = self.width, height = self.height, fit = self.fit, mean = self.mean,
    scale = self.scale, offset = self.offset, threshold = self.threshold,
  }
end

--- The label set: l:label(id), l:color(id), l:find(name), #l.
---@return lab.Labels
function Model:labels()
  return self.label_set
end

--- Runs the network on a tensor of its input's shape.
---@param tensor lab.Tensor
---@param options? table  want = "outputs" (default) or "logits"
---@return lab.Tensor[]? tensors
---@return string? message
---@return string? code
function Model:run(tensor, options)
  return open(self):run(tensor, options)
end

--- Runs the network beside the script: a job that gives what run gives. Several may run at the same
--- time, each with one thread as long as there are enough of them. lab.flight awaits such jobs.
---@param tensor lab.Tensor  may be closed at once
---@param options? table     of run
---@return lab.Job? job  started
---@return string? message
---@return string? code
function Model:start(tensor, options)
  return open(self):start(tensor, options)
end

--- Milliseconds of each node, over some runs.
---@param tensor lab.Tensor
---@param runs? integer
---@return table[]? rows  {index, op, kernel, ms}
---@return string? message
---@return string? code
function Model:profile(tensor, runs)
  return open(self):profile(tensor, runs)
end

--- The nodes of the network and the kernel that each got.
---@return table[]
function Model:nodes()
  return open(self):nodes()
end

--- The class ids of labels: names or ids, one or a list.
---@param labels string|integer|(string|integer)[]
---@return integer[]? ids
---@return string? message  names the nearest label
---@return string? code
function Model:ids(labels)
  return model.label_ids(self.label_set, labels)
end

--- As Model:ids, for any label set. A name that several classes share stands for all of them.
---@param set lab.Labels
---@param labels string|integer|(string|integer)[]
---@return integer[]? ids
---@return string? message
---@return string? code
function model.label_ids(set, labels)
  local ids, seen = {}, {}
  local function add(id)
    if not seen[id] then
      seen[id] = true
      ids[#ids + 1] = id
    end
  end
  for _, label in ipairs(type(labels) == "table" and labels or { labels }) do
    local id = math.tointeger(label)
    if id then
      if id < 0 or id >= #set then
        return nil, ("'%s' has classes 0 to %d, not %d"):format(set:name(), #set - 1, id),
          "NOT_FOUND"
      end
      add(id)
    else
      local found, message = set:find(label)
      if not found then
        return nil, message, "NOT_FOUND"
      end
      for other = 0, #set - 1 do
        if set:label(other) == set:label(found) then
          add(other)
        end
      end
    end
  end
  return ids
end

--- The operators of the file, whatever became of them: {index, op, label, name, shape, dtype}.
---@return table[]
function Model:operators()
  return open(self):operators()
end

--- The nodes of the file that were taken out of the network because the result is the same without
--- them: {index, op, label, name, reason}, and `into`, the node that does their work, if one does.
---@return table[]
function Model:removed()
  return open(self):removed()
end

--- Gives the memory back. Safe to call again.
function Model:close()
  if self.core then
    self.core:close()
    self.core = nil
  end
end

Model.__close = Model.close

function Model:__tostring()
  if not self.core then
    return ("model %s (closed)"):format(self.name)
  end
  return ("model %s %dx%d %s, %d classes of %s"):format(self.name, self.width, self.height,
    self.dtype, self.classes, self.label_set:name())
end

return model
