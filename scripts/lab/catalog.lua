-- The catalog as scripts see it: SQL with rows as tables, transactions, and results as they were.
-- The file is LUALAB_DB, else lualab/catalog.db in the user's data folder.
--
--   local db <close> = assert(lab.catalog())
--   for row in db:rows("SELECT path, label FROM v_segments WHERE fraction > ?", 0.5) do … end
--   local r = assert(db:result(12))
--   r:overlay { colors = { person = "#ff00ff" } }:save "again.png"
--
-- Values for parameters are given one by one, or as a table by position or by name. A statement is
-- prepared when it is first asked for, and kept.

local core = require "lab.core"
local paths = require "lab.paths"

local catalog = {}

---@class lab.Catalog
local Catalog = {}
Catalog.__index = Catalog
Catalog.__name = "lab.Catalog"

-- Prepared statements that wait for their next use, at most. A script has fewer; one that writes
-- its values into the text has no end of them.
local MAX_IDLE = 64

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
  return setmetatable({ db = db, idle = {}, idle_count = 0, depth = 0 }, Catalog)
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

-- ---- statements ----

--- Takes a statement out of those that wait, or prepares one. What follows it in the text, other
--- than comments, is given back.
local function take(self, sql)
  local db = open(self)
  local statement = self.idle[sql]
  if statement then
    self.idle[sql] = nil
    self.idle_count = self.idle_count - 1
    return statement
  end
  local rest, code
  statement, rest, code = db:prepare(sql)
  if not statement then
    return nil, rest ~= "" and rest or "there is no SQL in it", code or "INVALID"
  end
  if rest and rest:gsub("%-%-[^\n]*", ""):gsub("/%*.-%*/", ""):find "[^%s;]" then
    return statement, rest
  end
  return statement
end

--- Lets a statement wait for its next use. One that failed, or whose text is in use twice, is
--- closed instead.
local function give_back(self, sql, statement)
  if not self.db or self.idle[sql] or not pcall(statement.reset, statement) then
    statement:close()
    return
  end
  if self.idle_count >= MAX_IDLE then
    local other, old = next(self.idle)
    self.idle[other] = nil
    self.idle_count = self.idle_count - 1
    old:close()
  end
  self.idle[sql] = statement
  self.idle_count = self.idle_count + 1
end

--- Binds; a parameter that gets no value is NULL, whatever it was the last time.
local function bind(statement, ...)
  local first = ...
  if select("#", ...) == 0 or first == nil and select("#", ...) == 1 then
    statement:bind(table.unpack({}, 1, statement:parameters()))
  elseif type(first) == "table" and first.blob == nil and select("#", ...) == 1 then
    statement:bind(table.unpack({}, 1, statement:parameters()))
    local count = first.n or #first
    if count == 1 then
      statement:bind { first[1] } -- as below
    elseif #first > 0 then
      statement:bind(table.unpack(first, 1, count))
    else
      statement:bind(first)
    end
  elseif type(first) == "table" and select("#", ...) == 1 then
    statement:bind { first } -- alone it would be taken for the names of parameters
  else
    statement:bind(...)
  end
end

--- A statement that is alone in its text, with its values bound. Values that cannot be bound are a
--- mistake of the script: that raises.
local function prepare(self, sql, ...)
  local statement, rest, code = take(self, sql)
  if not statement then
    return nil, rest, code
  end
  if rest then
    statement:close()
    return nil, "one statement at a time: there is more after the first", "INVALID"
  end
  local ok, message = pcall(bind, statement, ...)
  if not ok then
    statement:close()
    -- The place in this file helps nobody.
    error((tostring(message):gsub("^[^\n]-:%d+: ", "")), 0)
  end
  return statement
end

