-- lualab ops: the operators and services there are, built in and from plugins, from their own
-- descriptors; and what is written from these: LuaCATS files for editors, and the reference page.

local arguments = require "lab.arguments"
local core = require "lab.core"
local help = require "lab.help"
local paths = require "lab.paths"
local picture = require "lab.picture"
local reference = require "lab.reference"
local repl = require "lab.repl"
local words = require "lab.words"

local summary = "list operators, or describe one"

--- Writes files into a folder; the exit code.
local function write_all(folder, files)
  local names = {}
  for name in pairs(files) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local ok, message = picture.write(folder and paths.join(folder, name) or name, files[name])
    if not ok then
      io.stderr:write("lualab ops: ", message, "\n")
      return 1
    end
  end
  return 0
end

--- Prints the operators and services, or all about those that have this name or are this method.
local function list(name)
  local names, found = {}, false
  local function show(thing, describe, wanted)
    names[#names + 1] = thing.name
    names[#names + 1] = thing.method
    if not name then
      print(("%-24s %s"):format(thing.name, thing.summary))
    elseif wanted then
      print((found and "\n" or "") .. describe(thing))
      if thing.plugin and thing.plugin ~= "" then
        print("  from " .. thing.plugin)
      end
      found = true
    end
  end
  for _, op in ipairs(core.ops()) do
    show(op, repl.describe, op.name == name or op.method == name)
  end
  for _, service in ipairs(core.services()) do
    show(service, help.service, service.name == name)
    for _, method in ipairs(service.methods) do
      show(method, repl.describe, method.name == name)
    end
  end
  return found or not name, names
end

local function run(argv)
  local parser = arguments.parser("lualab ops", summary,
    "An operator image.resize is img:resize{width=256, height=256} in Lua.")
  arguments.suggest(parser:argument("name", "An operator: image.resize, or just resize.")
    :args "?", "operators")
  parser:option("--meta", "Write LuaCATS files for editors into this folder."):argname "DIR"
  parser:option("--reference", "Write the reference page of the built-in operators."):argname "FILE"
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  end
  if args.meta or args.reference then
    if args.name then
      return arguments.usage_error(parser, "an operator's name goes with neither --meta nor"
        .. " --reference")
    end
    code = args.meta and write_all(args.meta, reference.meta()) or 0
    if code == 0 and args.reference then
      code = write_all(nil, { [args.reference] = reference.page() })
    end
    return code
  end
  local found, names = list(args.name)
  if not found then
    return arguments.usage_error(parser, ('there is no operator "%s"%s'):format(args.name,
      words.hint(args.name, names)))
  end
  return 0
end

return { summary = summary, run = run }
