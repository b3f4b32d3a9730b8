-- Command lines by argparse, with lualab's manners: help on standard output and exit code 0, a
-- wrong command line as one sentence on standard error and exit code 2, and the nearest option for
-- one that does not exist.

local argparse = require "argparse"
local log = require "lab.log"
local sys = require "lab.sys"
local words = require "lab.words"

local arguments = {}

-- Raised by --help inside argparse's parsing, caught by arguments.parse.
local help_wanted = {}

--- Columns of help: those of a terminal, if it is narrower than what reads well.
local function help_width()
  return sys.is_tty(1) and math.max(48, math.min(96, sys.columns())) or 96
end

--- A parser with -h/--help.
---@param name string     "lualab segment"
---@param summary string
---@param epilog? string  paragraphs, and indented examples, shown below the help
---@return table parser   of argparse
function arguments.parser(name, summary, epilog)
  local width = help_width()
  local parser = argparse(name, summary, epilog and words.flow(epilog, width)):add_help(false)
  parser:usage_max_width(width):help_max_width(width)
  parser:flag("-h --help", "Show this help and exit."):action(function()
    error(help_wanted, 0)
  end)
  -- C has taken -v and -vv out already, wherever they stood (sys.options); both show in the help.
  parser:flag("-v --verbose", "Say what is done and where things come from."):count "*"
  return parser
end

local function option_names(parser)
  local names = {}
  for _, option in ipairs(parser._options) do
    for _, alias in ipairs(option._aliases) do
      names[#names + 1] = alias
    end
  end
  return names
end

--- argparse suggests names one edit away; ours reach further.
local function explain(parser, message)
  local first = message:match "^[^\n]*"
  local unknown = first:match "^unknown option '(.-)'$"
  return unknown and #unknown > 2 and first .. words.hint(unknown, option_names(parser)) or first
end

--- Says what is wrong with a command line; gives the exit code.
---@param parser table
---@param message string
---@return integer code
function arguments.usage_error(parser, message)
  io.stderr:write(parser._name, ": ", message, "\n", "Try '", parser._name, " --help'.\n")
  return 2
end

local suggestions = setmetatable({}, { __mode = "k" })

--- Notes what shells may offer for an option's or argument's value where the parser itself takes
--- anything: words, or "models", "operators", "queries".
---@param element table  of argparse
---@param values string[]|string
---@return table element
function arguments.suggest(element, values)
  suggestions[element] = values
  return element
end

--- What was noted.
---@param element table
---@return string[]|string|nil values
function arguments.suggested(element)
  return suggestions[element]
end

-- Where arguments.parse leaves the parser instead of using it, while arguments.of asks for it.
local wanted

--- The parser of a command that begins with arguments.parse; nothing else of the command is run.
---@param command table  { summary, run }
---@return table? parser
function arguments.of(command)
  wanted = {}
  local ok = pcall(command.run, {}, "")
  local parser = wanted.parser
  wanted = nil
  return ok and parser or nil
end

--- Parses. After help or an error there are no arguments but an exit code.
---@param parser table
---@param argv string[]
---@return table? arguments
---@return integer? exit_code
function arguments.parse(parser, argv)
  if wanted then
    wanted.parser = parser
  end
  for _, option in ipairs(parser._options) do
    if option._maxargs > 0 and not option._argname and not option._choices then
      option:argname((option._aliases[#option._aliases]:gsub("^%-+", ""):upper()))
    end
  end
  if wanted then
    return nil, 0
  end
  local problem
  local ok, result = pcall(function()
    return parser:_parse(argv, function(_, message)
      problem = message
      error(message, 0)
    end)
  end)
  if ok then
    result.verbose = result.verbose + sys.options().verbose
    log.level = math.max(log.level, result.verbose)
    return result
  elseif result == help_wanted then
    io.stdout:write(parser:get_help(), "\n")
    return nil, 0
  elseif problem then
    return nil, arguments.usage_error(parser, explain(parser, problem))
  end
  error(result, 0)
end

--- Turns "--name=value" of options whose value may be left out into two words that argparse knows:
--- the flag itself and "--name-value" with the value. Stops at "--".
---@param argv string[]
---@param names table<string, string>  { ["--overlay"] = "--alpha" }
---@return string[]
function arguments.split_optional(argv, names)
  local result, plain = {}, false
  for _, word in ipairs(argv) do
    local name, value = word:match "^(%-%-[^=]+)=(.*)$"
    if not plain and name and names[name] then
      result[#result + 1] = name
      result[#result + 1] = names[name] .. "=" .. value
    else
      plain = plain or word == "--"
      result[#result + 1] = word
    end
  end
  return result
end

--- Cuts a command line after the script it names: what follows is the script's own, options too.
---@param argv string[]
---@param valued? table<string, boolean>  options whose value is the next word
---@return string[] own
---@return string[] rest
function arguments.split_script(argv, valued)
  local i = 1
  while i <= #argv and argv[i] ~= "-" and argv[i]:sub(1, 1) == "-" do
    i = i + (valued and valued[argv[i]] and 2 or 1)
  end
  return table.move(argv, 1, math.min(i, #argv), 1, {}), table.move(argv, i + 1, #argv, 1, {})
end

--- A converter for argparse: a number within bounds.
---@param low number
---@param high number
---@param integer? boolean
---@return fun(text: string): number?, string?
function arguments.number(low, high, integer)
  return function(text)
    local value = tonumber(text)
    if value and integer then
      value = math.tointeger(value)
    end
    if not value or value < low or value > high then
      return nil, ("'%s' is not %s from %g to %g"):format(text,
        integer and "a whole number" or "a number", low, high)
    end
    return value
  end
end

return arguments
