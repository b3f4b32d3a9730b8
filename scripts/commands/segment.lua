-- lualab segment: pictures in, label maps, overlays, cut-outs, legends and catalog rows out.

local arguments = require "lab.arguments"
local batch = require "lab.batch"
local files = require "lab.files"
local geometry = require "lab.geometry"
local manifest = require "lab.manifest"
local model = require "lab.model"
local paths = require "lab.paths"
local picture = require "lab.picture"
local pipeline = require "lab.pipeline"
local stages = require "lab".stages

local summary = "label every pixel of photos: what is where, and how much of it"

local epilog = [[
With -o DIR each photo gives DIR/STEM.labels.png: an indexed PNG of the photo's size whose pixels
are class ids and whose palette are the dataset's colours. Folders are walked and their tree is
mirrored below DIR. Without -o the legend is printed. Either way the result goes into the catalog
(lualab sql).

  lualab photo.jpg
  lualab photos/ -o out --overlay --resume
  lualab me.jpg -m selfie -o out --cutout --soft --background beach.jpg
  lualab '**/*.jpg' -m ade20k -o out --label tree --label grass --json]]

local function make_parser()
  local parser = arguments.parser("lualab segment", summary, epilog)
  local number = arguments.number
  parser:argument("photo", "Files, folders, patterns, or - for standard input."):args "+"
  parser:option("-m --model", "A model of the manifest, or the path of one (default "
    .. manifest.default() .. ").")
  parser:option("-o --output-dir", "Where files go."):argname "DIR"
  parser:option("--label", "Classes for --mask and --cutout; can be repeated."):argname "NAME"
    :count "*"
  parser:flag("--overlay", "STEM.overlay.png: colours over the photo; --overlay=0.4 sets alpha.")
  parser:option("--alpha", "Strength of the overlay, 0 to 1 (0.6)."):convert(number(0, 1))
  parser:flag("--mask", "STEM.mask.png: the classes of --label as a grey mask.")
  parser:flag("--cutout", "STEM.cutout.png: the classes of --label, the rest transparent.")
  parser:option("--background", "What the cut-out is put on: transparent, a colour, or a picture.")
  parser:flag("--soft", "Masks by the network's probabilities instead of yes or no.")
  parser:option("--feather", "Softens the mask's edge by so many pixels."):argname "RADIUS"
    :convert(number(0, 1000))
  parser:flag("--legend", "STEM.legend.png: colours, names and shares.")
  parser:flag("--json", "STEM.json, or JSON on standard output without -o.")
  parser:option("--output", "photo: maps of the photo's size; model: the network's own map.")
    :choices { "photo", "model" }:default "photo"
  parser:option("--fit", "How photos go into the network: pad, stretch or crop.")
  parser:option("--labels", "A file of label names, one a line in order of ids."):argname "FILE"
  parser:flag("--resume", "Skip what is done: its files are there and the catalog has it.")
  parser:option("--db", "The catalog (default LUALAB_DB, else in the user's data folder).")
    :argname "FILE"
  parser:flag("--no-record", "Leave the catalog alone.")
  parser:option("--ahead",
    "Photos in flight at most (two more than threads); 1: one after the other.")
    :argname "N":convert(number(1, 64, true))
  parser:flag("-q --quiet", "Print nothing for photos that went well.")
  return parser
end

--- What is asked for that needs a folder to go to.
local function needs_folder(args)
  for _, name in ipairs { "overlay", "mask", "cutout", "legend", "background", "resume" } do
    if args[name] then
      return "--" .. name
    end
  end
end

