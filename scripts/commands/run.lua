-- lualab run: a Lua script with the library at hand.

local arguments = require "lab.arguments"

local summary = "run a Lua script; its arguments are in arg and ..."

local function run(argv)
  local parser = arguments.parser("lualab run", summary, [[
The script sees require "lab" and everything of standard Lua. See scripts/pipelines/ for examples.

  lualab run scripts/pipelines/cutouts.lua photos/ -o out]])
  parser:argument("script", "The file, or - for standard input.")
  local own, rest = arguments.split_script(argv)
  local args, code = arguments.parse(parser, own)
  if not args then
    return code
  end
  local chunk, message = loadfile(args.script ~= "-" and args.script or nil)
  if not chunk then
    io.stderr:write("lualab run: ", message, "\n")
    return 1
  end
  _G.arg = table.move(rest, 1, #rest, 1, { [0] = args.script })
  local ok, value = xpcall(chunk, function(problem)
    if type(problem) == "string" then
      return debug.traceback(problem, 2)
    end
    local meta = getmetatable(problem)
    return meta and meta.__tostring and tostring(problem)
      or ("(error object is a %s value)"):format(type(problem))
  end, table.unpack(rest))
  if not ok then
    require("lab.progress").clear()
    io.stderr:write("lualab run: ", tostring(value), "\n")
    return 1
  end
  return math.type(value) == "integer" and value or 0
end

return { summary = summary, run = run }
