-- lualab plugins: what is loaded, what failed to load, and with -v which kernel each node of a
-- model gets.

local arguments = require "lab.arguments"
local core = require "lab.core"
local manifest = require "lab.manifest"
local model = require "lab.model"
local tables = require "lab.tables"

local summary = "list plugins, loaders, readers and kernels"

local function print_plugins(verbose)
  local list, failures = core.plugins()
  local rows = {}
  for i, plugin in ipairs(list) do
    rows[i] = { plugin.name, plugin.version, plugin.ops, plugin.node_types, plugin.kernels,
      plugin.loaders, plugin.readers, plugin.services, plugin.summary, plugin.origin }
  end
  io.stdout:write(tables.table({ "plugin", "version", "ops", "nodes", "kernels", "loaders",
    "readers", "services", "summary", "origin" }, rows))
  for _, failure in ipairs(failures or {}) do
    print(("failed: %s"):format(failure.message:find(failure.path, 1, true) and failure.message
      or failure.path .. ": " .. failure.message))
  end
  if not verbose then
    return
  end
  rows = {}
  for i, loader in ipairs(core.loaders()) do
    rows[i] = { loader.name, loader.extensions, loader.summary }
  end
  io.stdout:write("\n", tables.table({ "loader", "endings", "summary" }, rows))
  rows = {}
  for i, reader in ipairs(core.readers()) do
    rows[i] = { reader.name, reader.extensions, reader.summary }
  end
  if #rows > 0 then
    io.stdout:write("\n", tables.table({ "reader", "endings", "summary" }, rows))
  end
  rows = {}
  for i, kernel in ipairs(core.kernels()) do
    rows[i] = { kernel.name, kernel.op, kernel.isa, kernel.usable and "yes" or "no",
      kernel.plugin }
  end
  io.stdout:write("\n", tables.table({ "kernel", "node type", "isa", "usable", "plugin" }, rows))
end

local function print_nodes(name)
  local loaded, message = model.load(name)
  if not loaded then
    io.stderr:write("lualab plugins: ", message, "\n")
    return 1
  end
  print(("\n%s"):format(tostring(loaded)))
  io.stdout:write(tables.nodes(loaded:nodes()))
  loaded:close()
  return 0
end

local function run(argv)
  local parser = arguments.parser("lualab plugins", summary, [[
With -v also loaders, readers, kernels, and the kernel of each node of the default model, if it is
here.]])
  parser:option("-m --model", "Show the kernel of each node of this model.")
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  end
  local verbose = args.verbose > 0 or args.model ~= nil
  print_plugins(verbose)
  local entry = manifest.get(manifest.default())
  if args.model or verbose and entry and manifest.find(entry) then
    return print_nodes(args.model or entry.name)
  end
  return 0
end

return { summary = summary, run = run }