--- What is wrong with the options, before anything is loaded.
local function check(args)
  local file_option = not args.output_dir and needs_folder(args)
  if file_option then
    return ("%s writes files: say where with -o DIR"):format(file_option)
  end
  local ok, message = geometry.check_fit(args.fit or "pad")
  if not ok then
    return message
  end
  local asked = args.mask or args.cutout or args.background
  if not asked and (#args.label > 0 or args.soft or args.feather) then
    return "--label, --soft and --feather are about masks: add --cutout or --mask"
  end
  if args.alpha and not args.overlay then
    args.overlay = true
  end
end

--- The files each photo is to give, by kind.
local function planned_files(args)
  if not args.output_dir then
    return {}
  end
  local list = { labels = "{dir}/{stem}.labels.png" }
  for _, kind in ipairs { "overlay", "mask", "cutout", "legend" } do
    if args[kind] or kind == "cutout" and args.background then
      list[kind] = "{dir}/{stem}." .. kind .. ".png"
    end
  end
  if args.json then
    list.json = "{dir}/{stem}.json"
  end
  return list
end

--- The stages that do what the options ask for.
local function make_stages(args, loaded, planned, command)
  local label = #args.label > 0 and args.label or nil
  local cut = { label = label, soft = args.soft, feather = args.feather }
  local list = {
    stages.preprocess { fit = args.fit },
    stages.segment { model = loaded, output = args.output },
    stages.legend { save = planned.legend },
  }
  if planned.overlay then
    list[#list + 1] = stages.colorize { alpha = args.alpha, save = planned.overlay }
  end
  if planned.mask then
    list[#list + 1] = stages.mask { label = cut.label, soft = cut.soft, feather = cut.feather,
      save = planned.mask }
  end
  if planned.cutout then
    list[#list + 1] = stages.mask { label = cut.label, soft = cut.soft, feather = cut.feather,
      cutout = true, background = args.background, save = planned.cutout }
  end
  if args.output_dir then
    list[#list + 1] = stages.save { labels = planned.labels, json = planned.json }
  end
  local record
  if not args.no_record then
    record = stages.record { db = args.db, command = command }
    list[#list + 1] = record
  end
  return list, record
end

--- The default class of a mask: the background's opposite. Datasets without one need --label.
local function check_labels(args, loaded)
  if #args.label > 0 then
    local ids, message = loaded:ids(args.label)
    return ids, message
  elseif (args.mask or args.cutout or args.background) and not loaded.background then
    return nil, ("%s has no background class: say what to keep with --label, for example "
      .. "--label %s"):format(loaded.name, loaded:labels():label(0))
  end
  return true
end

local function command_text(argv)
  local words = { "lualab segment" }
  for _, word in ipairs(argv) do
    words[#words + 1] = word:find "[^%w_%-%./=,:@+]" and ("'%s'"):format(word:gsub("'", "'\\''"))
      or word
  end
  return table.concat(words, " ")
end

--- Reads the first picture while the model is loaded. A model that cannot be had closes the job.
local function begin_reading(items, args)
  local first = items[1]
  if first and not first.error and first.path ~= "-" and args.ahead ~= 1 and not args.resume then
    first.job = picture.reading(first.path, { sha256 = not args.no_record }):start()
  end
  return first and first.job
end

local function run(argv)
  local parser = make_parser()
  local args, code = arguments.parse(parser,
    arguments.split_optional(argv, { ["--overlay"] = "--alpha" }))
  if not args then
    return code
  end
  local problem = check(args)
  if problem then
    return arguments.usage_error(parser, problem)
  end
  local items = files.expand(args.photo, { skip = args.output_dir })
  if args.output_dir then
    local ok, message = files.place(items, args.output_dir)
    if not ok then
      return arguments.usage_error(parser, message)
    end
  end
  local job = begin_reading(items, args)
  local loaded, message, kind = model.load(args.model or manifest.default(),
    { labels = args.labels })
  if not loaded then
    if job then
      job:close()
    end
    io.stderr:write("lualab segment: ", message, "\n")
    return kind == "NOT_FOUND" and args.model and not paths.exists(args.model) and 2 or 1
  end
  local ids
  ids, message = check_labels(args, loaded)
  if not ids then
    return arguments.usage_error(parser, message)
  end
  local planned = planned_files(args)
  local list, record = make_stages(args, loaded, planned, command_text(argv))
  list.ahead = args.ahead
  local line = pipeline.new(list)
  code = batch.run(line, items, { args = args, planned = planned, record = record })
  line:close()
  loaded:close()
  return code
end

return { summary = summary, run = run }
