-- lualab repl: Lua, line by line, with the library loaded as lab.

local arguments = require "lab.arguments"
local repl = require "lab.repl"

local summary = "Lua, line by line, with the library loaded"

local function run(argv)
  local parser = arguments.parser("lualab repl", summary,
    "An expression prints its value; help(x) tells what x can do; Ctrl-D ends.")
  parser:option("-l --require", "Load this module first, as a global; G=NAME names the global.")
    :count "*":argname "NAME"
  parser:option("-e --execute", "Run this line and go on to the next -e; no prompt."):count "*"
    :argname "LINE"
  parser:flag("-i --interactive", "A prompt after the lines of -e.")
  parser:flag("-E --ignore-environment", "Leave LUA_INIT alone.")
  parser:flag("-W --warnings", "Show what Lua warns of.")
  parser:argument("script", "Run this file (-: standard input) after the lines of -e; what follows"
    .. " is its own."):args "?"
  local own, rest = arguments.split_script(argv, { ["-l"] = true, ["--require"] = true,
    ["-e"] = true, ["--execute"] = true })
  local args, code = arguments.parse(parser, own)
  if not args then
    return code
  end
  if args.warnings then
    warn "@on"
  end
  return repl.run { modules = args.require, lines = args.execute,
    script = args.script, arguments = rest,
    interactive = args.interactive, init = not args.ignore_environment }
end

return { summary = summary, run = run }
