-- lualab ops: the operators there are, built in and from plugins, from their own descriptors.

local arguments = require "lab.arguments"
local core = require "lab.core"
local repl = require "lab.repl"
local words = require "lab.words"

local summary = "list operators, or describe one"

local function run(argv)
  local parser = arguments.parser("lualab ops", summary,
    "An operator image.resize is img:resize{width=256, height=256} in Lua.")
  parser:argument("name", "An operator: image.resize, or just resize."):args "?"
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  end
  local names, found = {}, false
  for _, op in ipairs(core.ops()) do
    names[#names + 1] = op.name
    if not args.name then
      print(("%-24s %s"):format(op.name, op.summary))
    elseif op.name == args.name or op.method == args.name then
      print((found and "\n" or "") .. repl.describe(op))
      if op.plugin and op.plugin ~= "" then
        print("  from " .. op.plugin)
      end
      found = true
    end
  end
  if args.name and not found then
    return arguments.usage_error(parser, ('there is no operator "%s"%s'):format(args.name,
      words.hint(args.name, names)))
  end
  return 0
end

return { summary = summary, run = run }
