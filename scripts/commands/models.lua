-- lualab models: what the manifest names, where it is, and getting and checking it.

local arguments = require "lab.arguments"
local core = require "lab.core"
local fetch = require "lab.fetch"
local log = require "lab.log"
local manifest = require "lab.manifest"
local model = require "lab.model"
local tables = require "lab.tables"
local words = require "lab.words"

local summary = "list, fetch, describe and verify models"

local epilog = [[
  lualab models                    what there is; -v: and where
  lualab models fetch pascal       get it now (its path goes to standard output)
  lualab models fetch astronaut    sample photos are fetched alike
  lualab models info pascal -v     with every node and its kernel
  lualab models verify             check all that are here against their sha256]]

local function fail(message)
  io.stderr:write("lualab models: ", message, "\n")
end

--- An entry by name: a model, else a sample.
local function find_entry(name)
  local entry, message = manifest.get(name)
  if not entry then
    entry = manifest.get(name, "sample")
  end
  return entry, message
end

--- The table of what the manifest names; -v shows paths.
local function list()
  local paths_shown = log.level > 0
  local rows = {}
  for _, kind in ipairs { "model", "sample" } do
    local entries, message = manifest.list(kind)
    if not entries then
      fail(message)
      return 1
    end
    for _, entry in ipairs(entries) do
      local path = manifest.find(entry)
      local here = path and (paths_shown and path or "yes") or "no"
      rows[#rows + 1] = { entry.name, kind == "sample" and "(photo)" or entry.dataset or "own",
        fetch.size_text(entry.bytes), entry.licence, here, entry.summary }
    end
  end
  io.stdout:write(tables.table({ "name", "labels", "size", "licence", "here", "what" }, rows))
  return 0
end

local function fetch_all(names, force)
  if #names == 0 then
    for _, entry in ipairs(manifest.list() or {}) do
      names[#names + 1] = entry.name
    end
  end
  local code = 0
  for _, name in ipairs(names) do
    local entry, message = find_entry(name)
    local path
    if not entry then
      fail(message)
      code = math.max(code, 2)
    else
      if force then
        path, message = fetch.get(entry)
      else
        path, message = fetch.need(entry)
      end
      if path then
        print(path)
      else
        fail(message)
        code = math.max(code, 1)
      end
    end
  end
  return code
end

local function verify(names)
  local entries, code = {}, 0
  if #names == 0 then
    entries = manifest.list() or {}
  end
  for _, name in ipairs(names) do
    local entry, message = find_entry(name)
    if not entry then
      fail(message)
      return 2
    end
    entries[#entries + 1] = entry
  end
  for _, entry in ipairs(entries) do
    local path = manifest.find(entry)
    local bytes, message
    if path then
      bytes, message = core.read_file(path)
    end
    local ok = bytes
    if bytes then
      ok, message = fetch.check(entry, bytes, path)
    end
    if ok then
      print(("%-14s good      %s"):format(entry.name, path))
    elseif path then
      fail(message)
      code = 1
    else
      print(("%-14s not here"):format(entry.name))
      code = #names > 0 and 1 or code
    end
  end
  return code
end

local function shape_text(layout)
  local text = table.concat(layout.shape, "x") .. " " .. layout.dtype
  if layout.scale then
    text = text .. (" (%.6g * (q - %d))"):format(layout.scale, layout.zero_point)
  end
  return text
end

local function head_text(head)
  local parts = { ("%dx%dx%d scores"):format(head.logits_h, head.logits_w, head.channels) }
  if head.resized then
    parts[#parts + 1] = ("enlarged to %dx%d%s"):format(head.out_h, head.out_w,
      head.align_corners and ", corners aligned" or head.half_pixel_centers
      and ", half-pixel centres" or "")
  end
  if head.activation ~= "none" then
    parts[#parts + 1] = head.activation
  end
  if head.argmax then
    parts[#parts + 1] = "arg-max"
  end
  return table.concat(parts, ", ")
end

local function print_labels(labels)
  local names = {}
  for id = 0, #labels - 1 do
    names[#names + 1] = ("%d %s"):format(id, labels:label(id))
  end
  print("labels      " .. table.concat(names, ", "))
end

--- The network as it is in the file, and why operators are not run as they are there.
local function print_operators(loaded)
  local fate, rows = {}, {}
  for _, node in ipairs(loaded:removed()) do
    local into = node.into and node.into ~= node.index and (" (node %d)"):format(node.into) or ""
    fate[node.index] = node.reason .. into
  end
  for i, node in ipairs(loaded:operators()) do
    rows[i] = { node.index, node.label, table.concat(node.shape, "x"), node.dtype,
      fate[node.index] or "" }
  end
  print "In the file:"
  io.stdout:write(tables.table({ "node", "operator", "output", "type", "rewritten, because it" },
    rows))
end

local function info(names, verbose)
  if #names ~= 1 then
    fail "info takes one model"
    return 2
  end
  local loaded, message, code = model.load(names[1])
  if not loaded then
    fail(message)
    return code == "NOT_FOUND" and not find_entry(names[1]) and 2 or 1
  end
  local about = loaded:info()
  local stats = about.stats
  local lines = {
    { "name", about.name }, { "what", about.summary or "not in the manifest" },
    { "file", about.path }, { "sha256", about.sha256 }, { "format", about.format },
    { "licence", about.licence or "not known" }, { "source", about.url or "not known" },
    { "input", shape_text(about.input) }, { "output", shape_text(about.output) },
    { "head", head_text(about.head) },
    { "fit", ("%s, mean %d"):format(about.fit, about.mean) },
    { "nodes", ("%d in the file, %d of them rewritten: %d run, %d computed at load time"):format(
      stats.operators, stats.removed, stats.nodes, stats.folded) },
    { "MACs", ("%.0f million a picture"):format(stats.macs / 1e6) },
    { "memory", ("weights %s, packed %s, activations %s, scratch %s"):format(
      fetch.size_text(stats.constant_bytes), fetch.size_text(stats.packed_bytes),
      fetch.size_text(stats.arena_bytes), fetch.size_text(stats.scratch_bytes)) },
    { "peak", stats.peak_index and ("%s of activations alive at node %d, %s"):format(
      fetch.size_text(stats.peak_bytes), stats.peak_index, stats.peak_label) or "nothing runs" },
  }
  for _, line in ipairs(lines) do
    print(("%-11s %s"):format(line[1], line[2]))
  end
  print_labels(loaded:labels())
  if verbose then
    print()
    print_operators(loaded)
    print "\nAs it runs:"
    io.stdout:write(tables.nodes(loaded:nodes()))
  end
  loaded:close()
  return 0
end

local function run(argv)
  local parser = arguments.parser("lualab models", summary, epilog)
  local names = { "list", "fetch", "info", "verify" }
  arguments.suggest(parser:argument("action", "list, fetch, info or verify."):args "?", names)
  arguments.suggest(parser:argument("name",
    "Models (or sample photos) of the manifest, or paths for info."):args "*", "models")
  parser:flag("--force", "fetch: again, even when it is here.")
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  end
  local actions = {
    list = list,
    fetch = function() return fetch_all(args.name, args.force) end,
    info = function() return info(args.name, args.verbose > 0) end,
    verify = function() return verify(args.name) end,
  }
  local action = args.action or "list"
  if not actions[action] then
    return arguments.usage_error(parser, words.unknown("action", action, names))
  end
  return actions[action]()
end

return { summary = summary, run = run }
