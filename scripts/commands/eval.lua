-- lualab eval: how good a model is on pictures with ground truth. The results, the measures and the
-- confusion matrix go into the catalog, where models and versions can be compared.

local arguments = require "lab.arguments"
local cli = require "lab.cli"
local evaluations = require "lab.evaluation"
local files = require "lab.files"
local json = require "lab.json"
local manifest = require "lab.manifest"
local model = require "lab.model"
local picture = require "lab.picture"
local pipeline = require "lab.pipeline"
local plot = require "lab.evaluation_plot"
local progress = require "lab.progress"
local stages = require "lab".stages
local sys = require "lab.sys"
local tables = require "lab.tables"

local summary = "measure a model against ground truth: IoU of each class and the confusion matrix"

local epilog = [[
A picture a/b.jpg below --images has its truth in a/b.png below --truth, or in b.png at its
top: a label map as indexed or grey PNG of the picture's size, its pixels class ids. Pictures
without a truth are left out.

IoU is taken over the pixels of all pictures together. The mean is over the classes that occur
in the truth; --absent-zero counts the others, too, as 0. Boundary IoU (Cheng et al. 2021) is
IoU within a band along the classes' borders: --band 2% of the picture's diagonal deep, or
--band 5 pixels.

--rule mlperf is MLPerf's for ADE20K: class 0 and ids beyond the network's are left out of the
truth (PNG, or raw bytes of the network's size), photos are stretched to the network's size,
and the mean is over all classes from 1.

  lualab eval -m pascal --images JPEGImages --truth SegmentationClass --plot pascal.svg
  lualab sql evaluations                    all evaluations, the best first
  lualab sql evaluation-classes             models side by side, class by class]]

--- "2%" or "5".
local function read_band(text)
  local number = tonumber(text:match "^(.-)%%$")
  if number and number >= 0 and number <= 100 then
    return { ratio = number / 100 }
  end
  number = math.tointeger(tonumber(text))
  if number and number >= 1 and number <= 65535 then
    return { width = number }
  end
  return nil, ("'%s' is neither a percentage of the diagonal (2%%) nor whole pixels (5)"):format(
    text)
end

local function make_parser()
  local parser = arguments.parser("lualab eval", summary, epilog)
  parser:option("-m --model", "A model of the manifest, or the path of one (default "
    .. manifest.default() .. ").")
  parser:option("--images", "Folder of pictures; patterns and single files, too."):argname "DIR"
  parser:option("--truth", "Folder of their label maps."):argname "DIR"
  parser:option("--ignore", "Id in the truth that does not count (255); -1: all count.")
    :argname "ID":convert(arguments.number(-1, 65535, true))
  parser:option("--rule", "What counts, and how: standard, or mlperf (see below).")
    :choices(evaluations.rules):default "standard"
  parser:option("--band", "Depth of the band for boundary IoU (2%)."):argname "DEPTH"
    :convert(read_band)
  parser:flag("--absent-zero", "Show the mean over all classes, absent ones counting 0, too.")
  parser:option("--fit", "How photos go into the network: pad, stretch or crop.")
  parser:option("--labels", "A file of label names, one a line in order of ids."):argname "FILE"
  parser:option("--plot", "Write IoU of each class and the confusion matrix as an SVG picture.")
    :argname "FILE.svg"
  parser:flag("--json", "The measures as JSON on standard output.")
  parser:option("--db", "The catalog (default LUALAB_DB, else in the user's data folder).")
    :argname "FILE"
  parser:flag("--no-record", "Leave the catalog alone.")
  return parser
end

local function fail(message)
  progress.clear()
  io.stderr:write("lualab eval: ", message, "\n")
end

--- The pictures that have a truth, and how many have none.
local function pair(images, truth)
  local items, without = {}, 0
  for _, item in ipairs(files.expand { images }) do
    item.truth = not item.error and evaluations.find_truth(truth, item) or nil
    if item.error or item.truth then
      items[#items + 1] = item
    else
      without = without + 1
    end
  end
  return items, without
end

local function make_pipeline(args, loaded)
  local mlperf = args.rule == "mlperf"
  local band = args.band or {}
  local count = stages.evaluate { truth = args.truth, ignore = args.ignore, rule = args.rule,
    ratio = band.ratio, width = band.width }
  local list = {
    stages.preprocess { fit = mlperf and "stretch" or args.fit },
    stages.segment { model = loaded, output = mlperf and "model" or "photo" },
    stages.legend {},
    count,
  }
  local record
  if not args.no_record then
    record = stages.record { db = args.db, command = ("lualab eval -m %s --images %s --truth %s")
      :format(loaded.name, args.images, args.truth) }
    list[#list + 1] = record
  end
  return pipeline.new(list), count, record
end

--- Takes the pictures through. Gives the number of failures, the run's id, and whether it stopped.
local function count_all(line, items, record)
  local bar, failed, run, stopped = progress.new(#items), 0, nil, false
  bar:show(items[1].path)
  for r, why, code in line:over(items) do
    run = record and record.run_id or run
    if code == "INTERRUPTED" then
      stopped = true
    elseif r.error then
      failed = failed + 1
      fail(why:find(r.path, 1, true) and why or r.path .. ": " .. why)
    end
    bar:step(not r.error)
    local next_item = items[bar.done + 1]
    if next_item then
      bar:show(next_item.path)
    end
  end
  bar:finish()
  return failed, run, stopped
end

local function percent(value)
  return value and ("%.2f"):format(100 * value) or "-"
end

local function print_table(measures, labels)
  local rows = {}
  for _, row in ipairs(measures.rows) do
    if row.truth > 0 or row.found > 0 then
      rows[#rows + 1] = { row.id, labels:label(row.id), percent(row.iou),
        percent(row.boundary_iou), percent(row.recall), percent(row.precision), row.truth,
        row.found }
    end
  end
  io.stdout:write(tables.table({ "class", "label", "IoU %", "boundary IoU %", "recall %",
    "precision %", "truth px", "found px" }, rows), "\n")
end

local function print_sums(counted, measures, args)
  print(("mean IoU                %6s %%  over %d classes"):format(percent(measures.mean_iou),
    args.rule == "mlperf" and #measures.rows or measures.present))
  if args.absent_zero then
    print(("mean IoU of all         %6s %%  over %d classes, absent ones counting 0"):format(
      percent(measures.mean_iou_all), #measures.rows))
  end
  print(("pixel accuracy          %6s %%"):format(percent(measures.pixel_accuracy)))
  print(("mean accuracy           %6s %%"):format(percent(measures.mean_accuracy)))
  print(("frequency-weighted IoU  %6s %%"):format(percent(measures.frequency_iou)))
  print(("boundary IoU            %6s %%  band: %s"):format(percent(measures.boundary_iou),
    counted:band()))
end

local row_order = { "id", "label", "iou", "boundary_iou", "recall", "precision", "truth", "found",
  "both" }
local order = { "evaluation", "model", "sha256", "pictures", "failed", "rule", "ignore", "pixels",
  "classes", "mean_iou", "mean_iou_all", "pixel_accuracy", "mean_accuracy", "frequency_iou",
  "boundary_iou", "rows", "confusion" }

--- A fraction with all its digits: what is compared with it may be exact.
local function exact(value)
  return value and json.raw(("%.17g"):format(value))
end

local function as_json(counted, measures, about)
  local rows, matrix = {}, {}
  for i, row in ipairs(measures.rows) do
    rows[i] = json.ordered(row_order, { id = row.id, label = about.labels:label(row.id),
      iou = exact(row.iou), boundary_iou = exact(row.boundary_iou), recall = exact(row.recall),
      precision = exact(row.precision), truth = row.truth, found = row.found, both = row.both })
  end
  for truth = 0, counted.classes - 1 do
    local counts = {}
    for found = 0, counted.classes - 1 do
      counts[found + 1] = counted:count(truth, found)
    end
    matrix[truth + 1] = json.list(counts)
  end
  local object = { evaluation = about.id, model = about.model.name, sha256 = about.model.sha256,
    pictures = counted.pictures, failed = about.failed, rule = counted.rule,
    ignore = counted.ignore, pixels = measures.pixels, classes = measures.present,
    rows = json.list(rows), confusion = json.list(matrix) }
  for _, name in ipairs { "mean_iou", "mean_iou_all", "pixel_accuracy", "mean_accuracy",
    "frequency_iou", "boundary_iou" } do
    object[name] = exact(measures[name])
  end
  return json.encode(json.ordered(order, object))
end

--- Stores, draws and prints. True, or nil and a sentence.
local function conclude(args, counted, about, record)
  local measures, message = counted:measures()
  if not measures then
    return nil, message
  end
  if record then
    about.id, message = counted:record(record.catalog, { run = about.run,
      model = record.model_id, images = sys.real_path(args.images) or args.images,
      truth = sys.real_path(args.truth) or args.truth, failed = about.failed })
    if not about.id then
      return nil, message .. " (--no-record goes without the catalog)"
    end
  end
  if args.plot then
    local text, ok
    text, message = plot.draw(counted, about.labels, ("%s on %d pictures"):format(about.model.name,
      counted.pictures))
    if text then
      ok, message = picture.write(args.plot, text)
    end
    if not ok then
      return nil, message
    end
  end
  if args.json then
    print(as_json(counted, measures, about))
    return true
  end
  print_table(measures, about.labels)
  print_sums(counted, measures, args)
  local notes = { ("%d pictures"):format(counted.pictures) }
  if about.failed > 0 then
    notes[#notes + 1] = ("%d failed"):format(about.failed)
  end
  if about.without > 0 then
    notes[#notes + 1] = ("%d without a truth"):format(about.without)
  end
  if about.id then
    notes[#notes + 1] = ("evaluation %d in %s"):format(about.id, record.catalog:path())
  end
  print(table.concat(notes, ", "))
  return true
end

local function evaluate(args, items, without)
  local loaded, message, kind = model.load(args.model or manifest.default(),
    { labels = args.labels })
  if not loaded then
    fail(message)
    return kind == "NOT_FOUND" and args.model and 2 or 1
  end
  local line, count, record = make_pipeline(args, loaded)
  local ok
  ok, message = line:prepare()
  if not ok then
    fail(message)
    return 1
  end
  local failed, run_id, stopped = count_all(line, items, record)
  if stopped then
    fail "stopped: nothing is measured of a part"
  else
    ok, message = conclude(args, count.evaluation, { model = loaded, labels = loaded:labels(),
      failed = failed, without = without, run = run_id }, record)
    if not ok then
      fail(message)
    end
  end
  line:close()
  loaded:close()
  if stopped then
    return cli.interrupted
  end
  return (not ok or failed > 0) and 1 or 0
end

local function run(argv)
  local parser = make_parser()
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  elseif not args.images or not args.truth then
    return arguments.usage_error(parser, ("missing option '--%s DIR'"):format(
      args.images and "truth" or "images"))
  elseif args.plot and not args.plot:lower():find "%.svg$" then
    return arguments.usage_error(parser, args.plot .. ": the plot is an SVG picture: FILE.svg")
  elseif args.rule == "mlperf" and args.fit then
    return arguments.usage_error(parser, "--rule mlperf stretches photos: leave --fit out")
  end
  local items, without = pair(args.images, args.truth)
  if #items == 0 then
    fail(without == 0 and args.images .. ": no picture found" or ("none of the %d pictures of %s "
      .. "has a truth in %s: they are called like the picture, with .png"):format(without,
      args.images, args.truth))
    return 1
  end
  return evaluate(args, items, without)
end

return { summary = summary, run = run }
