-- Lines at the prompt that are no Lua: ":time EXPR", ":help", ":quit", and every command of the
-- program: ":sql SELECT …", ":ops resize", ":models". And how such lines are completed.

local cli = require "lab.cli"
local core = require "lab.core"
local log = require "lab.log"
local paths = require "lab.paths"
local sys = require "lab.sys"
local words = require "lab.words"

local commands = {}

--- The name and the rest of a line like ":sql SELECT 1"; nil for Lua. "::" begins a Lua label.
---@param line string
---@return string? name
---@return string? rest
function commands.parse(line)
  return line:match "^%s*:([%a][%w_-]*)%s*(.-)%s*$"
end

--- Words as a shell has them: 'a b' and "a b" are one.
---@param text string
---@return string[]
function commands.split(text)
  local list, at = {}, 1
  while true do
    at = text:find("%S", at)
    if not at then
      return list
    end
    local quote = text:match("^[\"']", at)
    local last = quote and text:find(quote, at + 1, true)
    local word = last and text:sub(at + 1, last - 1) or text:match("^%S+", at)
    list[#list + 1] = word
    at = last and last + 1 or at + #word
  end
end

--- The arguments of a command of the program. A query needs no quotes.
local function arguments_of(name, rest)
  if name == "sql" and rest == "" then
    return { "--list" }
  elseif name == "sql" and rest:sub(1, 1) ~= "-" then
    return { rest }
  end
  return commands.split(rest)
end

---@class lab.Session
---@field compile fun(text: string): function?, string?
---@field print fun(...)   shows results
---@field traceback fun()
---@field ended boolean?   no more lines are wanted

---@type table<string, { summary: string, run: fun(rest: string, session: lab.Session) }>
local own = {}

own.help = { summary = "what can be typed after a colon", run = function()
  local names, where = cli.commands()
  local lines = {}
  for _, name in ipairs { "help", "quit", "time", "traceback" } do
    lines[#lines + 1] = ("  :%-11s %s"):format(name, own[name].summary)
  end
  for _, name in ipairs(names) do
    local command = name ~= "repl" and cli.load(where[name])
    if command then
      lines[#lines + 1] = ("  :%-11s %s"):format(name, command.summary or "")
    end
  end
  print(table.concat(lines, "\n"))
end }

own.quit = { summary = "end, as Ctrl-D does", run = function(_, session)
  session.ended = true
end }

own.traceback = { summary = "where the last error came from", run = function(_, session)
  session.traceback()
end }

own.time = { summary = "evaluate what follows and tell how long it took",
  run = function(rest, session)
    local chunk, message = session.compile(rest)
    if not chunk then
      error(message, 0)
    end
    local start = sys.clock()
    local results = table.pack(chunk())
    local seconds = sys.clock() - start
    session.print(table.unpack(results, 1, results.n))
    print(seconds < 1 and ("%.3f ms"):format(seconds * 1e3) or ("%.3f s"):format(seconds))
  end }

--- Runs ":NAME REST". What goes wrong is raised, or said by the command itself.
---@param name string
---@param rest string
---@param session lab.Session
function commands.run(name, rest, session)
  if own[name] then
    own[name].run(rest, session)
    return
  end
  local names, where = cli.commands()
  if name == "repl" then
    error("this is the prompt", 0)
  elseif not where[name] then
    for known in pairs(own) do
      names[#names + 1] = known
    end
    error(('there is no command "%s"%s; :help lists them'):format(name,
      words.hint(name, names)), 0)
  end
  local command, message = cli.load(where[name])
  if not command then
    error(message, 0)
  end
  local level = log.level
  local ok, problem = xpcall(command.run, debug.traceback, arguments_of(name, rest), name)
  log.level = level -- -v was for this command alone
  require("lab.progress").clear()
  if not ok then
    error(core.stopped() and "interrupted!" or problem, 0)
  end
end

-- ---- completion ----

local function add(list, more)
  table.move(more, 1, #more, #list + 1, list)
end

local function names_of(rows)
  local names = {}
  for i, row in ipairs(rows or {}) do
    names[i] = row.name
  end
  return names
end

local function file_stems(folder, ending)
  local names = {}
  for _, entry in ipairs(sys.list(folder) or {}) do
    names[#names + 1] = entry.name:match("^([%w_-]+)%." .. ending .. "$")
  end
  return names
end

local sql_words = { "select", "from", "where", "group by", "order by", "limit", "join", "v_results",
  "v_segments", "v_models", "v_runs", "results", "segments", "images", "models", "labels", "runs" }

--- What the arguments of a command may be; true where they may also be files. SQL's words come as
--- they are begun.
local function argument_names(name, word, into)
  if name == "ops" then
    for _, op in ipairs(core.ops()) do
      add(into, { op.name, op.method })
    end
  elseif name == "sql" then
    for _, known in ipairs(sql_words) do
      into[#into + 1] = word:find "^%u" and known:upper() or known
    end
    add(into, file_stems(paths.program("db", "queries"), "sql"))
  elseif name == "models" then
    add(into, { "list", "fetch", "info", "verify" })
    add(into, names_of(require("lab.manifest").list()))
  end
  return name ~= "ops" and name ~= "sql"
end

--- Candidates for the last word of such a line, as lab.complete gives them for Lua.
---@param line string  up to the cursor
---@param complete fun(line: string): string[], integer  for Lua after ":time"
---@param files fun(text: string): string[]              paths that begin with a text
---@return string[] candidates
---@return integer start
function commands.complete(line, complete, files)
  local name = line:match "^%s*:([%a][%w_-]*)%s"
  if name == "time" then
    local _, at = line:find "^%s*:time%s"
    local candidates, start = complete(line:sub(at + 1))
    return candidates, start + at
  end
  local word = line:match "[^%s:]*$"
  local known = {}
  if not name then
    add(known, (cli.commands()))
    for own_name in pairs(own) do
      known[#known + 1] = own_name
    end
  else
    word = line:match "%S*$"
    add(known, argument_names(name, word, known) and files(word) or {})
  end
  local candidates, seen = {}, { repl = not name }
  for _, candidate in ipairs(known) do
    if candidate:sub(1, #word) == word and not seen[candidate] then
      seen[candidate] = true
      candidates[#candidates + 1] = candidate
    end
  end
  table.sort(candidates)
  return candidates, #line - #word + 1
end

return commands
