-- What may follow in SQL that is being typed: tables and views after FROM and the like, columns of
-- the tables that the statement names (after "alias." only of that one), functions and keywords.
-- The names come from the catalog itself, so that a user's own views are known too.

local sql_complete = {}

local keywords = { "ALL", "AND", "AS", "ASC", "BETWEEN", "BY", "CASE", "CAST", "COUNT", "CROSS",
  "DELETE", "DESC", "DISTINCT", "ELSE", "END", "EXCEPT", "EXISTS", "EXPLAIN", "FILTER", "FROM",
  "GLOB", "GROUP", "HAVING", "IN", "INNER", "INSERT", "INTERSECT", "INTO", "IS", "JOIN", "LEFT",
  "LIKE", "LIMIT", "MATCH", "NOT", "NULL", "OFFSET", "ON", "OR", "ORDER", "OVER", "PARTITION",
  "PLAN", "QUERY", "SELECT", "SET", "THEN", "UNION", "UPDATE", "USING", "VALUES", "WHEN", "WHERE",
  "WITH" }

local is_keyword = {}
for _, word in ipairs(keywords) do
  is_keyword[word] = true
end

-- After these words a table is named.
local before_table = { FROM = true, JOIN = true, INTO = true, UPDATE = true, TABLE = true }

---@class lab.SqlToken
---@field text string
---@field type string  "word", "name" (quoted), "string", "number", "symbol"
---@field at integer   1-based

--- Takes a statement apart; comments are left out. An unfinished string, quoted name or comment is
--- told by its opening.
---@param text string
---@return lab.SqlToken[] tokens
---@return string? unfinished  "'", '"', "`", "[", "/*"
function sql_complete.tokens(text)
  local tokens, at = {}, 1
  local closing = { ["'"] = "'", ['"'] = '"', ["`"] = "`", ["["] = "]" }
  local function add(kind, stop)
    tokens[#tokens + 1] = { type = kind, text = text:sub(at, stop), at = at }
    at = stop + 1
  end
  while true do
    at = text:find("%S", at)
    if not at then
      return tokens
    end
    local c = text:sub(at, at)
    if text:find("^%-%-", at) then
      at = text:find("\n", at, true) or #text + 1
    elseif text:find("^/%*", at) then
      local _, stop = text:find("*/", at + 2, true)
      if not stop then
        return tokens, "/*"
      end
      at = stop + 1
    elseif closing[c] then
      local stop = text:find(closing[c], at + 1, true)
      -- A doubled quote stands for itself.
      while stop and c ~= "[" and text:sub(stop + 1, stop + 1) == c do
        stop = text:find(c, stop + 2, true)
      end
      if not stop then
        return tokens, c
      end
      add(c == "'" and "string" or "name", stop)
    elseif text:find("^[%a_\128-\255]", at) then
      add("word", select(2, text:find("^[%w_$\128-\255]+", at)))
    elseif text:find("^%d", at) then
      add("number", select(2, text:find("^[%w.]+", at)))
    else
      add("symbol", at)
    end
  end
end

--- Whether a statement is at its end: a semicolon outside of strings and comments.
---@param text string
---@return boolean
function sql_complete.is_whole(text)
  local tokens, unfinished = sql_complete.tokens(text)
  return not unfinished and #tokens > 0 and tokens[#tokens].text == ";"
end

--- What the catalog knows: tables and views with their columns, functions.
---@param db lab.Catalog
---@return table schema  { tables = { name = { column, … } }, functions = { … } }
function sql_complete.schema(db)
  local schema = { tables = {}, functions = {} }
  local names = db:query [[SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')
    AND name NOT LIKE 'sqlite\_%' ESCAPE '\']]
  for _, row in ipairs(names or {}) do
    local columns = {}
    for _, column in ipairs(db:query("SELECT name FROM pragma_table_xinfo(?1)", row[1]) or {}) do
      columns[#columns + 1] = column[1]
    end
    schema.tables[row[1]] = columns
  end
  local functions = db:query [[
    SELECT DISTINCT name FROM pragma_function_list WHERE name GLOB '[a-z]*']]
  for i, row in ipairs(functions or {}) do
    schema.functions[i] = row[1]
  end
  return schema
end

local function unquoted(token)
  if token.type == "name" then
    return token.text:sub(2, -2)
  end
  return token.text
end

--- The tables that the statement names, by name and by alias.
local function tables_in(tokens, schema)
  local found = {}
  local by_lower = {}
  for name in pairs(schema.tables) do
    by_lower[name:lower()] = name
  end
  for i, token in ipairs(tokens) do
    local name = (token.type == "word" or token.type == "name")
      and by_lower[unquoted(token):lower()]
    local before = tokens[i - 1]
    if name and before and (before_table[before.text:upper()] or before.text == ",") then
      found[name:lower()] = name
      local alias = tokens[i + 1]
      if alias and alias.text:upper() == "AS" then
        alias = tokens[i + 2]
      end
      if alias and (alias.type == "name"
        or alias.type == "word" and not is_keyword[alias.text:upper()]) then
        found[unquoted(alias):lower()] = name
      end
    end
  end
  return found
end

--- Adds names that begin with `start`, whatever the case.
local function add(into, names, start)
  for _, name in ipairs(names) do
    if name:sub(1, #start):lower() == start:lower() then
      into[#into + 1] = name
    end
  end
end

local function in_case_of(start, names)
  if not start:find "%l" then
    return names
  end
  local lower = {}
  for i, name in ipairs(names) do
    lower[i] = name:lower()
  end
  return lower
end

local function sorted_keys(t)
  local list = {}
  for key in pairs(t) do
    list[#list + 1] = key
  end
  table.sort(list)
  return list
end

local function unique(list)
  table.sort(list)
  local result = {}
  for i, name in ipairs(list) do
    if name ~= list[i - 1] then
      result[#result + 1] = name
    end
  end
  return result
end

--- What the word at the end of the text may become: whole words, and where it begins.
---@param text string       the statement up to the cursor
---@param schema table      of sql_complete.schema
---@param after? string     what follows the cursor: tables named there count
---@return string[] candidates
---@return integer start    1-based
function sql_complete.complete(text, schema, after)
  local tokens, unfinished = sql_complete.tokens(text)
  if unfinished then
    return {}, #text + 1
  end
  local start = ""
  local last = tokens[#tokens]
  if last and last.type == "word" and last.at + #last.text > #text then
    start = last.text
    tokens[#tokens] = nil
  elseif last and last.type == "number" and last.at + #last.text > #text then
    return {}, #text + 1
  end
  local before = tokens[#tokens]
  local list = {}
  local rest = text:sub(1, #text - #start) .. " " .. (after or "")
  local named = tables_in((sql_complete.tokens(rest)), schema)
  if before and before.text == "." and tokens[#tokens - 1] then
    local name = named[unquoted(tokens[#tokens - 1]):lower()]
    add(list, name and schema.tables[name] or {}, start)
  elseif before and before_table[before.text:upper()] then
    add(list, sorted_keys(schema.tables), start)
  else
    for _, name in pairs(named) do
      add(list, schema.tables[name], start)
    end
    add(list, sorted_keys(named), start)
    add(list, in_case_of(start, keywords), start)
    if start ~= "" then
      add(list, schema.functions, start)
      if not next(named) then -- columns are typed before the table they are of
        for name, columns in pairs(schema.tables) do
          add(list, { name }, start)
          add(list, columns, start)
        end
      end
    end
  end
  return unique(list), #text + 1 - #start
end

return sql_complete
