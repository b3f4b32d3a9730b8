-- lualab bench: how fast models run here, and what share of what the CPU can do that is.

local arguments = require "lab.arguments"
local core = require "lab.core"
local json = require "lab.json"
local lab = require "lab"
local manifest = require "lab.manifest"
local models = require "lab.model"
local picture = require "lab.picture"
local sys = require "lab.sys"
local tables = require "lab.tables"

local summary = "time models: milliseconds, multiply-adds a second, share of the CPU's peak"

local epilog = [[
One run goes from the raw picture in memory, in the network's size and type, to the network's own
output in memory: the label map where the network ends in one, else its scores. Decoding, scaling
and enlarging to a photo's size are not in it.

The peak is measured just before and after, with as many threads: AVX2's vpmaddwd for 8-bit
networks, which VNNI instructions can exceed, and fused multiply-adds for float32. The times of
--per-layer are each layer's fastest, in runs of their own. --json prints one object a line for each
model.

  lualab bench
  lualab bench -m pascal -m ade20k --threads 1 --per-layer
  lualab bench --json --runs 50 --kernels reference]]

local function make_parser()
  local parser = arguments.parser("lualab bench", summary, epilog)
  local number = arguments.number
  parser:option("-m --model", "A model of the manifest, or the path of one; can be repeated "
    .. "(default " .. manifest.default() .. ")."):count "*"
  parser:option("--runs", "Runs that are timed (20)."):convert(number(1, 100000, true))
  parser:option("--warm", "Runs before them that are not (3)."):convert(number(0, 100000, true))
  parser:option("--input", "The photo to run on, instead of a made-up picture."):argname "PHOTO"
  parser:flag("--per-layer", "What each layer takes.")
  parser:flag("--json", "JSON on standard output.")
  return parser
end

