-- The manifest (weights/models.lua and the user's own ~/.config/lualab/models.lua) and where the
-- files it names are: weights/, the folders of LUALAB_WEIGHTS_PATH, ../shared/weights beside the
-- checkout, the user's cache.

local log = require "lab.log"
local paths = require "lab.paths"
local sys = require "lab.sys"
local words = require "lab.words"

local manifest = {}

---@class lab.Entry
---@field name string
---@field summary string
---@field file string
---@field sha256 string
---@field bytes integer
---@field url string        https://…, file:///…, npm:package@version/path or deb:package/path
---@field mirrors string[]? more sources, tried in turn
---@field licence string
---@field dataset string?   models: the label set, or instead of it
---@field labels string[]?  names by class id, and
---@field colors integer[]? 0xRRGGBB
---@field input table?      {width, height}
---@field fit string?
---@field mean integer?
---@field scale number?
---@field offset number?
---@field threshold number?
---@field kind string       "model" or "sample"
---@field origin string     the manifest it comes from

local loaded

local required = { name = "string", file = "string", sha256 = "string", bytes = "number" }

--- Checks and adds the entries of one list. A user's entry replaces one of the same name.
local function add_entries(list, kind, origin, into)
  for i, entry in ipairs(list or {}) do
    for field, kind_of_field in pairs(required) do
      if type(entry[field]) ~= kind_of_field then
        return nil, ("%s: %s %d (%s): '%s' must be a %s"):format(origin, kind, i,
          tostring(entry.name), field, kind_of_field), "FORMAT"
      end
    end
    entry.kind, entry.origin = kind, origin
    local at = #into + 1
    for j, known in ipairs(into) do
      if known.name == entry.name then
        at = j
      end
    end
    into[at] = entry
  end
  return true
end

--- Reads one manifest file. It is Lua, but sees no library: a list, not a program.
local function read(path, into)
  local chunk, message = loadfile(path, "t", {})
  if not chunk then
    return nil, message, "FORMAT"
  end
  local ok, data = pcall(chunk)
  if not ok or type(data) ~= "table" then
    return nil, ("%s: %s"):format(path, ok and "gives no table" or tostring(data)), "FORMAT"
  end
  into.default = data.default or into.default
  local good
  good, message = add_entries(data.models, "model", path, into.models)
  if good then
    good, message = add_entries(data.samples, "sample", path, into.samples)
  end
  return good, message, "FORMAT"
end

local function all()
  if not loaded then
    local data = { models = {}, samples = {}, default = "pascal" }
    local own = paths.join(paths.config(), "models.lua")
    local ok, message, code = read(paths.program("weights", "models.lua"), data)
    if ok and paths.exists(own, "file") then
      ok, message, code = read(own, data)
    end
    if not ok then
      return nil, message, code
    end
    loaded = data
  end
  return loaded
end

--- Every entry of a kind, in the manifest's order.
---@param kind? string  "model" (default) or "sample"
---@return lab.Entry[]? entries
---@return string? message
---@return string? code
function manifest.list(kind)
  local data, message, code = all()
  if not data then
    return nil, message, code
  end
  return kind == "sample" and data.samples or data.models
end

--- The name of the model that is used when none is named.
---@return string
function manifest.default()
  local data = all()
  return os.getenv "LUALAB_MODEL" or data and data.default or "pascal"
end

--- The entry of a name.
---@param name string
---@param kind? string  "model" (default) or "sample"
---@return lab.Entry? entry
---@return string? message  names the nearest one and all there are
---@return string? code
function manifest.get(name, kind)
  local entries, message, code = manifest.list(kind)
  if not entries then
    return nil, message, code
  end
  local names = {}
  for i, entry in ipairs(entries) do
    if entry.name == name then
      return entry
    end
    names[i] = entry.name
  end
  return nil, words.unknown(kind or "model", name, names), "NOT_FOUND"
end

--- The model that has this sha256, if the manifest knows it.
---@param sha256 string
---@return lab.Entry?
function manifest.by_sha256(sha256)
  for _, entry in ipairs(manifest.list() or {}) do
    if entry.sha256 == sha256 then
      return entry
    end
  end
end

--- The folders in which files of a kind are looked for, in order. Samples have a folder of their
--- own inside weights/ and the cache, and beside ../shared/weights.
---@param kind? string
---@return string[] folders  the program's first, the cache last
---@return string? named      the first of LUALAB_WEIGHTS_PATH
function manifest.folders(kind)
  local sample = kind == "sample"
  local inner = sample and "samples" or ""
  local list = { paths.program("weights", inner) }
  for folder in (os.getenv "LUALAB_WEIGHTS_PATH" or ""):gmatch "[^:]+" do
    list[#list + 1] = paths.join(folder, inner)
  end
  local named = list[2]
  list[#list + 1] = paths.join((paths.split(sys.data_dir())), "shared", sample and "samples"
    or "weights")
  list[#list + 1] = paths.join(paths.cache(), "weights", inner)
  return list, named
end

--- Where the file of an entry is; nil and the folders that were searched when it is nowhere. A file
--- of another size is passed over with a warning: it cannot be the one.
---@param entry lab.Entry
---@return string? path
---@return string[] searched
function manifest.find(entry)
  local searched = manifest.folders(entry.kind)
  for _, folder in ipairs(searched) do
    local path = paths.join(folder, entry.file)
    local info = sys.stat(path)
    if info and info.type == "file" then
      if info.size == entry.bytes then
        log.info("%s: %s", entry.name, path)
        return path, searched
      end
      log.warn("%s is passed over: it has %d bytes, %s has %d", path, info.size, entry.name,
        entry.bytes)
    end
  end
  return nil, searched
end

return manifest
