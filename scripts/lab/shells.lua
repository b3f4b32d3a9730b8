-- Completion for bash, zsh and fish. What there is to complete is read from the commands' own
-- parsers once (shells.table), and written in the words of each shell: the commands, their options
-- with what they do, and the values of options and arguments. Models, operators and named queries
-- are asked for when Tab is pressed. A word that is no command stands for `segment`, as in the
-- program.

local arguments = require "lab.arguments"
local geometry = require "lab.geometry"

local shells = {}

---@alias lab.Values string[]|"models"|"operators"|"queries"|"files"|"folders"|nil

---@class lab.ShellElement
---@field names string[]      of an option; empty for an argument
---@field name string         of the value
---@field text string         what it does, one line
---@field value boolean       whether there is one
---@field values lab.Values
---@field many boolean        may be given again

---@class lab.ShellCommand
---@field name string
---@field summary string
---@field options lab.ShellElement[]
---@field arguments lab.ShellElement[]

--- Options that every command understands: C or lab.cli has taken them before the command starts.
---@type lab.ShellElement[]
shells.everywhere = {
  { names = { "--threads" }, name = "N", value = true, text = "Use N threads for one picture." },
  { names = { "--kernels" }, name = "ISA", value = true,
    values = { "reference", "avx2", "avxvnni", "avx512vnni", "neon", "dotprod" },
    text = "Use no kernels but those of this instruction set and the reference ones." },
  { names = { "--plugin" }, name = "FILE", value = true, values = "files", many = true,
    text = "Load a plugin. Can be repeated." },
  { names = { "--offline" }, name = "", value = false, text = "Fetch nothing." },
}

-- ---- the table ----

local by_argname = { FILE = "files", PATH = "files", PHOTO = "files", DIR = "folders" }
local by_name = { ["--model"] = "models", ["--fit"] = geometry.fits, photo = "files",
  script = "files", file = "files", folder = "folders" }

--- What a value may be: the parser's choices, what the command suggests, or what its name tells.
local function values_of(element)
  local suggested = arguments.suggested(element) or element._choices
  local names = element._aliases or { element._name }
  for _, name in ipairs(names) do
    suggested = suggested or by_name[name]
  end
  local usage = type(element._argname) == "string" and element._argname or ""
  return suggested or by_argname[usage:match "^%u+"]
end

local function element_of(element)
  local names = element._aliases or {}
  local name = type(element._argname) == "string" and element._argname
    or (names[#names] or element._name):gsub("^%-+", "")
  return { names = names, name = name, value = element._maxargs > 0, values = values_of(element),
    many = (names[1] and element._maxcount or element._maxargs) > 1,
    text = ((element._description or ""):gsub("%s+", " ")) }
end

--- What the shells are told of the commands.
---@param commands lab.CommandHelp[]
---@return lab.ShellCommand[]
function shells.table(commands)
  local list = {}
  for i, command in ipairs(commands) do
    local entry = { name = command.name, summary = command.summary, options = {}, arguments = {} }
    for _, option in ipairs(command.parser._options) do
      entry.options[#entry.options + 1] = element_of(option)
    end
    table.move(shells.everywhere, 1, #shells.everywhere, #entry.options + 1, entry.options)
    for _, argument in ipairs(command.parser._arguments) do
      entry.arguments[#entry.arguments + 1] = element_of(argument)
    end
    list[i] = entry
  end
  return list
end

--- Text in single quotes, for each of the three.
local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Puts texts in the places @1, @2, … of a template.
local function fill(template, ...)
  local texts = { ... }
  return (template:gsub("@(%d)", function(n) return texts[tonumber(n)] end))
end

local function names_of(commands, separator)
  local names = {}
  for i, command in ipairs(commands) do
    names[i] = command.name
  end
  return table.concat(names, separator)
end

-- What the program answers when it is asked for names; $1 is the program.
local questions = [[
_lualab_models() { "$1" models 2>/dev/null | sed -n '3,$s/^\([^ ]*\)  .*/\1/p'; }
_lualab_operators() { "$1" ops 2>/dev/null | sed 's/ .*//'; }
_lualab_queries() { "$1" sql --list 2>/dev/null | sed 's/ .*//'; }
]]

-- ---- bash ----

local bash = [[
# bash completion for lualab; written by `lualab completion bash`.
@1_lualab() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local program=${COMP_WORDS[0]} command=segment first=1 place=1 words='' kind='' i
    local IFS=$' \t\n'
    COMPREPLY=()
    # Between an option and its value may be "=", a word to bash.
    if [ "$cur" = = ]; then
        cur=
    elif [ "$prev" = = ]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if [ "$COMP_CWORD" -gt 1 ]; then
        case ${COMP_WORDS[1]} in
        @2) command=${COMP_WORDS[1]} first=2 ;;
        esac
    fi
    for ((i = first; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -*) ;;
        *) place=2 ;;
        esac
    done
    case $command:$prev in
@3    *)
        case $cur in
        -*)
            case $command in
@4            esac ;;
        *)
            case $command:$place in
@5            esac ;;
        esac
        if [ "$COMP_CWORD" -eq 1 ]; then
            case $cur in
            -*) words="$words --version" ;;
            *) words='@6' kind=files ;;
            esac
        fi ;;
    esac
    case $kind in
    models | operators | queries) words=$("_lualab_$kind" "$program") ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    IFS=$'\n' # names of files may have spaces
    case $kind in
    files) compopt -o filenames; COMPREPLY+=($(compgen -f -- "$cur")) ;;
    folders) compopt -o filenames; COMPREPLY+=($(compgen -d -- "$cur")) ;;
    esac
}
complete -F _lualab lualab
]]

