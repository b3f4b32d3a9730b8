-- The manual page and the completion of shells, from the commands' own parsers: what a command
-- understands is written down once, where it is parsed.

local arguments = require "lab.arguments"
local cli = require "lab.cli"
local core = require "lab.core"
local paths = require "lab.paths"
local shells = require "lab.shells"
local sys = require "lab.sys"
local words = require "lab.words"

local manual = {}

---@class lab.CommandHelp
---@field name string
---@field summary string
---@field parser table   of argparse

--- The program's own commands, not the user's.
---@return lab.CommandHelp[]
local function commands()
  local list = {}
  local folder = paths.program("scripts", "commands")
  for _, entry in ipairs(sys.list(folder) or {}) do
    local name = entry.name:match "^([%w_-]+)%.lua$"
    local command = name and assert(cli.load(paths.join(folder, entry.name)))
    local parser = command and arguments.of(command)
    if name and not parser then
      error(("command %s does not begin with arguments.parse: nothing is known of its options")
        :format(name), 0)
    elseif name then
      list[#list + 1] = { name = name, summary = command.summary or "", parser = parser }
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

--- What argparse knows of an option or argument: its names, the values it may have, what it does.
local function describe(element)
  local names = table.concat(element._aliases or { element._name }, ", ")
  local usage = element._argname
  local value = type(usage) == "string" and usage
    or element._choices and names:match("%-%-([%w-]+)$")
  value = value and value:upper() or nil
  return names .. (value and element._aliases and " " .. value or ""), element._description or ""
end

-- ---- the page ----

--- Text for troff: backslashes, hyphens of options, and lines that would be requests.
local function troff(text)
  return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("\n%.", "\n\\&."):gsub("^%.", "\\&.")
    :gsub("^'", "\\&'"):gsub("\n'", "\n\\&'"))
end

local head = [[
.\" Written by `lualab completion man` from the commands' own help.
.TH LUALAB 1 2026-11-22 "lualab %s" "User Commands"
.SH NAME
lualab \- semantic image segmentation, scripted in Lua
.SH SYNOPSIS
.B lualab
.IR PHOTO ...
.br
.B lualab
.I COMMAND
.RI [ ARGUMENTS ]
.br
.B lualab \-\-script
.I FILE
.RI [ ARGUMENTS ]
.SH DESCRIPTION
Runs segmentation models over photos,
offers operators on pictures, label maps and masks to Lua scripts,
and remembers what it did in a SQLite catalog.
Photos, folders, patterns or \- (standard input) are segmented;
without arguments on a terminal there is a Lua prompt.
.SH OPTIONS
These are understood with every command.
%s.TP
.BR \-v ", " \-vv
Say what is done and where things come from, or everything.
.TP
.BR \-h ", " \-\-help
Show the help of a command.
.SH COMMANDS
]]

local tail = [[
.SH ENVIRONMENT
.TP
.B LUALAB_MODEL
The model that is used when none is named.
.TP
.B LUALAB_DB
The catalog.
.TP
.BR LUALAB_WEIGHTS_PATH ", " LUALAB_PLUGIN_PATH
Folders of models and of plugins, with colons between them.
.TP
.B LUALAB_KERNELS
As \-\-kernels.
.TP
.B LUALAB_OFFLINE
Not empty: as \-\-offline.
.TP
.B NO_COLOR
Not empty: no colours on terminals.
.TP
.BR LUA_INIT ", " LUA_INIT_5_4
Lua code, or @ and a file, that is run before the prompt.
.SH FILES
.TP
.I ~/.config/lualab/commands/*.lua, ~/.config/lualab/models.lua
The user's own commands and models.
.TP
.I ~/.local/share/lualab
The catalog.
.TP
.I ~/.local/state/lualab/history
What was typed at the prompt.
.TP
.I ~/.cache/lualab/weights
Models that were fetched.
.P
The variables XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME and XDG_CACHE_HOME
name other folders.
.SH EXIT STATUS
0: all done.
1: something failed; each thing is named on standard error.
2: the command line is wrong.
130: interrupted.
]]

local function page_command(lines, command)
  local parser = command.parser
  lines[#lines + 1] = ".SS lualab " .. troff(command.name)
  lines[#lines + 1] = troff(words.wrap(command.summary:gsub("^%l", string.upper) .. ".", "", 78))
  for _, list in ipairs { parser._arguments, parser._options } do
    for _, element in ipairs(list) do
      local name, text = describe(element)
      if name ~= "-h, --help" and name ~= "-v, --verbose" then
        lines[#lines + 1] = ".TP\n.B " .. troff(name) .. "\n"
          .. troff(words.wrap(text, "", 78))
      end
    end
  end
  local epilog = parser._epilog
  -- Paragraphs are man's to fill, indented lines are not.
  for block in ((epilog or "") .. "\n\n"):gmatch "(.-)\n\n+" do
    local is_plain = block:find "^%S"
    if block ~= "" then
      lines[#lines + 1] = is_plain and ".P\n" .. troff(words.flow(block, 70))
        or ".P\n.nf\n" .. troff(block) .. "\n.fi"
    end
  end
end

--- The manual page, in man's macros of troff.
---@return string
function manual.man()
  local lines = {}
  for _, command in ipairs(commands()) do
    page_command(lines, command)
  end
  local everywhere = {}
  for i, option in ipairs(shells.everywhere) do
    everywhere[i] = (".TP\n.B %s%s\n%s\n"):format(troff(option.names[1]),
      option.value and " " .. option.name or "", troff(option.text))
  end
  return head:format(core.version, table.concat(everywhere)) .. table.concat(lines, "\n") .. "\n"
    .. tail
end

-- ---- completion ----

for _, shell in ipairs { "bash", "zsh", "fish" } do
  manual[shell] = function()
    return shells[shell](shells.table(commands()))
  end
end

return manual
