-- The line-by-line Lua of `lualab repl`, as functions that scripts and tests can use. It behaves as
-- the stock interpreter does: each line is tried as an expression first; a chunk that is not
-- complete goes on with the next line; results go through the global print; _PROMPT and _PROMPT2
-- change the prompts; Ctrl-C ends what runs or gives up the line; Ctrl-D ends. Besides, the last
-- result is kept in _, and traceback() tells where the last error came from.

local core = require "lab.core"
local paths = require "lab.paths"
local sys = require "lab.sys"
local words = require "lab.words"

local repl = {}

--- Compiles a chunk: as an expression, else as statements. "=x" means "return x".
---@param text string
---@return function? chunk
---@return string? message
---@return boolean? incomplete  more lines are needed
function repl.compile(text)
  text = text:gsub("^=", "return ")
  local chunk = load("return " .. text, "=stdin", "t")
  if chunk then
    return chunk
  end
  local message
  chunk, message = load(text, "=stdin", "t")
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
  io.stderr:write(message, "\n")
end

--- Shows the traceback of the last error.
function repl.traceback()
  report(last_traceback or "there was no error yet")
end

--- Runs a compiled chunk and prints what it gives.
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
    local ok, message = pcall(function() print(table.unpack(results, 2, results.n)) end)
    if not ok then
      report("error calling 'print' (" .. tostring(message) .. ")")
    end
  end
  return true
end

--- Lines about an operator: "image.resize{width, height, method}", its summary and parameters.
---@param op table  a descriptor of core.ops()
---@return string
function repl.describe(op)
  local lines = { ("%s: %s"):format(op.name, op.summary),
    ("  %s:%s{...} gives %s"):format(op.input, op.method, op.output) }
  for _, param in ipairs(op.params or {}) do
    local note = param.required and "required" or param.default ~= nil
      and "default " .. tostring(param.default) or "optional"
    local choices = param.choices and " (" .. table.concat(param.choices, ", ") .. ")" or ""
    local head = ("  %-12s %-8s "):format(param.name, param.type)
    local text = ("%s%s; %s"):format(param.doc or "", choices, note)
    text = words.wrap(text, nil, 78 - #head):gsub("\n", "\n" .. (" "):rep(#head))
    lines[#lines + 1] = head .. text
  end
  if op.doc then
    lines[#lines + 1] = words.wrap("  " .. op.doc, "  ")
  end
  return table.concat(lines, "\n")
end

--- The operators that take values of a kind: "image", "labelmap", …
local function methods_of(kind)
  local lines = {}
  for _, op in ipairs(core.ops()) do
    if op.input == kind then
      lines[#lines + 1] = ("  %-18s %s"):format(op.method, op.summary)
    end
  end
  return table.concat(lines, "\n")
end

local general = [[
lab.open(path)             a picture            lab.segment(path, {model=})   a result
lab.load(name)             a model              lab.pipeline {stages}         many pictures
lab.catalog()              what was recorded    lab.stages, lab.datasets, lab.models()
help "image.resize"        an operator          help(value)                   its methods
traceback()                where the last error came from
Globals stay from line to line, locals do not.]]

--- What something can do: an operator's name, a value, or nothing for an overview.
---@param x any
function repl.help(x)
  if x == nil then
    print(general)
    return
  end
  if type(x) == "string" then
    for _, op in ipairs(core.ops()) do
      if op.name == x or op.method == x then
        print(repl.describe(op))
      end
    end
    return
  end
  local ok, kind = pcall(function() return x:kind() end)
  if type(x) == "userdata" and ok then
    print(tostring(x))
    print(methods_of(kind))
  elseif type(x) == "table" then
    local names = {}
    for name, value in pairs(x) do
      names[#names + 1] = ("%s (%s)"):format(tostring(name), type(value))
    end
    table.sort(names)
    print(table.concat(names, "\n"))
  else
    print(type(x))
  end
end

-- ---- the loop ----

local function prompt(name, default)
  local ok, text = pcall(tostring, _G[name] == nil and default or _G[name])
  return ok and text or default
end

--- Reads one chunk, over as many lines as it needs. "end" at the end of input; "again" when the
--- line was given up or is wrong, with the message.
---@return function|string chunk
---@return string? message
local function read_chunk()
  local text, given_up = sys.read_line(prompt("_PROMPT", "> "))
  if not text then
    return given_up and "again" or "end"
  end
  while true do
    local chunk, message, incomplete = repl.compile(text)
    local more
    if not chunk and incomplete then
      more, given_up = sys.read_line(prompt("_PROMPT2", ">> "))
    end
    if not more then
      if text:find "%S" then
        sys.history_add(text)
      end
      return chunk or "again", not given_up and message or nil
    end
    text = text .. "\n" .. more
  end
end

--- Reads a chunk and runs it.
local function step()
  local chunk, message = read_chunk()
  if type(chunk) == "function" then
    repl.evaluate(chunk)
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

local function loop()
  local terminal = sys.is_tty(0)
  if terminal then
    print(("lualab %s, %s: help() tells more, Ctrl-D ends"):format(core.version, _VERSION))
    sys.history_load(repl.history_file())
  end
  repeat
    -- Protected as a whole: Ctrl-C may come at any moment.
    local ok, chunk = pcall(step)
    core.clear_stop()
  until ok and chunk == "end"
  if terminal then
    print()
    if core.make_dirs(paths.state()) then
      sys.history_save(repl.history_file())
    end
  end
end

--- Runs a piece of code that was given by other means than typing.
local function run_text(text)
  local chunk, message = repl.compile(text)
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
  return repl.evaluate(function() _G[global or text] = require(name or text) end)
end

--- The prompt, after modules and lines that are given; with lines alone there is no prompt. The
--- exit code says if what was given went well.
---@param options? table  modules (list), lines (list), interactive (a prompt after the lines),
---                       init (false: LUA_INIT is ignored)
---@return integer exit_code
function repl.run(options)
  options = options or {}
  _G.lab = require "lab"
  _G.help, _G.traceback = repl.help, repl.traceback
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
  if #lines == 0 or options.interactive then
    loop()
  end
  return 0
end

return repl
