-- The models of the server: those of the manifest and those named on its command line. One that is
-- loaded is shared by all; when together they take more memory than allowed, the one that has not
-- been used for longest is given back.

local datasets = require "lab.datasets"
local download = require "lab.web.download"
local fetch = require "lab.fetch"
local manifest = require "lab.manifest"
local model = require "lab.model"
local sys = require "lab.sys"
local words = require "lab.words"

local models = {}

local POLL = 0.1 -- seconds between two looks at what is being fetched

---@class lab.WebModel
---@field name string
---@field model lab.Model
---@field bytes integer   that it holds
---@field users integer   pictures under way
---@field used integer    when it was used last: a count
---@field lines table     pipelines that have it (lab.web.segment)

---@class lab.WebModels
---@field loaded table<string, lab.WebModel>
---@field default string
local Models = {}
Models.__index = Models

--- An empty cache.
---@param options { limit: integer, default: string?, close: fun(held: lab.WebModel),
---                 pause: fun(seconds: number) }  bytes that models may hold together; what to do
---                 with one that goes; how a task lets others go on
---@return lab.WebModels
function models.new(options)
  return setmetatable({ loaded = {}, downloads = {}, own = {}, count = 0, limit = options.limit,
    default = options.default or manifest.default(), on_close = options.close,
    pause = options.pause }, Models)
end

-- ---- what there is ----

--- The label set of a model that is not loaded.
local function labels_of(entry)
  if entry.labels then
    return datasets.make(entry.name, entry.labels, entry.colors)
  end
  return entry.dataset and datasets.labels(entry.dataset)
end

local function state_of(self, entry)
  if self.loaded[entry.name] then
    return "loaded"
  end
  return manifest.find(entry) and "file" or "absent"
end

local function describe_loaded(self, held)
  local m = held.model
  local entry = m.entry or {}
  return { name = held.name, title = entry.summary or m.path:match "[^/]*$",
    dataset = m:labels():name(), classes = m.classes, bytes = entry.bytes
    or (sys.stat(m.path) or {}).size, input = { m.height, m.width }, quantised = m.dtype ~= "f32",
    licence = entry.licence, state = "loaded", default = held.name == self.default },
    m:labels()
end

local function describe_entry(self, entry)
  local held = self.loaded[entry.name]
  if held then
    return describe_loaded(self, held)
  end
  local labels = labels_of(entry)
  local input = entry.input or {}
  return { name = entry.name, title = entry.summary, dataset = entry.dataset or entry.name,
    classes = labels and #labels, bytes = entry.bytes, input = { input.height, input.width },
    -- Networks of floating point are those whose bytes are scaled.
    quantised = entry.scale == nil, licence = entry.licence, state = state_of(self, entry),
    default = entry.name == self.default }, labels
end

--- What is known about every model, in the manifest's order; those of the command line first.
---@return table[]
function Models:list()
  local list = {}
  for _, name in ipairs(self.own) do
    list[#list + 1] = (describe_loaded(self, self.loaded[name]))
  end
  for _, entry in ipairs(manifest.list() or {}) do
    list[#list + 1] = (describe_entry(self, entry))
  end
  return list
end

--- Whether there is a model of that name. Paths are none: only the command line may name files.
---@param name string
---@return lab.Entry|lab.WebModel|nil known
---@return string? message
function Models:find(name)
  if self.loaded[name] then
    return self.loaded[name]
  end
  local names = table.move(self.own, 1, #self.own, 1, {})
  for _, entry in ipairs(manifest.list() or {}) do
    if entry.name == name then
      return entry
    end
    names[#names + 1] = entry.name
  end
  return nil, words.unknown("model", name, names)
end

--- What is known about one, with its label set.
---@param name string
---@return table? description
---@return lab.Labels|string|nil labels  or why there is none
function Models:describe(name)
  local known, message = self:find(name)
  if not known then
    return nil, message
  elseif known.model then
    return describe_loaded(self, known)
  end
  return describe_entry(self, known)
end

-- ---- loading ----

--- What a network and its constants hold. The arena is there once, however many use it.
local function bytes_of(loaded)
  local stats = loaded.core:stats()
  return stats.constant_bytes + stats.packed_bytes + stats.arena_bytes + stats.scratch_bytes
end

--- Gives models back until they hold no more than allowed.
local function make_room(self, keep)
  while true do
    local sum, oldest = 0, nil
    for _, held in pairs(self.loaded) do
      sum = sum + held.bytes
      if held ~= keep and held.users == 0 and not held.pinned
        and (not oldest or held.used < oldest.used) then
        oldest = held
      end
    end
    if sum <= self.limit or not oldest then
      return
    end
    self:close(oldest.name)
  end
end

local function hold(self, name, loaded)
  local held = { name = name, model = loaded, bytes = bytes_of(loaded), users = 0, lines = {} }
  self.loaded[name] = held
  self:touch(held)
  make_room(self, held)
  return held
end

--- Says that a model has been used just now.
---@param held lab.WebModel
function Models:touch(held)
  self.count = self.count + 1
  held.used = self.count
end

--- Loads what the command line names: a name of the manifest or a file. It stays.
---@param name string
---@return lab.WebModel? held
---@return string? message
---@return string? code
function Models:load_own(name)
  local loaded, message, code = model.load(name)
  if not loaded then
    return nil, message, code
  end
  local held = self.loaded[loaded.name]
  if held then
    loaded:close()
    return held
  end
  held = hold(self, loaded.name, loaded)
  held.pinned = true
  if not manifest.get(loaded.name) then
    self.own[#self.own + 1] = loaded.name
  end
  return held
end

--- Fetches the file of an entry, others going on meanwhile. Who asks for the same joins in.
local function fetch_file(self, entry, tell)
  local running = self.downloads[entry.name]
  if not running then
    if fetch.offline() or not entry.url then
      return fetch.need(entry) -- says where it was looked for
    end
    local message, code
    running, message, code = download.start(entry)
    if not running then
      return nil, message, code
    end
    self.downloads[entry.name] = running
  end
  while not running.result and not running:done() do
    tell("fetch", running:bytes(), entry.bytes)
    self.pause(POLL)
  end
  if not running.result then -- the first of those who wait to see it
    running.result = table.pack(running:wait())
    self.downloads[entry.name] = nil
  end
  return table.unpack(running.result, 1, 3)
end

--- A model, loaded if it was not. Within a task others go on while its file is fetched.
---@param name string
---@param tell? fun(stage: string, done: integer, total: integer)
---@return lab.WebModel? held
---@return string? message
---@return string? code
function Models:get(name, tell)
  tell = tell or function() end
  local known, message = self:find(name)
  local code
  if not known then
    return nil, message, "NOT_FOUND"
  elseif not known.model and not manifest.find(known) then
    local ok
    ok, message, code = fetch_file(self, known, tell)
    if not ok then
      return nil, message, code
    end
  end
  local held = self.loaded[name]
  if not held then
    tell("load", 0, 1)
    local loaded
    loaded, message, code = model.load(name)
    if not loaded then
      return nil, message, code
    end
    held = hold(self, name, loaded)
  end
  self:touch(held)
  return held
end

--- Gives a model back.
---@param name string
function Models:close(name)
  local held = self.loaded[name]
  self.loaded[name] = nil
  if held then
    self.on_close(held)
    held.model:close()
  end
end

--- Gives everything back and ends what is being fetched.
function Models:close_all()
  for name in pairs(self.loaded) do
    self:close(name)
  end
  for _, running in pairs(self.downloads) do
    running:close()
  end
  self.downloads = {}
end

return models