--- The rows of a query as lists, and the names of the columns.
---@param sql string
---@param ... any  values of parameters
---@return table[]? rows      each with n; NULL is nil
---@return string[]|string columns
---@return string? code
function Catalog:query(sql, ...)
  local statement, message, code = prepare(self, sql, ...)
  if not statement then
    return nil, message, code
  end
  local rows = {}
  local more
  repeat
    more, message, code = statement:step()
    if more then
      rows[#rows + 1] = statement:row()
    end
  until not more
  if more == nil then
    statement:close()
    return nil, message, code
  end
  local columns = statement:columns()
  give_back(self, sql, statement)
  return rows, columns
end

local function by_name(columns, values)
  local row = {}
  for i, name in ipairs(columns) do
    row[name] = values[i]
  end
  return row
end

--- Walks over the rows of a query as tables by column name. A query that fails raises: its text is
--- the script's.
---   for row in db:rows("SELECT label, pixels FROM v_segments") do print(row.label) end
---@param sql string
---@param ... any  values of parameters
---@return fun(): table?
function Catalog:rows(sql, ...)
  local statement, message = prepare(self, sql, ...)
  if not statement then
    error(message, 2)
  end
  local columns, ended
  local function finish()
    if not ended then
      ended = true
      give_back(self, sql, statement)
    end
  end
  local function step()
    if ended then
      return nil
    end
    local more, why = statement:step()
    if more == nil then
      ended = true
      statement:close()
      error(why, 2)
    elseif not more then
      finish()
      return nil
    end
    columns = columns or statement:columns()
    return by_name(columns, statement:row())
  end
  return step, nil, nil, setmetatable({}, { __close = finish })
end

--- The first row of a query as a table by column name; nil alone when there is none.
---@param sql string
---@param ... any  values of parameters
---@return table? row
---@return string? message
---@return string? code
function Catalog:one(sql, ...)
  local rows, columns, code = self:query(sql, ...)
  if not rows then
    return nil, columns, code
  end
  return rows[1] and by_name(columns, rows[1])
end

--- The first value of a query's first row.
---@param sql string
---@param ... any  values of parameters
---@return any value
---@return string? message
---@return string? code
function Catalog:value(sql, ...)
  local rows, message, code = self:query(sql, ...)
  if not rows then
    return nil, message, code
  end
  return rows[1] and rows[1][1]
end

--- Runs a statement for what it does; without values, one after another of several.
---@param sql string
---@param ... any  values of parameters
---@return integer? changes  rows that the last one changed
---@return string? message
---@return string? code
function Catalog:exec(sql, ...)
  if select("#", ...) > 0 then
    local rows, message, code = self:query(sql, ...)
    if not rows then
      return nil, message, code
    end
    return open(self):changes()
  end
  local rest = sql
  while rest do
    local text = rest
    local statement, more, code = take(self, text)
    if not statement then
      return nil, more, code
    end
    rest = more
    bind(statement)
    local row, message
    repeat
      row, message, code = statement:step()
    until not row
    if row == nil then
      statement:close()
      return nil, message, code
    elseif rest then -- its text is more than the statement: not to be found again
      statement:close()
    else
      give_back(self, text, statement)
    end
  end
  return open(self):changes()
end

-- ---- transactions ----

--- Calls a function between BEGIN and COMMIT: what it writes is there as a whole or not at all. It
--- is undone when the function raises (which goes on to the caller) and when it returns nil and a
--- message, as functions here do that fail. Inside another transaction it is a part of that one,
--- which can be undone by itself.
---   assert(db:transaction(function() … end))
---@param fn fun(db: lab.Catalog, ...): ...
---@param ... any  given to the function after the catalog
---@return ... what the function returns, or true when that is nothing; nil, message, code
function Catalog:transaction(fn, ...)
  local outermost = self.depth == 0
  local ok, message, code = self:exec(outermost and "BEGIN IMMEDIATE" or "SAVEPOINT script")
  if not ok then
    return nil, message, code
  end
  self.depth = self.depth + 1
  local results = table.pack(pcall(fn, self, ...))
  self.depth = self.depth - 1
  local fine = results[1] and not (results[2] == nil and results[3] ~= nil)
  if fine and self.db then
    ok, message, code = self:exec(outermost and "COMMIT" or "RELEASE script")
    if ok then
      return table.unpack(results.n > 1 and results or { true, true, n = 2 }, 2,
        math.max(results.n, 2))
    end
    results = { true, nil, message, code, n = 4 }
  end
  if self.db then
    -- After Ctrl-C nothing runs until that is answered, and undoing must run now.
    local stopped = core.stopped()
    core.clear_stop()
    -- A full disk may have ended the transaction already: then there is nothing to undo.
    if outermost then
      self:exec "ROLLBACK"
    else
      self:exec "ROLLBACK TO script"
      self:exec "RELEASE script"
    end
    if stopped and results[1] then
      results = { true, nil, "interrupted", "INTERRUPTED", n = 4 }
    end
  end
  if not results[1] then
    error(results[2], 0)
  end
  return table.unpack(results, 2, results.n)
end

-- ---- what is recorded ----

--- The label map of a result.
---@param result integer
---@return lab.LabelMap? map
---@return string? message
---@return string? code
function Catalog:map(result)
  return open(self):map(result)
end

--- A result as it was when it was made: map, labels, legend, timings, and the picture if its file
--- is still there.
---@param id integer
---@return lab.Result? result
---@return string? message
---@return string? code
function Catalog:result(id)
  open(self)
  return require "lab.stored"(self, id)
end

--- Ends statements that run longer than this.
---@param seconds number  0: no limit
function Catalog:time_limit(seconds)
  open(self):time_limit(seconds)
end

--- Ends statements that make a text, a blob or a row of more bytes. A time limit does not end one
--- function that makes a gigabyte.
---@param bytes integer
function Catalog:value_limit(bytes)
  open(self):value_limit(bytes)
end

function Catalog:close()
  if self.db then
    for _, statement in pairs(self.idle) do
      statement:close()
    end
    self.idle, self.idle_count = {}, 0
    self.db:close()
    self.db = nil
  end
end

Catalog.__close = Catalog.close

function Catalog:__tostring()
  return self.db and "catalog " .. self.db:path() or "catalog (closed)"
end

return catalog