--- How bash is told what a value may be.
local function bash_values(values)
  if type(values) == "table" then
    return ("words='%s'"):format(table.concat(values, " "))
  end
  return ("kind=%s"):format(values or "none")
end

--- "NAME) what ;;" for each command.
local function bash_cases(commands, indent, each)
  local lines = {}
  for _, command in ipairs(commands) do
    for _, case in ipairs(each(command)) do
      lines[#lines + 1] = ("%s%s) %s ;;\n"):format(indent, case[1], case[2])
    end
  end
  return table.concat(lines)
end

--- Completion for bash.
---@param commands lab.ShellCommand[]
---@return string
function shells.bash(commands)
  local valued = bash_cases(commands, "    ", function(command)
    local cases = {}
    for _, option in ipairs(command.options) do
      if option.value then
        local names = {}
        for i, name in ipairs(option.names) do
          names[i] = command.name .. ":" .. name
        end
        cases[#cases + 1] = { table.concat(names, " | "), bash_values(option.values) }
      end
    end
    return cases
  end)
  local options = bash_cases(commands, "            ", function(command)
    local names = {}
    for _, option in ipairs(command.options) do
      names[#names + 1] = table.concat(option.names, " ")
    end
    return { { command.name, bash_values(names) } }
  end)
  local places = bash_cases(commands, "            ", function(command)
    local cases, last = {}, command.arguments[#command.arguments]
    for i, argument in ipairs(command.arguments) do
      cases[i] = i <= 2 and { command.name .. ":" .. i, bash_values(argument.values) } or nil
    end
    if #cases == 1 and last.many then
      cases[2] = { command.name .. ":2", bash_values(last.values) }
    end
    return cases
  end)
  return fill(bash, questions, names_of(commands, " | "), valued, options, places,
    names_of(commands, " "))
end

-- ---- zsh ----

local zsh = [=[
#compdef lualab
# zsh completion for lualab; written by `lualab completion zsh`.
@1_lualab_ask() {
    local -a found
    found=(${(f)"$("_lualab_$argv[-1]" "$program")"})
    compadd "${(@)argv[1,-2]}" -a found
}
_lualab() {
    local curcontext=$curcontext program=$words[1] command=segment state line
    local -a known
    typeset -A opt_args
    known=(
@2    )
    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
        _alternative 'commands:command:{ _describe command known }' 'files:photo:_files'
        return
    fi
    if (( CURRENT > 2 )) && (( ${known[(I)${words[2]}:*]} )); then
        command=$words[2]
        shift words
        (( CURRENT-- ))
    fi
    case $command in
@3    esac
}
if [[ $funcstack[1] = _lualab ]]; then
    _lualab "$@"
else
    compdef _lualab lualab
fi
]=]

local function zsh_text(text)
  return (text:gsub("[%[%]:\\]", "\\%0"))
end

--- ":what:how", for a value.
local function zsh_value(element)
  local how = " "
  if type(element.values) == "table" then
    how = "(" .. table.concat(element.values, " ") .. ")"
  elseif element.values == "files" then
    how = "_files"
  elseif element.values == "folders" then
    how = "_files -/"
  elseif element.values then
    how = "_lualab_ask " .. element.values
  end
  return ":" .. zsh_text(element.name) .. ":" .. how
end

--- An option is offered once, under either name; one with a value has it after "=" or a space.
local function zsh_option(option)
  local specs, tail = {}, "[" .. zsh_text(option.text) .. "]"
    .. (option.value and zsh_value(option) or "")
  local others = option.many and "*" or "(" .. table.concat(option.names, " ") .. ")"
  for i, name in ipairs(option.names) do
    local ending = option.value and (name:find "^%-%-" and "=" or "+") or ""
    specs[i] = quoted(others .. name .. ending .. tail)
  end
  return table.concat(specs, " ")
end

--- Completion for zsh: a function file, or to be read by eval.
---@param commands lab.ShellCommand[]
---@return string
function shells.zsh(commands)
  local names, cases = {}, {}
  for i, command in ipairs(commands) do
    names[i] = "        " .. quoted(command.name .. ":" .. command.summary) .. "\n"
    local lines = { "    " .. command.name .. ")\n        _arguments -s -S" }
    for _, option in ipairs(command.options) do
      lines[#lines + 1] = "            " .. zsh_option(option)
    end
    for _, argument in ipairs(command.arguments) do
      lines[#lines + 1] = "            " .. quoted((argument.many and "*" or "")
        .. zsh_value(argument))
    end
    if command.name == "segment" then -- what begins with a minus where a command could be
      lines[#lines + 1] = "            '--version[Show the version and exit.]'"
    end
    cases[i] = table.concat(lines, " \\\n") .. " ;;\n"
  end
  return fill(zsh, questions, table.concat(names), table.concat(cases))
end

-- ---- fish ----

local fish = [[
# fish completion for lualab; written by `lualab completion fish`.
function __lualab_ask -d 'The first word of each line that the program answers with'
    set -l tokens (commandline -opc)
    set -l program $tokens[1]
    $program $argv 2>/dev/null | string replace -r ' .*' ''
end
function __lualab_models
    __lualab_ask models | tail -n +3
end
function __lualab_operators
    __lualab_ask ops
end
function __lualab_queries
    __lualab_ask sql --list
end
function __lualab_in -a name -d 'Is this the command, at its first argument or a later one'
    set -l tokens (commandline -opc)
    set -l command segment
    set -l first 2
    if set -q tokens[2]; and contains -- $tokens[2] @1
        set command $tokens[2]
        set first 3
    end
    test $command = $name; or return 1
    set -q argv[2]; or return 0
    set -l given (string match -v -- '-*' $tokens[$first..])
    if test $argv[2] = 1
        test (count $given) -eq 0
    else
        test (count $given) -ge 1
    end
end
function __lualab_first
    test (count (commandline -opc)) -eq 1
end
complete -c lualab -n __lualab_first -l version -d 'Show the version and exit.'
@2]]

--- A value's part of a `complete` line; without one, nothing but what is offered may follow.
local function fish_values(values)
  if values == "files" then
    return " -r -F"
  elseif type(values) == "table" then
    return " -x -a " .. quoted(table.concat(values, " "))
  elseif values == "folders" then
    return " -x -a '(__fish_complete_directories)'"
  end
  return values and " -x -a '(__lualab_" .. values .. ")'" or " -x"
end

local function fish_option(command, option)
  local line = { ("complete -c lualab -n '__lualab_in %s'"):format(command.name) }
  for _, name in ipairs(option.names) do
    local long = name:match "^%-%-(.+)"
    line[#line + 1] = long and "-l " .. long or "-s " .. name:sub(2)
  end
  return table.concat(line, " ") .. (option.value and fish_values(option.values) or "") .. " -d "
    .. quoted(option.text) .. "\n"
end

--- Arguments: files are offered where a command takes some, by fish itself.
local function fish_argument(command, argument, place)
  local line = ("complete -c lualab -n '__lualab_in %s %d'"):format(command.name, place)
  if argument.values == "files" then
    return line .. " -F\n"
  end
  return line .. " -f" .. fish_values(argument.values):gsub("^ %-x", "") .. "\n"
end

--- Completion for fish.
---@param commands lab.ShellCommand[]
---@return string
function shells.fish(commands)
  local lines = {}
  for _, command in ipairs(commands) do
    lines[#lines + 1] = ("complete -c lualab -n __lualab_first -a %s -d %s\n"):format(command.name,
      quoted(command.summary))
    for _, option in ipairs(command.options) do
      lines[#lines + 1] = fish_option(command, option)
    end
    if #command.arguments == 0 then
      lines[#lines + 1] = ("complete -c lualab -n '__lualab_in %s' -f\n"):format(command.name)
    end
    for i, argument in ipairs(command.arguments) do
      if i <= 2 then
        lines[#lines + 1] = fish_argument(command, argument, i)
      end
    end
  end
  return fill(fish, names_of(commands, " "), table.concat(lines))
end

return shells
