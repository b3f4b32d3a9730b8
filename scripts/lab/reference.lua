-- What the descriptors of operators become on paper: LuaCATS files for editors (scripts/lab/meta/)
-- and the reference page scripts/OPERATORS.md. `lualab ops --meta DIR` and `--reference FILE` write
-- them; the test suite compares them with what is in the tree.

local core = require "lab.core"
local examples = require "lab.examples"
local words = require "lab.words"

local reference = {}

--- Kinds of values: the operators' first half, the class, the variable of examples, the heading.
reference.kinds = {
  { kind = "image", prefix = "image", class = "lab.Image", variable = "img", title = "Pictures" },
  { kind = "labelmap", prefix = "map", class = "lab.LabelMap", variable = "map",
    title = "Label maps" },
  { kind = "mask", prefix = "mask", class = "lab.Mask", variable = "mask", title = "Masks" },
  { kind = "tensor", prefix = "tensor", class = "lab.Tensor", variable = "t", title = "Tensors" },
}

local planes = { image = true, labelmap = true, mask = true }

--- What every value can do without being an operator: { name, parameters, returns, doc, kinds }.
reference.methods = {
  { "kind", {}, { "string" }, '"tensor", "image", "labelmap" or "mask".' },
  { "dtype", {}, { "string" }, '"u8", "i8", "u16", "i16", "i32", "i64", "f16" or "f32".' },
  { "shape", {}, { "integer[]" }, "The dimensions; the last varies fastest." },
  { "bytes", {}, { "string" }, "The elements as they are in memory." },
  { "labels", {}, { "lab.Labels?" }, "The label set, of a label map that has one." },
  { "quant", {}, { "number?", "integer?" }, "Scale and zero point, of a quantised tensor." },
  { "get", { { "i", "integer", "1-based flat position, or one position for each dimension" },
    { "...", "integer", "" } }, { "number?" }, "An element as it is stored; nil outside." },
  { "set", { { "i", "integer", "1-based flat position, or one position for each dimension" },
    { "...", "number", "more positions, and the new element last" } }, {},
    "Stores an element. Values that share the data keep theirs." },
  { "as", { { "kind", '"tensor"|"image"|"labelmap"|"mask"', "the new kind" } }, { "any" },
    "The same data as another kind, where that fits." },
  { "close", {}, {}, "Frees the memory now; also done by <close> and by the collector." },
  { "width", {}, { "integer" }, "Pixels.", planes },
  { "height", {}, { "integer" }, "Pixels.", planes },
  { "channels", {}, { "integer" }, "Samples of a pixel: 1, 3 or 4.", planes },
  { "at", { { "x", "integer", "column, from 0" }, { "y", "integer", "row, from 0" } },
    { "integer?", "integer?", "integer?", "integer?" },
    "The samples of a pixel: a class id, an alpha, or a colour; nothing outside.", planes },
  { "save", { { "path", "string", "its ending says the format" } },
    { "true?", "string?", "string?" }, "Writes a file.", planes },
  { "show", { { "options", "table?", "columns, rows, mode, colors, file" } }, { "true" },
    "Shows it on a terminal that can show pictures, and says in words what it is." },
  { "with_labels", { { "labels", "lab.Labels?", "nil: none" } }, { "lab.LabelMap" },
    "The same ids with another label set.", { labelmap = true } },
  { "replace", { { "classes", "table<string|integer, string|integer>",
    "the new class of each old one, by name or id" } },
    { "lab.LabelMap?", "string?", "string?" }, "Other classes for some of the pixels.",
    { labelmap = true } },
  { "recolor", { { "colors", "table<string|integer, string|integer|integer[]>",
    "\"#rrggbb\", 0xRRGGBB or {r, g, b} of some classes, by name or id" } }, { "lab.LabelMap" },
    "The same ids with other colours for some classes.", { labelmap = true } },
}

--- Whether a method of the list above belongs to a kind.
local function has_method(method, kind)
  return not method[5] or method[5][kind] == true
