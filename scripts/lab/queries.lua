-- The named queries of db/queries: one file each. Its comment at the top begins with "-- name: …"
-- and says what the query answers; then each ":parameter" has a line of its own. A parameter whose
-- words tell what NULL means can be left out, the others are needed.

local core = require "lab.core"
local paths = require "lab.paths"
local sys = require "lab.sys"
local words = require "lab.words"

local queries = {}

---@class lab.Query
---@field name string
---@field sql string        the whole file
---@field about string      what it answers
---@field summary string    its first sentence
---@field parameters { name: string, doc: string, optional: boolean }[]

--- Reads the comment at the top of a query.
---@param name string
---@param sql string
---@return lab.Query
function queries.parse(name, sql)
  local query = { name = name, sql = sql, parameters = {} }
  local about, parameter = {}, nil
  for line in sql:gmatch "[^\n]*" do
    local comment = line:match "^%-%-%s*(.*)$"
    if not comment then
      break
    end
    local parameter_name, doc = comment:match "^:([%w_]+)%s+(.*)$"
    if parameter_name then
      parameter = { name = parameter_name, doc = doc }
      query.parameters[#query.parameters + 1] = parameter
    elseif parameter then
      parameter.doc = parameter.doc .. " " .. comment
    elseif not comment:find "^name:" then
      about[#about + 1] = comment
    end
  end
  for _, one in ipairs(query.parameters) do
    one.optional = one.doc:find("NULL:", 1, true) ~= nil
  end
  local text = table.concat(about, " ")
  query.about, query.summary = text, text:match "^(.-%.)%s" or text
  return query
end

--- All of them, sorted by name.
---@return lab.Query[]
function queries.list()
  local list = {}
  local folder = paths.program("db", "queries")
  for _, entry in ipairs(sys.list(folder) or {}) do
    local name = entry.name:match "^([%w_-]+)%.sql$"
    local sql = name and core.read_file(paths.join(folder, entry.name), 1 << 20)
    if sql then
      list[#list + 1] = queries.parse(name, sql)
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

--- The query of this name.
---@param name string
---@return lab.Query? query
---@return string? message  names the nearest, and all there are
function queries.get(name)
  local names = {}
  for i, query in ipairs(queries.list()) do
    if query.name == name then
      return query
    end
    names[i] = query.name
  end
  return nil, words.unknown("SQL or named query", name, names)
end

--- The first needed parameter that has no value, as a sentence.
---@param query lab.Query
---@param values table<string, any>
---@return string? message
function queries.missing(query, values)
  for _, one in ipairs(query.parameters) do
    if not one.optional and values[one.name] == nil then
      return ("the query '%s' needs -p %s=…: %s"):format(query.name, one.name, one.doc)
    end
  end
end

--- One line for each: its name and the first words of its sentence.
---@return string
function queries.overview()
  local lines = {}
  for i, query in ipairs(queries.list()) do
    local first = query.summary:match "^(.-)[:.]%s" or query.summary:gsub("%.$", "")
    lines[i] = ("%-18s %s.\n"):format(query.name, first)
  end
  return table.concat(lines)
end

--- A query for people: what it answers, and its parameters.
---@param query lab.Query
---@return string
function queries.describe(query)
  local lines = { words.wrap(query.about) }
  for _, one in ipairs(query.parameters) do
    local head = ("  -p %s=…"):format(one.name)
    head = head .. (" "):rep(18 - utf8.len(head)) .. " "
    lines[#lines + 1] = head .. words.wrap(one.doc, "", 59):gsub("\n", "\n" .. (" "):rep(19))
  end
  return table.concat(lines, "\n") .. "\n"
end

--- "name=value" pairs: whole numbers and decimals are numbers, the rest is text.
---@param list string[]
---@return table<string, any>? values
---@return string? message
function queries.read_parameters(list)
  local values = {}
  for _, text in ipairs(list) do
    local name, value = text:match "^[:@$]?([%w_]+)=(.*)$"
    if not name then
      return nil, ("-p %s: name=value is expected"):format(text)
    end
    values[name] = value:match "^%-?%d+$" and math.tointeger(value)
      or value:match "^%-?%d+%.?%d*$" and tonumber(value) or value
  end
  return values
end

return queries
