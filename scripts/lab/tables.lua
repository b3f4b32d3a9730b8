-- Rows as text: an aligned table and Markdown for people; CSV (RFC 4180), tab-separated values and
-- JSON for programs. NULL is empty except in JSON; bytes are shown by their number in tables and
-- Markdown and as hexadecimal digits elsewhere.

local json = require "lab.json"

local tables = {}

local function is_binary(value)
  return type(value) == "string" and (value:find "\0" ~= nil or not utf8.len(value))
end

local function hex(bytes)
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

local function plain(value)
  if value == nil then
    return ""
  elseif math.type(value) == "float" then
    return ("%.6g"):format(value)
  elseif is_binary(value) then
    return ("(%d bytes)"):format(#value)
  end
  return (tostring(value):gsub("[%c]", " "))
end

local function width_of(text)
  return utf8.len(text) or #text
end

--- Columns as wide as their longest value; numbers to the right.
---@param columns string[]
---@param rows table[]
---@return string
function tables.table(columns, rows)
  local widths, numeric = {}, {}
  for i, name in ipairs(columns) do
    widths[i], numeric[i] = width_of(name), #rows > 0
  end
  local cells = {}
  for r, row in ipairs(rows) do
    cells[r] = {}
    for i = 1, #columns do
      cells[r][i] = plain(row[i])
      widths[i] = math.max(widths[i], width_of(cells[r][i]))
      numeric[i] = numeric[i] and (row[i] == nil or type(row[i]) == "number")
    end
  end
  local function line(texts)
    local parts = {}
    for i, text in ipairs(texts) do
      local space = (" "):rep(widths[i] - width_of(text))
      parts[i] = numeric[i] and space .. text or text .. space
    end
    return (table.concat(parts, "  "):gsub("%s+$", "")) .. "\n"
  end
  local rule = {}
  for i, width in ipairs(widths) do
    rule[i] = ("-"):rep(width)
  end
  local lines = { line(columns), line(rule) }
  for r = 1, #rows do
    lines[#lines + 1] = line(cells[r])
  end
  return table.concat(lines)
end

local function csv_cell(value)
  if value == nil then
    return ""
  end
  local text = is_binary(value) and hex(value) or tostring(value)
  if text:find '[",\r\n]' then
    text = '"' .. text:gsub('"', '""') .. '"'
  end
  return text
end

--- RFC 4180, but with "\n" at line ends, as Unix tools expect.
---@param columns string[]
---@param rows table[]
---@return string
function tables.csv(columns, rows)
  local lines = {}
  local function add(values, count)
    local cells = {}
    for i = 1, count do
      cells[i] = csv_cell(values[i])
    end
    lines[#lines + 1] = table.concat(cells, ",") .. "\n"
  end
  add(columns, #columns)
  for _, row in ipairs(rows) do
    add(row, #columns)
  end
  return table.concat(lines)
end

local tsv_escapes = { ["\t"] = "\\t", ["\n"] = "\\n", ["\r"] = "\\r", ["\\"] = "\\\\" }

--- Values between tabs, one row a line; tabs, line ends and backslashes in values are \t, \n, \r
--- and \\, so that a line is always a row.
---@param columns string[]
---@param rows table[]
---@return string
function tables.tsv(columns, rows)
  local lines = {}
  local function add(values, count)
    local cells = {}
    for i = 1, count do
      local value = values[i]
      local text = value == nil and "" or is_binary(value) and hex(value) or tostring(value)
      cells[i] = text:gsub("[\t\n\r\\]", tsv_escapes)
    end
    lines[#lines + 1] = table.concat(cells, "\t") .. "\n"
  end
  add(columns, #columns)
  for _, row in ipairs(rows) do
    add(row, #columns)
  end
  return table.concat(lines)
end

--- A table in Markdown; numbers to the right. What Markdown or HTML would read stays text.
---@param columns string[]
---@param rows table[]
---@return string
function tables.markdown(columns, rows)
  local function cell(value)
    local text = plain(value):gsub("&", "&amp;"):gsub("<", "&lt;")
    return (text:gsub("[\\|*_`~%[%]]", "\\%0"))
  end
  local head, rule, lines = {}, {}, {}
  for i, name in ipairs(columns) do
    local numeric = #rows > 0
    for _, row in ipairs(rows) do
      numeric = numeric and (row[i] == nil or type(row[i]) == "number")
    end
    head[i], rule[i] = cell(name), numeric and "---:" or "---"
  end
  local function add(cells)
    lines[#lines + 1] = "| " .. table.concat(cells, " | ") .. " |\n"
  end
  add(head)
  add(rule)
  for _, row in ipairs(rows) do
    local cells = {}
    for i = 1, #columns do
      cells[i] = cell(row[i])
    end
    add(cells)
  end
  return table.concat(lines)
end

--- The rows as JSON objects.
local function objects(columns, rows)
  local lines = {}
  for r, row in ipairs(rows) do
    local parts = {}
    for i, name in ipairs(columns) do
      local value = row[i]
      if is_binary(value) then
        value = hex(value)
      end
      parts[i] = json.encode(name) .. ":" .. json.encode(value)
    end
    lines[r] = "{" .. table.concat(parts, ",") .. "}"
  end
  return lines
end

--- A list of objects, one a line.
---@param columns string[]
---@param rows table[]
---@return string
function tables.json(columns, rows)
  return "[" .. table.concat(objects(columns, rows), ",\n ") .. "]\n"
end

--- Objects without a list around them, one a line.
---@param columns string[]
---@param rows table[]
---@return string
function tables.ndjson(columns, rows)
  local lines = objects(columns, rows)
  return table.concat(lines, "\n") .. (#lines > 0 and "\n" or "")
end

--- The nodes of a model, as m:nodes() gives them, with the kernel that each got.
---@param nodes table[]
---@return string
function tables.nodes(nodes)
  local rows = {}
  for i, node in ipairs(nodes) do
    rows[i] = { node.index, node.label or node.op, table.concat(node.shape, "x"), node.dtype,
      node.macs, node.kernel or "(constant)" }
  end
  return tables.table({ "node", "operator", "output", "type", "macs", "kernel" }, rows)
end

return tables
