-- The command line: finds the command that is meant and runs it. A command is a file of
-- scripts/commands/ or of the user's ~/.config/lualab/commands/ that gives { summary, run }.
-- Exit codes: 0 all done, 1 something failed (each thing named on standard error), 2 usage.

local core = require "lab.core"
local log = require "lab.log"
local paths = require "lab.paths"
local sys = require "lab.sys"
local words = require "lab.words"

local cli = {}

--- The exit code after Ctrl-C, as shells have it.
cli.interrupted = 130

--- The folders with commands; a user's own come first.
local function folders()
  return { paths.join(paths.config(), "commands"), paths.program("scripts", "commands") }
end

--- The commands there are, sorted by name, and where each is.
---@return string[] names
---@return table<string, string> files
function cli.commands()
  local names, where = {}, {}
  for _, folder in ipairs(folders()) do
    for _, entry in ipairs(sys.list(folder) or {}) do
      local name = entry.name:match "^([%w_-]+)%.lua$"
      if name and not where[name] then
        names[#names + 1] = name
        where[name] = paths.join(folder, entry.name)
      end
    end
  end
  table.sort(names)
  return names, where
end

--- Loads a command's file.
---@param path string
---@return table? command
---@return string? message
function cli.load(path)
  local chunk, message = loadfile(path, "t")
  if not chunk then
    return nil, message
  end
  local ok, command = pcall(chunk)
  if not ok then
    return nil, tostring(command)
  elseif type(command) ~= "table" or type(command.run) ~= "function" then
    return nil, path .. ": a command gives a table with summary and run"
  end
  return command
end

local function help()
  local names, where = cli.commands()
  local lines = {
    "lualab " .. core.version .. ": semantic image segmentation, scripted in Lua",
    "",
    "Usage: lualab PHOTO...              segment photos, folders, patterns, or - for stdin",
    "       lualab COMMAND [ARGUMENTS]   'lualab COMMAND --help' tells more",
    "       lualab SCRIPT.lua [ARG...]   run a Lua script; -e, -l and -i as lua has them",
    "       lualab --version | --help",
    "",
    "Commands:",
  }
  for _, name in ipairs(names) do
    local command = cli.load(where[name])
    lines[#lines + 1] = ("  %-10s %s"):format(name, command and command.summary or "(cannot load)")
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = "Everywhere: --threads N, --plugin FILE, --kernels ISA, --offline, -v, -h."
  return table.concat(lines, "\n") .. "\n"
end

--- Runs a command's function. A raised string is a mistake in lualab or in a user's command: it is
--- shown with its traceback; or Ctrl-C, which is shown as that.
local function run(command, argv, name)
  local ok, code = xpcall(command.run, function(message)
    return type(message) == "string" and debug.traceback(message, 2) or message
  end, argv, name)
  require("lab.progress").clear()
  if ok then
    return code or 0
  elseif core.stopped() or tostring(code):find("interrupted!", 1, true) then
    io.stderr:write "lualab: interrupted\n"
    return cli.interrupted
  end
  io.stderr:write("lualab ", name, ": ", tostring(code), "\n")
  return 1
end

--- Whether a word looks like a picture, folder or pattern and not like a command.
local function is_input(word)
  return word == "-" or word:find "[/%.%*%?]" ~= nil or paths.exists(word)
end

--- What a first word stands for that is no command: options of the stock interpreter and Lua files
--- mean what they mean there, everything else is to be segmented.
local function meant_command(word)
  if word:find "^%-[eilEW]" then
    return "repl"
  end
  return word:find "%.lua$" and paths.exists(word, "file") and "run" or "segment"
end

--- Options that every command understands and that are done with before it starts.
local function take_common(argv)
  local rest, plain = {}, false
  for _, word in ipairs(argv) do
    if plain then
      rest[#rest + 1] = word
    elseif word == "--offline" then
      sys.setenv("LUALAB_OFFLINE", "1")
    else
      plain = word == "--"
      rest[#rest + 1] = word
    end
  end
  return rest
end

local function unknown_command(word, names)
  io.stderr:write("lualab: ", words.unknown("command or file", word, names), "\n")
  return 2
end

--- The program: gives the exit code.
---@param argv string[]
---@return integer
function cli.main(argv)
  argv = take_common(argv)
  local first = argv[1]
  if first == "--help" or first == "-h" or first == "help" and not argv[2] then
    io.stdout:write(help())
    return 0
  elseif first == "--version" then
    print("lualab " .. core.version)
    return 0
  end
  local names, where = cli.commands()
  local name = first
  if first == nil then
    if not sys.is_tty(0) then
      io.stderr:write(help())
      return 2
    end
    name = "repl"
  elseif first == "help" then
    name, argv = argv[2], { argv[2], "--help" }
  elseif not where[first] then
    if first:sub(1, 1) ~= "-" and not is_input(first) then
      return unknown_command(first, names)
    end
    name = meant_command(first)
    table.insert(argv, 1, name)
  end
  if not where[name] then
    return unknown_command(name, names)
  end
  local command, message = cli.load(where[name])
  if not command then
    io.stderr:write("lualab: ", message, "\n")
    return 1
  end
  log.info("command %s: %s", name, where[name])
  return run(command, table.move(argv, 2, #argv, 1, {}), name)
end

return cli
