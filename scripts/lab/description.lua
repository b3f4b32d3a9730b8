-- What a pipeline does as JSON, for the catalog and for people: its stages in order, with the
-- options they were made with, and a SHA-256 over that. Two runs with the same sum did the same to
-- their pictures, as far as the pipeline decides it.
--   {"sha256":"…","stages":[{"stage":"preprocess"},{"stage":"segment","model":"pascal"},
--    {"stage":"function","at":"try.lua:12","code":"…"}]}

local core = require "lab.core"
local json = require "lab.json"

local description = {}

local function sorted_keys(object)
  local keys = {}
  for key in pairs(object) do
    keys[#keys + 1] = tostring(key)
  end
  table.sort(keys)
  return keys
end

--- Where a function is written, and a sum of its byte code: what it does, without the values it
--- has caught.
local function of_function(fn)
  local info = debug.getinfo(fn, "S")
  local ok, code = pcall(string.dump, fn, true)
  return json.ordered({ "at", "code" }, { at = info.short_src .. ":" .. info.linedefined,
    code = ok and core.sha256(code) or nil })
end

local of_stage

--- A value of an option. Models, catalogs and pictures are named, not written out.
local function of_value(value, depth)
  if type(value) == "function" then
    return of_function(value)
  elseif type(value) ~= "table" then
    return type(value) == "userdata" and tostring(value) or value
  elseif rawget(value, "sha256") and rawget(value, "name") then
    return json.ordered({ "name", "sha256" }, { name = value.name, sha256 = value.sha256 })
  elseif getmetatable(value) or depth > 4 then
    return type(value.run) == "function" and of_stage(value) or rawget(value, "path")
      or (tostring(value):gsub(": 0x%x+$", ""))
  end
  local copy = {}
  for key, part in pairs(value) do
    copy[#value > 0 and key or tostring(key)] = of_value(part, depth + 1)
  end
  return #value > 0 and json.list(copy) or json.ordered(sorted_keys(copy), copy)
end

--- One stage: its name, and the options it was made with (`settings`), or what it says of itself.
function of_stage(stage)
  local object = {}
  for key, value in pairs(type(stage.settings) == "table" and stage.settings or {}) do
    object[tostring(key)] = of_value(value, 1)
  end
  local order = sorted_keys(object)
  table.insert(order, 1, "stage")
  object.stage = stage.name or "function"
  if stage.fn then
    object.stage, object["function"] = "function", of_function(stage.fn)
    order[#order + 1] = "function"
  elseif not stage.settings and stage.describe then
    object.description = stage:describe()
    order[#order + 1] = "description"
  elseif not stage.settings and type(stage.run) == "function" and not stage.name then
    object.run = of_function(stage.run)
    order[#order + 1] = "run"
  end
  return json.ordered(order, object)
end

--- The description of a pipeline's stages.
---@param stages table[]
---@return string json
---@return string sha256  of the list of stages as it stands in the text
function description.of(stages)
  local list = {}
  for i, stage in ipairs(stages) do
    list[i] = of_stage(stage)
  end
  local text = json.encode(json.list(list))
  local sum = core.sha256(text)
  return ('{"sha256":"%s","stages":%s}'):format(sum, text), sum
end

return description
