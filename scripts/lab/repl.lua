-- The line-by-line Lua of `lualab repl`, as functions that scripts and tests can use. It behaves as
-- the stock interpreter does: each line is tried as an expression first; a chunk that is not
-- complete goes on with the next line; results go through the global print; _PROMPT and _PROMPT2
-- change the prompts; Ctrl-C ends what runs or gives up the line; Ctrl-D ends. Besides, the last
-- result is kept in _, tables and lualab's values are shown with what is in them, pictures as
-- pictures where the terminal can, Tab completes, traceback() tells where the last error came from,
-- ?x means help(x), and a line that begins with a colon is a command (repl_commands.lua).

local core = require "lab.core"
local commands = require "lab.repl_commands"
local complete = require "lab.complete"
local help = require "lab.help"
local inspect = require "lab.inspect"
local paint = require "lab.paint"
local paths = require "lab.paths"
local sys = require "lab.sys"

local repl = { inspect = inspect, describe = help.operator }

-- ---- compiling and running ----

--- Compiles a chunk: as an expression, else as statements. "=x" means "return x", "?x" help(x).
---@param text string
---@param name? string  what messages call it (stdin)
---@return function? chunk
---@return string? message
---@return boolean? incomplete  more lines are needed
function repl.compile(text, name)
  name = "=" .. (name or "stdin")
  text = text:gsub("^=", "return "):gsub("^%s*%?%s*(.-)%s*$", "help(%1)")
  local chunk = load("return " .. text, name, "t")
  if chunk then
    return chunk
  end
  local message
  chunk, message = load(text, name, "t")
  if chunk then
    return chunk
  end
  return nil, message, message:find "<eof>'?$" ~= nil
end

local last_traceback

--- An error's message; its traceback is kept for whoever asks.
local function explain(problem)
  local message = problem
  if type(problem) ~= "string" and type(problem) ~= "number" then
    local meta = debug.getmetatable(problem)
    message = type(meta) == "table" and meta.__tostring and tostring(problem)
      or ("(error object is a %s value)"):format(type(problem))
  end
  last_traceback = debug.traceback(tostring(message), 2)
  return tostring(message)
end

local function report(message)
  io.stdout:flush()
  io.stderr:write(paint.wanted(2) and paint.text("31", message) or message, "\n")
end

--- Shows the traceback of the last error.
function repl.traceback()
  report(last_traceback or "there was no error yet")
end

--- Shows what x can do: an operator's name, a value, a function, or nothing for an overview.
---@param x any
function repl.help(x)
  print(help.text(x))
end

local plain_print = print

--- Shows a picture, label map, mask or result where the terminal can; false for other values.
local function show_picture(value)
  if type(value) ~= "userdata" and type(value) ~= "table" or not sys.is_tty(1) then
    return false
  end
  local ok, kind = pcall(core.methods.tensor.kind, value)
  local meta = debug.getmetatable(value)
  local is_result = type(meta) == "table" and rawget(meta, "__name") == "lab.Result"
    and rawget(value, "map") ~= nil
  if ok and kind ~= "tensor" or is_result then
    return value:show() == true
  end
  return false
end