end

-- ---- parameters ----

local catsnames = { bool = "boolean", int = "integer", float = "number", string = "string",
  color = "lab.Color", classes = "lab.Classes", floats = "number[]", bytes = "string",
  records = "table[]", record = "table", tensor = "lab.Tensor|lab.Image|lab.LabelMap|lab.Mask",
  image = "lab.Image", labelmap = "lab.LabelMap", mask = "lab.Mask", none = "true" }

local function cats_type(param)
  if param.choices then
    local quoted = {}
    for i, choice in ipairs(param.choices) do
      quoted[i] = '"' .. choice .. '"'
    end
    return table.concat(quoted, "|")
  end
  return catsnames[param.type] or "any"
end

--- "0..255", or nil where there are no bounds.
local function range(param)
  if not param.min then
    return nil
  end
  local function short(x)
    return math.type(x) == "integer" and tostring(x) or ("%.6g"):format(x)
  end
  return short(param.min) .. ".." .. short(param.max)
end

--- "required", "optional" or the default as it is written in Lua.
local function need(param)
  if param.default == nil then
    return param.required and "required" or "optional"
  elseif param.type == "enum" or param.type == "string" or param.type == "color"
    or param.type == "bytes" then
    return '"' .. param.default .. '"'
  end
  return param.default
end

