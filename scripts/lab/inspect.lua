-- Values as text for people: tables in Lua's own notation with sorted keys, bounded in depth and
-- number of entries, cycles marked; lualab's values and everything with __tostring as they say
-- themselves. What is a constructor of few words stays on one line.

local core = require "lab.core"
local paint = require "lab.paint"

local inspect = {}

local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat "
  .. "return then true until while"):gmatch "%a+" do
  keywords[word] = true
end

-- ANSI styles by type; nil: none.
local styles = { string = "32", number = "36", boolean = "35", ["nil"] = "35", note = "2" }

--- A string as Lua would read it, on one line; long ones are cut.
local function quote(text, limit)
  local cut = #text > limit
  if cut then
    local last = utf8.len(text) and utf8.offset(text, 0, limit + 1) - 1 or limit
    text = text:sub(1, last)
  end
  local quoted = ("%q"):format(text):gsub("\\\n", "\\n")
  return quoted .. (cut and "…" or "")
end

---@class lab.Inspection
---@field depth integer
---@field items integer
---@field width integer
---@field string integer
---@field paint fun(kind: string, text: string): string
---@field inside table<table, boolean>  the tables around the current one

local describe

--- tostring that cannot fail: a user's __tostring may.
local function safe_text(value)
  local ok, text = pcall(tostring, value)
  return ok and text or ("%s: its __tostring fails"):format(type(value))
end

--- The first elements of a tensor, after what it says itself; nil for anything else.
local function tensor_text(value, items)
  local ok, kind = pcall(core.methods.tensor.kind, value)
  if not ok or kind ~= "tensor" then
    return nil
  end
  local elements = {}
  for i = 1, math.min(#value, items) do
    elements[i] = ("%.6g"):format(value:get(i))
  end
  return ("%s: %s%s"):format(safe_text(value), table.concat(elements, " "),
    #value > items and (" … %d more"):format(#value - items) or "")
end

--- Keys that follow the sequence 1..n, sorted: numbers, strings, the rest.
local function other_keys(t, n)
  local keys = {}
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= n) then
      keys[#keys + 1] = key
    end
  end
  local rank = { number = 1, string = 2 }
  table.sort(keys, function(a, b)
    local x, y = rank[type(a)] or 3, rank[type(b)] or 3
    if x ~= y then
      return x < y
    elseif x < 3 then
      return a < b
    end
    return safe_text(a) < safe_text(b)
  end)
  return keys
end

local function key_text(state, key, level)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" and not keywords[key] then
    return key
  end
  return "[" .. describe(state, key, level + 1) .. "]"
end

--- The entries of a table as texts, and their length on one line.
local function entries(state, t, level)
  local texts, length = {}, 0
  local n = rawlen(t)
  local keys = other_keys(t, n)
  local function add(text)
    texts[#texts + 1] = text
    length = length + 2 + (utf8.len((text:gsub("\27%[[%d;]*m", ""))) or #text)
  end
  for i = 1, math.min(n, state.items) do
    add(describe(state, rawget(t, i), level + 1))
  end
  for i = 1, math.min(#keys, state.items - #texts) do
    local key = keys[i]
    add(key_text(state, key, level) .. " = " .. describe(state, rawget(t, key), level + 1))
  end
  local left = n + #keys - #texts
  if left > 0 then
    add(state.paint("note", ("… %d more"):format(left)))
  end
  return texts, length
end

local function describe_table(state, t, level)
  if state.inside[t] then
    return state.paint("note", "<cycle>")
  elseif next(t) == nil then
    return "{}"
  elseif level >= state.depth then
    return state.paint("note", "{…}")
  end
  state.inside[t] = true
  local texts, length = entries(state, t, level)
  state.inside[t] = nil
  local indent = ("  "):rep(level)
  if length + #indent + 2 <= state.width and not table.concat(texts):find "\n" then
    return "{ " .. table.concat(texts, ", ") .. " }"
  end
  return "{\n" .. indent .. "  " .. table.concat(texts, ",\n" .. indent .. "  ") .. "\n" .. indent
    .. "}"
end

--- A value at a depth of nesting; strings are quoted.
function describe(state, value, level)
  local kind = type(value)
  if kind == "string" then
    return state.paint(kind, quote(value, state.string))
  elseif kind == "table" then
    local meta = debug.getmetatable(value)
    if not (type(meta) == "table" and (rawget(meta, "__tostring") or rawget(meta, "__name"))) then
      return describe_table(state, value, level)
    end
  end
  return state.paint(kind, kind == "userdata" and tensor_text(value, state.items)
    or safe_text(value))
end

--- A value as text: tables as Lua writes them, strings in quotes.
---@param value any
---@param options? table  depth (3: tables within tables), items (20: of each table), width (78:
---                       columns of a table on one line), string (200: bytes), colors (false)
---@return string
function inspect.inspect(value, options)
  options = options or {}
  return describe({
    depth = options.depth or 3, items = options.items or 20, width = options.width or 78,
    string = options.string or 200, inside = {},
    paint = function(kind, text)
      return options.colors and styles[kind] and paint.text(styles[kind], text) or text
    end,
  }, value, 0)
end

return inspect.inspect
