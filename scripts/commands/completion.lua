-- lualab completion: what shells and man want to know of the commands, from their own parsers.

local arguments = require "lab.arguments"
local manual = require "lab.manual"

local summary = "write completion for a shell, or the manual page"

local epilog = [[
  . <(lualab completion bash)               for this shell
  eval "$(lualab completion zsh)"           the same, after compinit
  lualab completion fish | source           the same
  lualab completion man | man -l -          the manual page]]

local function run(argv)
  local parser = arguments.parser("lualab completion", summary, epilog)
  parser:argument("what", "bash, zsh, fish or man."):choices { "bash", "zsh", "fish", "man" }
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  end
  io.stdout:write(manual[args.what]())
  return 0
end

return { summary = summary, run = run }