--- A picture with edges, slopes and noise: not all alike, and the same on every machine.
local function made_up(width, height)
  local rows, state = {}, 12345
  for y = 0, height - 1 do
    local row = {}
    for x = 0, width - 1 do
      state = (state * 1664525 + 1013904223) & 0xffffffff
      local base = ((x // 64 + y // 64) * 77 + x // 4) & 0xff
      row[x + 1] = string.char(base, (base + y // 2) & 0xff, ((base >> 1) + (state >> 26)) & 0xff)
    end
    rows[y + 1] = table.concat(row)
  end
  return core.image(width, height, 3, table.concat(rows))
end

--- What the network gets for a photo, or for the made-up picture.
local function make_input(model, photo)
  local image, message = photo, nil
  if not image then
    image, message = made_up(model.width, model.height)
  end
  if not image then
    return nil, message
  end
  local r = { image = image }
  local ok
  ok, message = lab.stages.preprocess {}:run(r, { model = model })
  return ok and r.input, message
end

--- The value below which this share of a sorted list is, between its neighbours in proportion.
local function quantile(sorted, share)
  local at = 1 + share * (#sorted - 1)
  local low = math.floor(at)
  local high = math.min(low + 1, #sorted)
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low)
end

--- Milliseconds of each run, sorted.
local function time_runs(model, input, warm, runs)
  local times = {}
  for i = 1, warm + runs do
    local start = sys.clock()
    local values, message = model:run(input, { want = "outputs" })
    local stop = sys.clock()
    if not values then
      return nil, message
    end
    -- The results' memory is given back now, not by a collection in a run that is timed.
    for _, value in ipairs(values) do
      value:close()
    end
    if i > warm then
      times[#times + 1] = (stop - start) * 1e3
    end
  end
  table.sort(times)
  return times
end

--- GMAC/s; 0 for what takes no measurable time.
local function rate(macs, ms)
  return ms > 0 and macs / ms / 1e6 or 0.0
end

--- What each layer takes, with what it is.
local function time_layers(model, input, runs)
  local rows, message = model:profile(input, runs)
  if not rows then
    return nil, message
  end
  local nodes, total = {}, 0
  for _, node in ipairs(model:nodes()) do
    nodes[node.index] = node
  end
  for _, row in ipairs(rows) do
    total = total + row.ms
  end
  local layers = {}
  for i, row in ipairs(rows) do
    local node = nodes[row.index]
    layers[i] = { node = row.index, op = row.op, label = node.label, kernel = row.kernel,
      shape = node.shape, macs = node.macs, ms = row.ms, gmacs = rate(node.macs, row.ms),
      percent = total > 0 and 100 * row.ms / total or 0.0 }
  end
  return layers
end

--- Of two measurements of the peak, what was reached in either: others may have had the CPU.
local function higher(a, b)
  return { int8 = math.max(a.int8, b.int8), f32 = math.max(a.f32, b.f32), isa = a.isa }
end

--- Everything about one model, as --json prints it.
local function measure(model, args, photo)
  local input, message = make_input(model, photo)
  if not input then
    return nil, message
  end
  local peak = core.peak()
  local times
  times, message = time_runs(model, input, args.warm or 3, args.runs or 20)
  local layers = {}
  if times and args.per_layer then
    layers, message = time_layers(model, input, args.runs or 20)
  end
  if not times or not layers then
    return nil, message
  end
  peak = higher(peak, core.peak())
  local macs = model:info().stats.macs
  local median = quantile(times, 0.5)
  local reachable = (model.dtype == "f32" and peak.f32 or peak.int8) / 1e9
  return { model = model.name, threads = core.threads(),
    kernels = sys.options().kernels or sys.getenv "LUALAB_KERNELS" or "best", runs = #times,
    median_ms = median, p10_ms = quantile(times, 0.1), p90_ms = quantile(times, 0.9), macs = macs,
    gmacs = rate(macs, median), peak = reachable, peak_isa = peak.isa,
    share = rate(macs, median) / reachable, layers = json.list(layers) }
end

local order = { "model", "threads", "kernels", "runs", "median_ms", "p10_ms", "p90_ms", "macs",
  "gmacs", "peak", "peak_isa", "share", "layers" }
local layer_order = { "node", "op", "label", "kernel", "shape", "macs", "ms", "gmacs", "percent" }

local function print_json(result)
  for i, layer in ipairs(result.layers) do
    result.layers[i] = json.ordered(layer_order, layer)
  end
  print(json.encode(json.ordered(order, result)))
end

local function fixed(value, digits)
  return ("%%.%df"):format(digits):format(value)
end

local function print_text(results)
  local rows = {}
  for i, r in ipairs(results) do
    rows[i] = { r.model, r.threads, r.kernels, fixed(r.median_ms, 2), fixed(r.p10_ms, 2),
      fixed(r.p90_ms, 2), fixed(r.gmacs, 1), fixed(r.peak, 1) .. " " .. r.peak_isa,
      fixed(100 * r.share, 1) }
  end
  io.stdout:write(tables.table({ "model", "threads", "kernels", "median ms", "p10", "p90", "GMAC/s",
    "peak", "% of it" }, rows))
end

local function print_layers(result)
  local rows = {}
  for i, layer in ipairs(result.layers) do
    rows[i] = { layer.node, layer.label, table.concat(layer.shape, "x"), layer.kernel,
      fixed(layer.macs / 1e6, 2), fixed(layer.ms, 3), fixed(layer.gmacs, 1),
      fixed(layer.percent, 1) }
  end
  io.stdout:write("\n", result.model, "\n", tables.table({ "node", "operator", "output", "kernel",
    "MMACs", "ms", "GMAC/s", "%" }, rows))
end

--- Loads, measures and frees one model.
local function bench(name, args, photo)
  local model, message = models.load(name)
  if not model then
    return nil, message
  end
  local result
  result, message = measure(model, args, photo)
  model:close()
  return result, message
end

local function run(argv)
  local parser = make_parser()
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  end
  local photo, message
  if args.input then
    photo, message = picture.open(args.input)
    if not photo then
      io.stderr:write("lualab bench: ", message, "\n")
      return 1
    end
  end
  code = 0
  local results = {}
  for _, name in ipairs(#args.model > 0 and args.model or { manifest.default() }) do
    local result
    result, message = bench(name, args, photo)
    results[#results + 1] = result
    if not result then
      io.stderr:write("lualab bench: ", message, "\n")
      code = 1
    elseif args.json then
      print_json(result)
    end
  end
  if not args.json and #results > 0 then
    print_text(results)
    for _, result in ipairs(args.per_layer and results or {}) do
      print_layers(result)
    end
  end
  return code
end

return { summary = summary, run = run }
