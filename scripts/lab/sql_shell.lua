-- SQL line by line: a statement goes on until its semicolon, Tab completes tables, columns and
-- functions, Ctrl-C gives up a line or ends what runs, Ctrl-D ends. A word after a point is a
-- command; a named query is run by its name and its parameters: "labels labels=pascal".

local core = require "lab.core"
local paths = require "lab.paths"
local queries = require "lab.queries"
local repl = require "lab.repl"
local sql_complete = require "lab.sql_complete"
local sql_output = require "lab.sql_output"
local sys = require "lab.sys"
local words = require "lab.words"

local sql_shell = {}

---@class lab.SqlShell
---@field db lab.Catalog
---@field format string
---@field ended boolean

local function report(message)
  io.stdout:flush()
  io.stderr:write(message, "\n")
end

--- Runs one statement and prints its rows.
local function run(shell, sql, parameters)
  local start = sys.clock()
  local rows, columns = shell.db:query(sql, parameters)
  if not rows then
    report(columns)
  else
    if #columns > 0 then
      sql_output.write(columns, rows, shell.format)
    end
    shell.schema = nil -- it may have made a table
    local seconds = sys.clock() - start
    if sys.is_tty(2) then
      report(("%d row%s, %.3f s"):format(#rows, #rows == 1 and "" or "s", seconds))
    end
  end
end

-- ---- commands ----

local commands = {}

commands.help = { "this", function()
  local names = {}
  for name in pairs(commands) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    print((".%-10s %s"):format(name, commands[name][1]))
  end
  print "SQL ends with a semicolon. NAME key=value … runs a named query."
end }

commands.tables = { "tables and views", function(shell)
  run(shell, [[SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view')
    AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY type DESC, name]])
end }

commands.schema = { "how a table or view was made: .schema results", function(shell, rest)
  local rows, message = shell.db:query(
    "SELECT sql FROM sqlite_schema WHERE (?1 = '' OR tbl_name = ?1) AND sql IS NOT NULL", rest)
  for _, row in ipairs(rows or {}) do
    print(row[1] .. ";")
  end
  if not rows or #rows == 0 then
    report(message and not rows and message or ("there is no table or view '%s'"):format(rest))
  end
end }

commands.queries = { "the named queries, or what one needs: .queries pictures-with",
  function(_, rest)
    local query, message = queries.get(rest)
    if query or rest == "" then
      io.stdout:write(query and queries.describe(query) or queries.overview())
    else
      report(message)
    end
  end }

commands.format = { "how rows are printed: .format " .. table.concat(sql_output.formats, "|"),
  function(shell, rest)
    for _, name in ipairs(sql_output.formats) do
      if name == rest then
        shell.format = rest
        return
      end
    end
    report(words.unknown("format", rest, sql_output.formats))
  end }

commands.quit = { "ends, as Ctrl-D does", function(shell) shell.ended = true end }

local function run_command(shell, line)
  local name, rest = line:match "^%s*%.(%a*)%s*(.-)[%s;]*$"
  local command = commands[name]
  if command then
    command[2](shell, rest)
    return
  end
  local names = {}
  for known in pairs(commands) do
    names[#names + 1] = known
  end
  table.sort(names)
  report(words.unknown("command", name or line, names))
end

--- A line that is a named query with its parameters; nil when it is none.
local function named(line)
  local name, rest = line:match "^%s*([%w_-]+)%s*(.-)[%s;]*$"
  local query = name and queries.get(name)
  if not query then
    return nil
  end
  local list = {}
  -- name=value or name='a value with spaces'
  local left = rest:gsub("([%w_]+)=(['\"])(.-)%2", function(key, _, value)
    list[#list + 1] = key .. "=" .. value
    return ""
  end)
  for word in left:gmatch "%S+" do
    list[#list + 1] = word
  end
  local values, message = queries.read_parameters(list)
  return query, values, message or values and queries.missing(query, values)
end

-- ---- lines ----

--- For the Tab key.
---@param shell lab.SqlShell
---@param earlier string   lines of the statement that are entered already
---@param line string
---@param position integer bytes before the cursor
---@return string? insert
---@return string? list
function sql_shell.complete(shell, earlier, line, position)
  local text = earlier .. line:sub(1, position)
  local candidates, start = {}, #text + 1
  if earlier == "" and text:find "^%s*%.%a*$" then
    local typed = text:match "%.(%a*)$"
    start = start - #typed
    for name in pairs(commands) do
      candidates[#candidates + 1] = name:sub(1, #typed) == typed and name or nil
    end
    table.sort(candidates)
  else
    shell.schema = shell.schema or sql_complete.schema(shell.db)
    candidates, start = sql_complete.complete(text, shell.schema, line:sub(position + 1))
    local typed = earlier == "" and text:match "^%s*([%w_-]+)$"
    if typed then
      if typed:find "-" then -- in SQL that would be a subtraction
        candidates, start = {}, #text + 1 - #typed
      end
      for _, query in ipairs(queries.list()) do
        if query.name:sub(1, #typed) == typed and not shell.schema.tables[query.name] then
          candidates[#candidates + 1] = query.name
        end
      end
    end
  end
  if #candidates == 0 then
    return nil
  end
  -- Names may differ in case from what is typed: what is inserted goes on from it.
  local typed = text:sub(start)
  local insert = repl.common_start(candidates):sub(#typed + 1)
  if #candidates == 1 then
    return insert .. " "
  elseif insert ~= "" then
    return insert
  end
  return nil, repl.listing(candidates)
end

local function read_line(shell, prompt, earlier)
  return sys.read_line(prompt, function(line, position)
    return sql_shell.complete(shell, earlier, line, position)
  end)
end

--- Where lines are remembered.
---@return string
local function history_file()
  return paths.join(paths.state(), "sql-history")
end

local function remember(shell, text)
  if text:find "%S" then
    sys.history_add(text)
    if shell.history then
      sys.history_append(shell.history, text)
    end
  end
end

--- Reads and runs one statement or command.
local function step(shell)
  local text, given_up = read_line(shell, "sql> ", "")
  if not text then
    shell.ended = not given_up
    return
  end
  if text:find "^%s*%.%a*" then
    remember(shell, text)
    return run_command(shell, text)
  end
  local query, values, problem = named(text)
  if query then
    remember(shell, text)
    if problem then
      return report(problem)
    end
    return run(shell, query.sql, values)
  end
  while text:find "%S" and not sql_complete.is_whole(text) do
    local more
    more, given_up = read_line(shell, "  -> ", text .. "\n")
    if given_up then
      return
    elseif not more then
      shell.ended = true
      break
    end
    text = text .. "\n" .. more
  end
  remember(shell, text)
  if #sql_complete.tokens(text) > 0 then
    run(shell, text)
  end
end

--- The prompt, until it ends.
---@param db lab.Catalog
---@param format string
---@return integer exit_code
function sql_shell.run(db, format)
  local shell = { db = db, format = format, ended = false }
  if sys.is_tty(0) then
    print(("%s: .help tells more, Ctrl-D ends"):format(tostring(db)))
    if core.make_dirs(paths.state()) then
      shell.history = history_file()
      sys.history_load(shell.history)
    end
  end
  repeat
    -- Protected as a whole: Ctrl-C may come at any moment.
    local ok, message = pcall(step, shell)
    if not ok and not core.stopped() then
      report(tostring(message))
    elseif core.stopped() then
      report "interrupted"
    end
    core.clear_stop()
  until shell.ended
  return 0
end

return sql_shell
