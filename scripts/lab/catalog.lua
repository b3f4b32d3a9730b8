-- The catalog as scripts see it: SQL with rows as tables, and the recording of runs. The file is
-- LUALAB_DB, else lualab/catalog.db in the user's data folder.

local core = require "lab.core"
local paths = require "lab.paths"

local catalog = {}

---@class lab.Catalog
local Catalog = {}
Catalog.__index = Catalog
Catalog.__name = "lab.Catalog"

--- The catalog's file when none is named.
---@return string
function catalog.default_path()
  local path = os.getenv "LUALAB_DB"
  if path and path ~= "" then
    return path
  end
  return paths.join(paths.data(), "catalog.db")
end

--- Opens a catalog.
---@param path? string  nil: the default; ":memory:" is allowed
---@param mode? string  "create" (default): made if absent; "write": must be there; "read": only
---                     reads, must be there
---@return lab.Catalog? catalog
---@return string? message
---@return string? code
function catalog.open(path, mode)
  path = path or catalog.default_path()
  local db, message, code = core.catalog(path, mode or "create")
  if not db then
    return nil, message, code
  end
  return setmetatable({ db = db }, Catalog)
end

local function open(self)
  return self.db or error("the catalog is closed", 3)
end

---@return string
function Catalog:path()
  return open(self):path()
end

--- The version of the schema.
---@return integer
function Catalog:version()
  return open(self):version()
end

--- The connection of lab.core, for what this wrapper leaves out.
---@return userdata
function Catalog:connection()
  return open(self)
end

--- Prepares the one statement of `sql` and binds its parameters.
local function prepare(self, sql, parameters)
  local statement, rest, code = open(self):prepare(sql)
  if not statement then
    return nil, rest or "there is no SQL in it", code or "INVALID"
  end
  if rest and rest:gsub("%-%-[^\n]*", ""):find "[^%s;]" then
    statement:close()
    return nil, "one statement at a time: there is more after the first", "INVALID"
  end
  if parameters then
    local ok, message
    if #parameters > 0 then
      ok, message, code = statement:bind(table.unpack(parameters, 1, parameters.n or #parameters))
    else
      ok, message, code = statement:bind(parameters)
    end
    if ok == nil and message then
      statement:close()
      return nil, message, code
    end
  end
  return statement
end

--- The rows of a query as lists, and the names of the columns.
---@param sql string
---@param parameters? table  { value, … } by position or { name = value }
---@return table[]? rows      each with n; NULL is nil
---@return string[]|string columns
---@return string? code
function Catalog:query(sql, parameters)
  local statement, message, code = prepare(self, sql, parameters)
  if not statement then
    return nil, message, code
  end
  local columns, rows = statement:columns(), {}
  local more
  repeat
    more, message, code = statement:step()
    if more then
      rows[#rows + 1] = statement:row()
    end
  until not more
  statement:close()
  if more == nil then
    return nil, message, code
  end
  return rows, columns
end

--- Walks over the rows of a query as tables by column name. A query that fails raises: its text is
--- the script's.
---   for row in db:rows("SELECT label, pixels FROM v_segments") do print(row.label) end
---@param sql string
---@param parameters? table
---@return fun(): table?
function Catalog:rows(sql, parameters)
  local statement, message = prepare(self, sql, parameters)
  if not statement then
    error(message, 2)
  end
  local columns = statement:columns()
  local function step()
    local more, why = statement:step()
    if more == nil then
      statement:close()
      error(why, 2)
    elseif not more then
      statement:close()
      return nil
    end
    local values, row = statement:row(), {}
    for i, name in ipairs(columns) do
      row[name] = values[i]
    end
    return row
  end
  return step, nil, nil, setmetatable({}, { __close = function() statement:close() end })
end

--- The first value of a query's first row.
---@param sql string
---@param parameters? table
---@return any value
---@return string? message
---@return string? code
function Catalog:value(sql, parameters)
  local rows, message, code = self:query(sql, parameters)
  if not rows then
    return nil, message, code
  end
  return rows[1] and rows[1][1]
end

--- Runs a statement that gives no rows.
---@param sql string
---@param parameters? table
---@return integer? changes
---@return string? message
---@return string? code
function Catalog:run(sql, parameters)
  local rows, message, code = self:query(sql, parameters)
  if not rows then
    return nil, message, code
  end
  return open(self):changes()
end

--- The label map of a result.
---@param result integer
---@return lab.LabelMap? map
---@return string? message
---@return string? code
function Catalog:map(result)
  return open(self):map(result)
end

--- Ends statements that run longer than this.
---@param seconds number  0: no limit
function Catalog:time_limit(seconds)
  open(self):time_limit(seconds)
end

function Catalog:close()
  if self.db then
    self.db:close()
    self.db = nil
  end
end

Catalog.__close = Catalog.close

function Catalog:__tostring()
  return self.db and "catalog " .. self.db:path() or "catalog (closed)"
end

return catalog
