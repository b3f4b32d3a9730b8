-- lualab completion: what shells and man want to know of the commands, from their own parsers.

local arguments = require "lab.arguments"
local manual = require "lab.manual"

local summary = "write completion for bash, or the manual page"

local epilog = [[
  . <(lualab completion bash)               for this shell
  lualab completion man | man -l -          the manual page]]

local function run(argv)
  local parser = arguments.parser("lualab completion", summary, epilog)
  parser:argument("what", "bash or man."):choices { "bash", "man" }
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  end
  io.stdout:write(manual[args.what]())
  return 0
end

return { summary = summary, run = run }
