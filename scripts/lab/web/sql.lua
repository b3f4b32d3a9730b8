-- SQL over HTTP, on a connection that can only read and for a bounded time. What a statement is
-- shows in its first word: only those that read are let through, so that none can attach another
-- file, change how the connection works or leave a transaction open.

local catalog = require "lab.catalog"
local core = require "lab.core"
local html = require "lab.html"
local http = require "lab.web.http"
local json = require "lab.json"
local queries = require "lab.queries"
local sys = require "lab.sys"

local sql = {}

local MAX_TEXT = 100000    -- bytes of a statement
local MAX_PICTURE = 262144 -- bytes of a picture that is given as such
local MAX_ANSWER = 16 << 20 -- bytes of all values of an answer, and of what one function makes
local MAX_VALUE = 1 << 20  -- bytes of one text
local VALUE_COST = 64      -- bytes that any value counts for: a thousand nulls take time, too

local reads = { select = true, with = true, values = true }

--- The text behind white space and comments.
local function behind_comments(text)
  while true do
    local rest = text:gsub("^%s+", ""):gsub("^%-%-[^\n]*", ""):gsub("^/%*.-%*/", "")
    if rest == text then
      return text
    end
    text = rest
  end
end

--- Why a statement is not run; nil when it may be.
---@param text string
---@return string? message
function sql.refuse(text)
  if #text > MAX_TEXT then
    return ("the statement has %d bytes: at most %d"):format(#text, MAX_TEXT)
  elseif text:find "\0" then
    return "the statement has a zero byte in it"
  end
  local rest = behind_comments(text)
  local word = rest:match "^%a+"
  if word and word:lower() == "explain" then
    rest = behind_comments(rest:sub(#word + 1))
    local first, after = rest:match "^(%a+)()"
    if first and first:lower() == "query" then
      rest = behind_comments(rest:sub(after))
      local plan, behind = rest:match "^(%a+)()"
      rest = plan and plan:lower() == "plan" and behind_comments(rest:sub(behind)) or ""
    end
    word = rest:match "^%a+"
  end
  if not word or not reads[word:lower()] then
    return ("this connection only reads: SELECT, WITH, VALUES or EXPLAIN; got '%s'"):format(
      http.shown(word or rest:sub(1, 20)))
  end
end

-- ---- named queries ----

--- GET /api/queries
---@return lab.WebResponse
function sql.list()
  local list = {}
  for i, query in ipairs(queries.list()) do
    local parameters = {}
    for j, one in ipairs(query.parameters) do
      parameters[j] = json.ordered({ "name", "doc", "optional" }, { name = one.name,
        doc = one.doc, optional = one.optional })
    end
    list[i] = json.ordered({ "name", "summary", "about", "sql", "parameters" }, {
      name = query.name, summary = query.summary, about = query.about, sql = query.sql,
      parameters = json.list(parameters) })
  end
  return http.json(200, { queries = json.list(list) })
end

-- ---- values ----

--- A value as JSON has it. Bytes are counted, pictures are shown; whole numbers beyond 2^53 would
--- be another number in a browser and are texts.
local function value_of(value)
  if type(value) ~= "string" then
    if math.type(value) == "integer" and (value > 1 << 53 or value < -(1 << 53)) then
      return tostring(value)
    elseif value ~= value or value == math.huge or value == -math.huge then
      return tostring(value)
    end
    return value == nil and json.null or value
  elseif value:find "^\137PNG\r\n\26\n" and #value <= MAX_PICTURE then
    return { image = html.data_url(value, "png") }
  elseif value:find "%z" or not utf8.len(value) then
    return { bytes = #value }
  elseif #value > MAX_VALUE then
    return value:sub(1, utf8.offset(value, 0, MAX_VALUE) - 1) .. "…"
  end
  return value
end

--- Values for parameters: plain ones, by name or in order.
local function read_parameters(given)
  local values = {}
  for name, value in pairs(given or {}) do
    if type(value) == "table" then
      return nil, ("the parameter '%s' of the query must be a plain value"):format(http.shown(name))
    end
    values[type(name) == "string" and name:gsub("^[:@$]", "") or name] = value
  end
  return values
end

--- The statement that a call means, and its values.
local function read_call(values)
  local bound, message = read_parameters(values.parameters)
  if not bound then
    return nil, message, 400
  elseif (values.sql == nil) == (values.query == nil) then
    return nil, "give either sql, a statement, or query, the name of one (GET /api/queries)", 400
  elseif values.sql then
    return values.sql, bound
  end
  local query
  query, message = queries.get(values.query)
  if not query then
    return nil, message, 404
  end
  message = queries.missing(query, bound)
  if message then
    return nil, message:gsub("needs %-p (%S+)=…", "needs the parameter '%1'"), 400
  end
  return query.sql, bound
end

-- ---- asking ----

--- Steps through the rows, as many as are wanted.
local function collect(statement, limit)
  local rows, size = {}, 0
  while true do
    local more, message, code = statement:step()
    if more == nil then
      return nil, message, code
    elseif not more then
      return rows, false
    elseif #rows >= limit or size > MAX_ANSWER then
      return rows, true
    end
    local row, values = statement:row(), {}
    for i = 1, row.n do
      size = size + VALUE_COST + (type(row[i]) == "string" and math.min(#row[i], MAX_VALUE) or 0)
      values[i] = value_of(row[i])
    end
    rows[#rows + 1] = json.list(values)
  end
end

--- Runs one statement on a connection of its own kind: prepared, stepped and thrown away.
local function ask(db, text, bound, limit)
  local connection = db:connection()
  local statement, rest, code = connection:prepare(text)
  if not statement then
    return nil, rest ~= "" and rest or "there is no SQL in it", code
  end
  local _ <close> = setmetatable({}, { __close = function() statement:close() end })
  if rest and behind_comments(rest):find "[^%s;]" then
    return nil, "one statement at a time: there is more after the first", "INVALID"
  end
  local ok, message = pcall(statement.bind, statement, bound)
  if not ok then
    return nil, tostring(message), "INVALID"
  end
  local rows, truncated, why = collect(statement, limit)
  if not rows then
    return nil, truncated, why
  end
  local columns = {}
  for i, name in ipairs(statement:columns()) do
    columns[i] = html.valid(name)
  end
  return { columns = json.list(columns), rows = json.list(rows), truncated = truncated }
end

--- POST /api/sql
---@param call lab.WebCall
---@return lab.WebResponse
function sql.run(call)
  local context, values = call.context, call.values
  local text, bound, status = read_call(values)
  if not text then
    return http.problem(status, bound)
  end
  local refusal = sql.refuse(text)
  if refusal then
    return http.problem(403, refusal, nil, "read_only")
  end
  local db, problem = sql.open(context)
  if not db then
    return problem
  end
  local started = sys.clock()
  local answer, message, code = ask(db, text, bound, values.limit)
  if not answer then
    if core.stopped() then
      error("interrupted!", 0)
    end
    -- What SQL says of a statement is the sender's matter; a damaged catalog is not.
    local time = code == "INTERRUPTED" or code == "LIMIT" and message:find("stopped after", 1, true)
    return http.problem(code == "NOMEM" and 503 or 400, html.valid(message), nil,
      time and "time_limit" or "sql")
  end
  return http.json(200, json.ordered({ "columns", "rows", "truncated", "ms" }, {
    columns = answer.columns, rows = answer.rows, truncated = answer.truncated,
    ms = tonumber(("%.3f"):format(1000 * (sys.clock() - started))) }))
end

--- The connection for strangers' SQL: it has limits, which the server's questions have not.
---@param context table
---@return lab.Catalog? db
---@return lab.WebResponse? problem
function sql.open(context)
  if not context.asker then
    local db, message, code = catalog.open(context.db_path, "read")
    if not db then
      return nil, http.problem(code == "DB" and 500 or 404, html.valid(message))
    end
    db:time_limit(context.sql_seconds)
    db:value_limit(MAX_ANSWER)
    context.asker = db
  end
  return context.asker
end

return sql