--- Shows values as the prompt does: strings as they are, tables with what is in them. A global
--- print that is not Lua's own gets the values themselves.
---@param ... any
function repl.print(...)
  if not rawequal(_G.print, plain_print) then
    print(...)
    return
  end
  local values, texts = table.pack(...), {}
  local options = { colors = paint.wanted(1), width = math.max(40, sys.columns() - 2) }
  for i = 1, values.n do
    local value = values[i]
    if not show_picture(value) then
      local rich = type(value) == "table" or type(value) == "userdata"
      -- `help` typed without its brackets means what it says.
      texts[#texts + 1] = rich and inspect(value, options)
        or rawequal(value, repl.help) and help.text(nil) or tostring(value)
    end
  end
  if #texts > 0 then
    print(table.concat(texts, "\t"))
  end
end

--- Runs a function; its results are shown and the first is kept in _.
---@param chunk function
---@return boolean ok
function repl.evaluate(chunk)
  local results = table.pack(xpcall(chunk, explain))
  if not results[1] then
    report(sys.options().verbose > 0 and last_traceback or results[2])
    return false
  end
  if results.n > 1 then
    _G._ = results[2]
    local ok, message = pcall(function() repl.print(table.unpack(results, 2, results.n)) end)
    if not ok then
      report("error calling 'print' (" .. tostring(message) .. ")")
    end
  end
  return true
end

-- ---- completion ----

--- What all have in common at their start, in whole characters.
local function common_start(list)
  local first = list[1]
  for _, other in ipairs(list) do
    while other:sub(1, #first) ~= first do
      first = first:sub(1, utf8.len(first) and utf8.offset(first, -1) - 1 or -2)
    end
  end
  return first
end

--- Candidates below each other in columns, of paths the last part.
local function listing(candidates)
  local shown, widest = {}, 0
  for i = 1, math.min(#candidates, 200) do
    shown[i] = candidates[i]:match "[^/]+/?$" or candidates[i]
    widest = math.max(widest, utf8.len(shown[i]) or #shown[i])
  end
  local per_line = math.max(1, (sys.columns() - 1) // (widest + 2))
  local lines, height = {}, (#shown - 1) // per_line + 1
  for row = 1, height do
    local cells = {}
    for i = row, #shown, height do
      local space = widest + 2 - (utf8.len(shown[i]) or #shown[i])
      cells[#cells + 1] = shown[i] .. (" "):rep(i + height <= #shown and space or 0)
    end
    lines[row] = table.concat(cells)
  end
  if #candidates > #shown then
    lines[#lines + 1] = ("… and %d more"):format(#candidates - #shown)
  end
  return table.concat(lines, "\n")
end

repl.common_start, repl.listing = common_start, listing -- for the other prompt, of lualab sql

local function files(text)
  return (complete('"' .. text))
end

--- For the Tab key: what to insert, and what to show when that is not clear.
---@param earlier string   the lines of the chunk that are entered already
---@param line string      the one that is being typed
---@param position integer bytes before the cursor
---@return string? insert
---@return string? list
function repl.complete(earlier, line, position)
  line = line:sub(1, position)
  if earlier ~= "" and not line:find "%S" then
    return "  "
  end
  local candidates, start
  local text = earlier .. line
  if earlier == "" and line:find "^%s*:[^:]*$" then
    candidates, start = commands.complete(line, complete, files)
  else
    candidates, start = complete(text, #text)
  end
  local typed, usable = text:sub(start), {}
  for _, candidate in ipairs(candidates) do
    usable[#usable + 1] = not candidate:find "%c" and candidate or nil
  end
  if #usable == 0 then
    return nil
  end
  local insert = common_start(usable):sub(#typed + 1)
  local quote = text:sub(start - 1, start - 1):match "[\"']"
  if #usable == 1 then
    return insert .. (quote and usable[1]:sub(-1) ~= "/" and quote or "")
  end
  return insert, insert == "" and listing(usable) or nil
end

-- ---- the loop ----

local function prompt(name, default)
  local ok, text = pcall(tostring, _G[name] == nil and default or _G[name])
  return ok and text or default
end

-- Lines of a paste that is no chunk as a whole: they are taken as if typed one by one.
local pending = {}

--- A line, from the last paste or the user. `earlier` is the chunk's text up to here.
local function read_line(text, earlier)
  if pending[1] then
    return table.remove(pending, 1)
  end
  return sys.read_line(text, function(line, position)
    return repl.complete(earlier, line, position)
  end)
end

--- The first of several lines that came at once, if together they are no chunk; the others wait.
local function split_paste(text)
  if not text:find "\n" or repl.compile(text) then
    return text
  end
  for line in (text .. "\n"):gmatch "(.-)\n" do
    pending[#pending + 1] = line
  end
  return table.remove(pending, 1)
end

local function remember(text)
  if text:find "%S" then
    sys.history_add(text)
    if sys.is_tty(0) then
      sys.history_append(repl.history_file(), text)
    end
  end
end

--- Reads one chunk, over as many lines as it needs. "end" at the end of input; "again" when the
--- line was given up or is wrong, with the message.
---@return function|string chunk
---@return string? message
local function read_chunk(session)
  local text, given_up = read_line(prompt("_PROMPT", "> "), "")
  if not text then
    return given_up and "again" or "end"
  end
  text = split_paste(text)
  local name, rest = commands.parse(text)
  if (text == "exit" or text == "quit") and _G[text] == nil then
    name, rest = "quit", "" -- what other prompts take
  end
  if name then
    remember(text)
    return function() commands.run(name, rest, session) end
  end
  while true do
    local chunk, message, incomplete = repl.compile(text)
    local more
    if not chunk and incomplete then
      more, given_up = read_line(prompt("_PROMPT2", ">> "), text .. "\n")
    end
    if not more then
      remember(text)
      return chunk or "again", not given_up and message or nil
    end
    text = text .. "\n" .. more
  end
end

--- How long a chunk took, when that was noticed.
local function tell_time(seconds)
  if seconds > 0.1 and sys.is_tty(1) and sys.is_tty(2) then
    local text = ("%.2f s"):format(seconds)
    io.stderr:write(paint.wanted(2) and paint.text("2", text) or text, "\n")
  end
end

--- Reads a chunk and runs it.
local function step(session)
  local chunk, message = read_chunk(session)
  if type(chunk) == "function" then
    local start = sys.clock()
    repl.evaluate(chunk)
    tell_time(sys.clock() - start)
  elseif message then
    report(message)
  end
  return chunk
end

--- Where lines are remembered from one session to the next.
---@return string
function repl.history_file()
  return paths.join(paths.state(), "history")
end

--- Two thousand entries are loaded; a file with many more is written anew.
local function load_history()
  local file = repl.history_file()
  if core.make_dirs(paths.state()) and sys.history_load(file) then
    local info = sys.stat(file)
    if info and info.size > 1000000 then
      sys.history_save(file)
    end
  end
end

local function loop()
  local terminal = sys.is_tty(0)
  if terminal then
    print(("lualab %s, %s: help() tells more, Ctrl-D ends"):format(core.version, _VERSION))
    load_history()
  end
  local session = { compile = repl.compile, print = repl.print, traceback = repl.traceback }
  repeat
    -- Protected as a whole: Ctrl-C may come at any moment.
    local ok, chunk = pcall(step, session)
    if core.stopped() then
      pending = {}
    end
    core.clear_stop()
  until session.ended or ok and chunk == "end"
  if terminal and not session.ended then
    print()
  end
end

--- Runs a piece of code that was given by other means than typing.
local function run_text(text)
  local chunk, message = repl.compile(text, "(command line)")
  if not chunk then
    report(message)
    return false
  end
  return repl.evaluate(chunk)
end

--- LUA_INIT, as the stock interpreter has it: code, or @ and a file's name.
local function run_init()
  local name = "LUA_INIT" .. _VERSION:gsub("^Lua (%d+)%.(%d+)$", "_%1_%2")
  local text = sys.getenv(name) or sys.getenv "LUA_INIT"
  if not text then
    return true
  elseif text:sub(1, 1) == "@" then
    return repl.evaluate(function() dofile(text:sub(2)) end)
  end
  return run_text(text)
end

--- "name" or "global=name", as -l takes it.
local function load_module(text)
  local global, name = text:match "^([%a_][%w_]*)=(.+)$"
  return repl.evaluate(function()
    local ok, module = pcall(require, name or text) -- called from C: a message without our place
    if not ok then
      error(module, 0)
    end
    _G[global or text] = module
  end)
end

--- Runs a file, as the stock interpreter does: its results are not shown.
local function run_script(path, arguments)
  local chunk, message = loadfile(path ~= "-" and path or nil)
  if not chunk then
    report(message)
    return false
  end
  _G.arg = table.move(arguments, 1, #arguments, 1, { [0] = path, [-1] = "lualab" })
  return repl.evaluate(function() chunk(table.unpack(arguments)) end)
end

--- The prompt, after modules, lines and a script that are given; with lines or a script alone there
--- is no prompt. The exit code says if what was given went well.
---@param options? table  modules (list), lines (list), script (path) and its arguments (list),
---                       interactive (a prompt all the same), init (false: LUA_INIT is ignored)
---@return integer exit_code
function repl.run(options)
  options = options or {}
  _G.lab = require "lab"
  _G.help, _G.traceback = repl.help, repl.traceback
  _G.arg = _G.arg or { [0] = "lualab" }
  if options.init ~= false and not run_init() then
    return 1
  end
  for _, module in ipairs(options.modules or {}) do
    if not load_module(module) then
      return 1
    end
  end
  local lines = options.lines or {}
  for _, line in ipairs(lines) do
    if not run_text(line) then
      return 1
    end
  end
  if options.script and not run_script(options.script, options.arguments or {}) then
    return 1
  end
  if #lines == 0 and not options.script or options.interactive then
    loop()
  end
  return 0
end

return repl
