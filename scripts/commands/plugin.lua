-- lualab plugin new: a folder with a plugin that builds and passes its tests at once, to start
-- from.

local arguments = require "lab.arguments"
local core = require "lab.core"
local log = require "lab.log"
local paths = require "lab.paths"
local picture = require "lab.picture"
local sys = require "lab.sys"

local summary = "start a plugin of your own"

-- What differs between the kinds: the list of lab_plugin that must not be empty, and the README's
-- words.
local kinds = {
  op = {
    list = "ops",
    about = "One operator on pictures, `img:@NAME@{gain = 1.5}`, with parameters and a test.",
    try = "ops image.@NAME@",
  },
  kernel = {
    list = "kernels",
    about = "One kernel: how a node of a network (`relu`, float32) is computed.",
    try = "--kernels @NAME@ plugins -v",
  },
  loader = {
    list = "loaders",
    about = "One loader: a file format (a line of text) that becomes a model.",
    try = "plugins -v",
  },
}

--- Why a name cannot be a plugin's; nil when it can. It becomes part of C and Lua names.
---@param name string
---@return string?
local function name_problem(name)
  if not name:find "^[a-z][a-z0-9_]*$" or #name > 40 then
    return ("'%s' cannot be a plugin's name: a lower-case letter, then lower-case letters, digits "
      .. "and '_', at most 40"):format(name)
  end
  for _, plugin in ipairs((core.plugins())) do
    if plugin.name == name then
      return ("there is a plugin %s already (%s): take another name"):format(name, plugin.origin)
    end
  end
  for _, op in ipairs(core.ops()) do
    if op.name == "image." .. name then
      return ("there is an operator %s already: take another name"):format(op.name)
    end
  end
end

--- lab_plugin.h of this lualab: in the source folder it was built from, or installed with it.
---@return string? path
---@return string? message
local function find_header()
  local data = sys.data_dir()
  local tried = { paths.join(data, "src/lab_plugin.h"),
    paths.join(data, "../../include/lab_plugin.h") }
  for _, path in ipairs(tried) do
    if paths.exists(path, "file") then
      return sys.real_path(path)
    end
  end
  return nil, ("lab_plugin.h is neither %s nor %s; is lualab installed completely?"):format(
    tried[1], tried[2])
end

--- A file of scripts/plugin_kit with its @WORDS@ filled in.
local function template(file, known)
  local text, message = core.read_file(paths.program("scripts", "plugin_kit", file))
  if not text then
    return nil, message
  end
  for _ = 1, 2 do -- what is filled in may itself hold @NAME@
    text = text:gsub("@(%u+)@", known)
  end
  return text
end

--- The files of a new plugin: { name, text } each.
local function make_files(name, kind, header)
  local known = { NAME = name, VERSION = core.version, LIST = kinds[kind].list,
    ABOUT = kinds[kind].about, TRY = kinds[kind].try }
  local files = {}
  for _, pair in ipairs { { "CMakeLists.txt", "CMakeLists.txt.in" }, { "check.c", "check.c.in" },
    { name .. ".c", kind .. ".c.in" }, { "test.lua", kind .. ".lua.in" },
    { "README.md", "README.md.in" } } do
    local text, message = template(pair[2], known)
    if not text then
      return nil, message
    end
    files[#files + 1] = { pair[1], text }
  end
  local text, message = core.read_file(header)
  if not text then
    return nil, message
  end
  files[#files + 1] = { "lab_plugin.h", text }
  return files
end

local function fail(message)
  io.stderr:write("lualab plugin: ", message, "\n")
  return 1
end

local function create(name, kind, folder)
  if paths.exists(folder) and #(sys.list(folder) or { "not a folder" }) > 0 then
    return fail(("%s is there already; nothing was written. Name another folder"):format(folder))
  end
  local header, message = find_header()
  local files
  if header then
    log.info("lab_plugin.h: %s", header)
    files, message = make_files(name, kind, header)
  end
  if not files then
    return fail(message)
  end
  for _, file in ipairs(files) do
    local ok, why = picture.write(paths.join(folder, file[1]), file[2])
    if not ok then
      return fail(why)
    end
  end
  print(("%s: a plugin with one %s; lab_plugin.h is a copy of %s"):format(folder, kind, header))
  print(("Next: cd %s && cmake -S . -B build -DLUALAB=%s && cmake --build build && "
    .. "ctest --test-dir build"):format(folder, sys.exe()))
  return 0
end

local function run(argv)
  local parser = arguments.parser("lualab plugin", summary,
    "Example: lualab plugin new brighten && cd brighten && cmake -S . -B build")
  parser:argument("action", "new: write a folder with a plugin that builds."):choices { "new" }
  parser:argument("name", "Lower-case letters, digits and '_'.")
  parser:argument("folder", "Where; the default is a folder of that name here."):args "?"
  parser:option("-k --kind", "What it has to begin with: op, kernel or loader."):default "op"
    :choices { "op", "kernel", "loader" }
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  end
  local problem = name_problem(args.name)
  if problem then
    return arguments.usage_error(parser, problem)
  end
  return create(args.name, args.kind, args.folder or args.name)
end

return { summary = summary, run = run }
