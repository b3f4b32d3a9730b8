-- help(x) at the prompt: what an operator, a value, a module or a function of the library can do.
-- Operators describe themselves; functions written in Lua show the comment above them in their
-- source, which is where their documentation lives.

local core = require "lab.core"
local words = require "lab.words"

local help = {}

--- Functions that stand for another, which is loaded when it is first called: what gives that one.
---@type table<function, fun(): function>
help.behind = setmetatable({}, { __mode = "k" })

--- Adds lines about the parameters of an operator or a service, then its doc.
local function describe_rest(lines, op)
  for _, param in ipairs(op.params or {}) do
    local note = param.required and "required" or param.default ~= nil
      and "default " .. (param.default == "" and '""' or tostring(param.default)) or "optional"
    local choices = param.choices and " (" .. table.concat(param.choices, ", ") .. ")" or ""
    local head = ("  %-12s %-8s "):format(param.name, param.type)
    local text = ("%s%s; %s"):format(param.doc or "", choices, note)
    text = words.wrap(text, nil, 78 - #head):gsub("\n", "\n" .. (" "):rep(#head))
    lines[#lines + 1] = head .. text
  end
  if op.doc then
    lines[#lines + 1] = words.wrap("  " .. op.doc, "  ")
  end
end

--- Lines about an operator: "image.resize{width, height, method}", its summary and parameters; or
--- about a method of a service.
---@param op table  a descriptor of core.ops(), or of a service's methods
---@return string
function help.operator(op)
  local subject = op.input == "none" and op.name:match "^[^.]+" or op.input
  local lines = { ("%s: %s"):format(op.name, op.summary),
    ("  %s:%s{...} gives %s"):format(subject, op.method, op.output) }
  describe_rest(lines, op)
  return table.concat(lines, "\n")
end

--- Lines about a service: how it is opened, its options and methods.
---@param service table  a descriptor of core.services()
---@return string
function help.service(service)
  local lines = { ("%s: %s"):format(service.name, service.summary),
    ('  core.service "%s" {...} gives a service'):format(service.name) }
  describe_rest(lines, service)
  for _, method in ipairs(service.methods) do
    lines[#lines + 1] = ("  :%-11s %s"):format(method.method, method.summary)
  end
  return table.concat(lines, "\n")
end

--- The operators that take values of a kind: "image", "labelmap", …
local function methods_of(kind)
  local lines = {}
  for _, op in ipairs(core.ops()) do
    if op.input == kind then
      lines[#lines + 1] = ("  %-18s %s"):format(op.method, op.summary)
    end
  end
  return table.concat(lines, "\n")
end

local general = [[
lab.open(path)             a picture            lab.segment(path, {model=})   a result
lab.load(name)             a model              lab.pipeline {stages}         many pictures
lab.catalog()              what was recorded    lab.stages, lab.datasets, lab.models()
help "image.resize"        an operator          help(value), ?value           what it can do
traceback()                where the last error came from
:help                      :sql, :time and the other commands
Tab completes names, options, models, labels and files. _ is the last value.
Globals stay from line to line, locals do not.]]

--- Operators of this name, or that are this method; "" when there are none.
local function named(name)
  local found, names = {}, {}
  for _, op in ipairs(core.ops()) do
    names[#names + 1] = op.name
    names[#names + 1] = op.method
    if op.name == name or op.method == name then
      found[#found + 1] = help.operator(op)
    end
  end
  for _, service in ipairs(core.services()) do
    names[#names + 1] = service.name
    found[#found + 1] = service.name == name and help.service(service) or nil
    for _, method in ipairs(service.methods) do
      names[#names + 1] = method.name
      found[#found + 1] = method.name == name and help.operator(method) or nil
    end
  end
  if #found == 0 then
    return ('there is no operator "%s"%s'):format(name, words.hint(name, names))
  end
  return table.concat(found, "\n\n")
end

--- The lines of a Lua file up to one of them; nil when it cannot be read.
local function lines_before(path, last)
  local file = io.open(path)
  if not file then
    return nil
  end
  local lines = {}
  for line in file:lines() do
    lines[#lines + 1] = line
    if #lines == last then
      break
    end
  end
  file:close()
  return lines
end

--- The first line of a Lua function and those of the comment above it; nil when there is no source.
---@return string? line
---@return string[]? comment
local function source_of(f)
  local info = debug.getinfo(help.behind[f] and help.behind[f]() or f, "S")
  local lines = info.source:sub(1, 1) == "@" and lines_before(info.source:sub(2), info.linedefined)
  if not lines or not lines[info.linedefined] then
    return nil
  end
  local first = info.linedefined
  while first > 1 and lines[first - 1]:find "^%s*%-%-" do
    first = first - 1
  end
  local comment = {}
  for i = first, info.linedefined - 1 do
    comment[#comment + 1] = lines[i]:gsub("^%s*%-+%s?", "")
  end
  return (lines[info.linedefined]:gsub("^%s*", "")), comment
end

--- A function's first line and the comment above it.
local function function_text(f)
  local op = core.op_name(f)
  if op then
    return named(op)
  end
  local line, comment = source_of(f)
  if not line then
    return tostring(f) .. (debug.getinfo(f, "S").what == "C" and " (written in C)" or "")
  end
  for i, text in ipairs(comment) do
    comment[i] = "  " .. text
  end
  return table.concat({ line, table.unpack(comment) }, "\n")
end

--- What a field is, in a line: the beginning of a function's comment, else its type.
local function field_text(name, value)
  local _, comment = nil, nil
  if type(value) == "function" then
    _, comment = source_of(value)
  end
  local text = comment and table.concat(comment, " "):match "^([^@]*)" or ""
  text = text:match "^(.-[%.:]) " or text:match "^(.-)[%s%.]*$"
  text = text:gsub("[%.:]$", "")
  if text == "" then
    return ("  %s (%s)"):format(name, type(value))
  end
  text = words.wrap(text, nil, 78 - 19):gsub("\n", "\n" .. (" "):rep(19))
  return ("  %-16s %s"):format(name, text)
end

local function fields(t, into)
  for name, value in next, t do
    if type(name) == "string" and not name:find "^_" then
      into[#into + 1] = field_text(name, value)
    end
  end
end

--- A table's fields, and those of its class.
local function table_text(t)
  local meta = debug.getmetatable(t)
  meta = type(meta) == "table" and meta or {}
  local own = {}
  fields(t, own)
  if meta.__name and type(meta.__index) == "table" then
    fields(meta.__index, own)
  elseif meta.__name then
    fields(meta, own)
  end
  table.sort(own)
  return (meta.__name and meta.__name .. "\n" or "") .. table.concat(own, "\n")
end

--- What help(x) shows: about an operator's name, a value, a function; nil: an overview.
---@param x any
---@return string
function help.text(x)
  if x == nil then
    return general
  elseif type(x) == "string" then
    return named(x)
  elseif type(x) == "function" then
    return function_text(x)
  elseif type(x) == "table" then
    return table_text(x)
  end
  local ok, kind = pcall(core.methods.tensor.kind, x)
  if ok then
    return tostring(x) .. "\n" .. methods_of(kind)
  end
  return type(x)
end

return help
