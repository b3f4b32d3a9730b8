-- lualab doctor: what this installation found, and what is missing, for people and bug reports.

local arguments = require "lab.arguments"
local catalog = require "lab.catalog"
local core = require "lab.core"
local manifest = require "lab.manifest"
local paths = require "lab.paths"
local sys = require "lab.sys"

local summary = "show what this installation found and what is missing"

local function say(what, format, ...)
  print(("%-11s %s"):format(what, format:format(...)))
end

--- Whether a program is on the PATH.
local function find_program(name)
  for folder in (os.getenv "PATH" or ""):gmatch "[^:]+" do
    local path = paths.join(folder, name)
    if paths.exists(path, "file") then
      return path
    end
  end
end

local function about_plugins()
  local list, failures = core.plugins()
  local kernels, usable = core.kernels(), 0
  for _, kernel in ipairs(kernels) do
    usable = usable + (kernel.usable and 1 or 0)
  end
  say("plugins", "%d loaded, %d failed; %d of %d kernels can run here", #list, #(failures or {}),
    usable, #kernels)
  for _, failure in ipairs(failures or {}) do
    say("  failed", "%s", failure.message)
  end
  return usable > 0 and 0 or 1
end

local function about_models()
  local here, missing = {}, {}
  for _, entry in ipairs(manifest.list() or {}) do
    local list = manifest.find(entry) and here or missing
    list[#list + 1] = entry.name
  end
  say("models", "%s", #here > 0 and table.concat(here, ", ") or "none is here")
  if #missing > 0 then
    say("  missing", "%s (lualab models fetch NAME)", table.concat(missing, ", "))
  end
end

local function about_catalog()
  local path = catalog.default_path()
  if path ~= ":memory:" and not paths.exists(path) then
    say("catalog", "%s (made with the first result)", path)
    return 0
  end
  local db, message = catalog.open(path, "read")
  if not db then
    say("catalog", "%s", message)
    return 1
  end
  say("catalog", "%s, version %d, %s results", path, db:version(),
    tostring(db:value "SELECT count(*) FROM results"))
  db:close()
  return 0
end

local function run(argv)
  local parser = arguments.parser("lualab doctor", summary)
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  end
  local cpu, features = core.cpu()
  say("lualab", "%s, %s", core.version, _VERSION)
  say("program", "%s", sys.exe() or "not known")
  say("data", "%s", sys.data_dir())
  say("processor", "%s; %s", cpu, #(features or {}) > 0 and table.concat(features, " ")
    or "no vector extension that is used")
  say("threads", "%d", core.threads())
  local problems = about_plugins()
  about_models()
  problems = problems + about_catalog()
  for _, program in ipairs { "curl", "npm", "tar" } do
    say(program, "%s", find_program(program) or "not found: some models cannot be fetched")
  end
  return problems > 0 and 1 or 0
end

return { summary = summary, run = run }