--- "mask:feather { radius = }", with the parameters that must be given first.
---@param op table       a descriptor of core.ops()
---@param variable string
---@return string
function reference.signature(op, variable)
  local needed, others = {}, {}
  for _, param in ipairs(op.params) do
    local list = param.required and needed or others
    list[#list + 1] = param.name
  end
  if #needed + #others == 0 then
    return ("%s:%s()"):format(variable, op.method)
  end
  local text = table.concat(needed, ", ")
  if #others > 0 then
    text = text .. (text == "" and "[" or " [, ") .. table.concat(others, ", ") .. "]"
  end
  return ("%s:%s { %s }"):format(variable, op.method, text)
end

-- ---- LuaCATS ----

--- Text in comment lines.
local function comment(lines, text)
  for line in (words.wrap(text, "", 92) .. "\n"):gmatch "(.-)\n" do
    lines[#lines + 1] = "--- " .. line
  end
end

local function one_line(text)
  return (text:gsub("%s+", " "))
end

--- The class of the options of an operator or a service; its main parameter.
local function cats_options(lines, options, params)
  local main
  if #params > 0 then
    lines[#lines + 1] = "---@class " .. options
    for _, param in ipairs(params) do
      local note = { one_line(param.doc or "") }
      note[#note + 1] = range(param)
      note[#note + 1] = param.default and "default " .. need(param) or nil
      lines[#lines + 1] = ("---@field %s%s %s %s"):format(param.name,
        param.required and "" or "?", cats_type(param), table.concat(note, "; "))
      main = param.main and param or main
    end
    lines[#lines + 1] = ""
  end
  return main
end

--- An operator's options and the operator itself.
local function cats_op(lines, op, class)
  local options = "lab." .. op.name
  local main = cats_options(lines, options, op.params)
  comment(lines, op.summary .. "." .. (op.doc and " " .. op.doc or ""))
  local results = { op.output == "records" and "table[]?" or catsnames[op.output] .. "?",
    "string?", "string?" }
  if main then
    lines[#lines + 1] = ("---@overload fun(self: %s, %s: %s, options?: %s): %s"):format(class,
      main.name, cats_type(main), options, table.concat(results, ", "))
  end
  local some_required = false
  for _, param in ipairs(op.params) do
    some_required = some_required or param.required
  end
  if #op.params > 0 then
    lines[#lines + 1] = ("---@param options%s %s"):format(some_required and "" or "?", options)
  end
  lines[#lines + 1] = "---@return " .. results[1] .. " result"
  lines[#lines + 1] = "---@return string? message"
  lines[#lines + 1] = "---@return string? code"
  lines[#lines + 1] = ("function %s:%s(%s) end"):format(class:match "[^.]+$", op.method,
    #op.params > 0 and "options" or "")
  lines[#lines + 1] = ""
end

local function cats_method(lines, method, class)
  local names = {}
  comment(lines, method[4])
  for i, param in ipairs(method[2]) do
    names[i] = param[1]
    lines[#lines + 1] = (("---@param %s %s %s"):format(param[1], param[2], param[3])
      :gsub("%s+$", ""))
  end
  for _, result in ipairs(method[3]) do
    lines[#lines + 1] = "---@return " .. result
  end
  lines[#lines + 1] = ("function %s:%s(%s) end"):format(class:match "[^.]+$", method[1],
    table.concat(names, ", "))
  lines[#lines + 1] = ""
end

local metamethods = {
  tensor = { "add(number|lab.Tensor): lab.Tensor", "sub(number|lab.Tensor): lab.Tensor",
    "mul(number|lab.Tensor): lab.Tensor", "div(number|lab.Tensor): lab.Tensor",
    "unm: lab.Tensor", "len: integer" },
  mask = { "band(lab.Mask): lab.Mask", "bor(lab.Mask): lab.Mask", "sub(lab.Mask): lab.Mask",
    "bnot: lab.Mask", "len: integer" },
  image = { "len: integer" }, labelmap = { "len: integer" },
}

local function header(lines)
  lines[#lines + 1] = "---@meta"
  lines[#lines + 1] = "-- Written by `lualab ops --meta` from the descriptors of the operators."
  lines[#lines + 1] = ""
end

--- The built-in operators of one kind.
local function cats_kind(entry, ops)
  local lines = {}
  local class = entry.class
  header(lines)
  if entry.kind == "image" then
    lines[#lines + 1] = '---@alias lab.Color string|integer[]  "#rgb", "#rrggbb", "#rrggbbaa", a'
      .. " CSS name, or {r, g, b[, a]}"
    lines[#lines + 1] = "---@alias lab.Classes string|integer|(string|integer)[]  ids or names"
    lines[#lines + 1] = ""
  end
  lines[#lines + 1] = "---@class " .. class
  if entry.kind == "tensor" then
    lines[#lines + 1] = "---@field [integer] number  an element, by its 1-based flat position"
  end
  for _, operator in ipairs(metamethods[entry.kind]) do
    lines[#lines + 1] = "---@operator " .. operator
  end
  lines[#lines + 1] = "local " .. class:match "[^.]+$" .. " = {}"
  lines[#lines + 1] = ""
  for _, method in ipairs(reference.methods) do
    if has_method(method, entry.kind) then
      cats_method(lines, method, class)
    end
  end
  for _, op in ipairs(ops) do
    if op.plugin == "ops" and op.input == entry.kind then
      cats_op(lines, op, class)
    end
  end
  return table.concat(lines, "\n")
end

--- A service: the class of its objects, their methods, and what opens one.
local function cats_service(lines, service)
  local class = "lab.service." .. service.name
  comment(lines, service.summary .. "." .. (service.doc and " " .. service.doc or ""))
  lines[#lines + 1] = "---@class " .. class
  lines[#lines + 1] = ("local %s = {}"):format(service.name)
  lines[#lines + 1] = ""
  for _, method in ipairs(service.methods) do
    cats_op(lines, method, class)
  end
  cats_method(lines, { "close", {}, {}, "Ends it now; also done by <close> and by the collector." },
    class)
  cats_options(lines, class .. ".options", service.params)
  lines[#lines + 1] = ("--- What core.service(%q) gives."):format(service.name)
  lines[#lines + 1] = ("---@alias %s.open fun(options?: %s.options): %s?, string?, string?"):format(
    class, class, class)
  lines[#lines + 1] = ""
end

--- The operators of one plugin, of whatever kinds, and its services.
local function cats_plugin(plugin, ops)
  local lines, open = {}, {}
  header(lines)
  for _, service in ipairs(core.services()) do
    if service.plugin == plugin then
      cats_service(lines, service)
    end
  end
  for _, entry in ipairs(reference.kinds) do
    for _, op in ipairs(ops) do
      if op.plugin == plugin and op.input == entry.kind then
        if not open[entry.kind] then
          open[entry.kind] = true
          lines[#lines + 1] = "---@class " .. entry.class
          lines[#lines + 1] = "local " .. entry.class:match "[^.]+$" .. " = {}"
          lines[#lines + 1] = ""
        end
        cats_op(lines, op, entry.class)
      end
    end
  end
  return table.concat(lines, "\n")
end

--- LuaCATS files by name: one for each kind with the built-in operators, one for each plugin that
--- brings more.
---@return table<string, string>
function reference.meta()
  local ops, files = core.ops(), {}
  for _, entry in ipairs(reference.kinds) do
    files[entry.kind .. ".lua"] = cats_kind(entry, ops)
  end
  for _, op in ipairs(ops) do
    local name = op.plugin ~= "ops" and "plugin_" .. op.plugin .. ".lua"
    if name and not files[name] then
      files[name] = cats_plugin(op.plugin, ops)
    end
  end
  for _, service in ipairs(core.services()) do
    local name = "plugin_" .. service.plugin .. ".lua"
    files[name] = files[name] or cats_plugin(service.plugin, ops)
  end
  return files
end

-- ---- the page ----

local function cell(text)
  return (one_line(text):gsub("|", "\\|"))
end

local function page_op(lines, op, entry)
  lines[#lines + 1] = ("### %s"):format(op.name)
  lines[#lines + 1] = ""
  lines[#lines + 1] = ("`%s` gives %s: %s."):format(reference.signature(op, entry.variable),
    op.output == "records" and "rows" or op.output, op.summary)
  lines[#lines + 1] = ""
  if #op.params > 0 then
    lines[#lines + 1] = "| parameter | type | default | meaning |"
    lines[#lines + 1] = "|---|---|---|---|"
    for _, param in ipairs(op.params) do
      local kind = param.choices and table.concat(param.choices, ", ") or param.type
      kind = range(param) and kind .. " " .. range(param) or kind
      lines[#lines + 1] = ("| %s%s | %s | %s | %s |"):format(param.main and "**" .. param.name
        .. "**" or param.name, "", cell(kind), cell(need(param)), cell(param.doc or ""))
    end
    lines[#lines + 1] = ""
  end
  if op.doc then
    lines[#lines + 1] = words.wrap(op.doc, "", 100)
    lines[#lines + 1] = ""
  end
  lines[#lines + 1] = "```lua"
  lines[#lines + 1] = examples[op.name]
    or error(("operator %s has no example in scripts/lab/examples.lua"):format(op.name), 0)
  lines[#lines + 1] = "```"
  lines[#lines + 1] = ""
end

local preface = [[
# Operators

Written by `lualab ops --reference` from the descriptors of the built-in operators; the examples are
run by the test suite.

An operator image.resize is `img:resize { width = 256 }` in Lua: options go in a table by name. The
parameter in **bold** may also be passed alone or first: `mask:feather(3)`,
`map:mask { "cat", "dog" }`. A mistake (a wrong type, a value out of range, a name that does not
exist) raises an error that names it; what goes wrong outside (memory, an interruption) gives nil, a
message and a code. Class ids, columns and rows are counted from 0, positions in tensors and lists
from 1.
]]

--- The reference page of the built-in operators.
---@return string
function reference.page()
  local ops, lines = core.ops(), { preface }
  for _, entry in ipairs(reference.kinds) do
    lines[#lines + 1] = "## " .. entry.title
    lines[#lines + 1] = ""
    for _, op in ipairs(ops) do
      if op.plugin == "ops" and op.input == entry.kind then
        page_op(lines, op, entry)
      end
    end
  end
  return (table.concat(lines, "\n"):gsub("\n+$", "\n"))
end

return reference
