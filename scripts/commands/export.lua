-- lualab export: results of the catalog as files that other tools read.

local arguments = require "lab.arguments"
local catalog = require "lab.catalog"
local core = require "lab.core"
local exports = require "lab.exports"
local model = require "lab.model"
local paths = require "lab.paths"
local picture = require "lab.picture"

local summary = "write results of the catalog as COCO, GeoJSON, SVG, CSV, PNG or Label Studio files"

local epilog = [[
Say which results: by number, --run (a number, or last), --model, --where (a condition on
v_results), or --all; several of these narrow each other down. Only finished results count.

  coco         one JSON file; the id of a picture is that of its result, the id of a category
               that of its class. --shape rle (run lengths as COCO's tools pack them), counts
               (as numbers) or polygon (holes are joined to their border by a slit)
  csv          one line for each class of each result
  labelstudio  one JSON file of tasks with polygons as predictions
  geojson      DIR/STEM.geojson for each result: a MultiPolygon for each class, coordinates
               in pixels, x to the right and y downwards from the top left corner
  svg          DIR/STEM.svg: a path for each class
  png          DIR/STEM.labels.png: pixels are class ids, the palette the classes' colours

Polygons run along the sides of pixels and are exact; --tolerance makes them simpler.

  lualab export --run last --format coco -o run.json
  lualab export 12 13 --format svg -o drawings --label person --tolerance 1
  lualab export --where "path LIKE '%/holiday/%'" --format csv > holiday.csv]]

local function make_parser()
  local parser = arguments.parser("lualab export", summary, epilog)
  local number = arguments.number
  parser:argument("result", "Results by number."):args "*":convert(number(1, 1 << 53, true))
  parser:option("--format", table.concat(exports.names, ", ") .. "."):choices(exports.names)
  parser:option("-o --output", "The file; of geojson, svg and png the folder."):argname "PATH"
  parser:option("--run", "Results of this run; last: of the latest."):argname "RUN"
  parser:option("-m --model", "Results of this model."):argname "NAME"
  parser:option("--where", "SQL: a condition on the columns of v_results."):argname "CONDITION"
  parser:flag("--all", "All results.")
  parser:option("--label", "Only this class; can be repeated."):argname "NAME":count "*"
  parser:option("--tolerance", "Pixels that polygons may be off (0)."):argname "PIXELS"
    :convert(number(0, 65535))
  parser:option("--shape", "What COCO's annotations are: rle, counts or polygon.")
    :choices { "rle", "counts", "polygon" }:default "rle"
  parser:option("--db", "The catalog (default LUALAB_DB, else in the user's data folder).")
    :argname "FILE"
  return parser
end

local function fail(message)
  io.stderr:write("lualab export: ", message, "\n")
end

--- What is wrong with the options.
local function check(args)
  local format = exports.formats[args.format]
  if not format then
    return "say --format: " .. table.concat(exports.names, ", ")
  elseif #args.result == 0 and not (args.run or args.model or args.where or args.all) then
    return "say which results: by number, --run last, --model, --where, or --all"
  elseif args.run and args.run ~= "last" and not math.tointeger(tonumber(args.run)) then
    return ("--run %s: the number of a run, or last"):format(args.run)
  elseif not format.one_file and (not args.output or args.output == "-") then
    return ("%s makes a file for each result: say where with -o DIR"):format(args.format)
  elseif args.format == "png" and #args.label > 0 then
    return "--label: a label map has all classes; leave it out for png"
  end
end

--- The rows of the results that are asked for, by id.
local function select(db, args)
  local conditions, parameters = { "state = 'done'" }, {}
  local function add(condition, value)
    parameters[#parameters + 1] = value
    conditions[#conditions + 1] = condition:format(#parameters)
  end
  if args.run == "last" then
    conditions[#conditions + 1] = "run = (SELECT max(run) FROM results WHERE state = 'done')"
  elseif args.run then
    add("run = ?%d", math.tointeger(tonumber(args.run)))
  end
  if args.model then
    add("model = ?%d", args.model)
  end
  if #args.result > 0 then
    conditions[#conditions + 1] = "result IN (" .. table.concat(args.result, ", ") .. ")"
  end
  if args.where then
    -- On lines of its own, so that a comment at its end ends there.
    conditions[#conditions + 1] = "(\n" .. args.where .. "\n)"
  end
  return db:query("SELECT result, path, model, labels FROM v_results WHERE "
    .. table.concat(conditions, " AND ") .. " ORDER BY result", table.unpack(parameters))
end

--- Numbers that were asked for and are no finished result among the others.
local function check_found(rows, args)
  local found = {}
  for _, row in ipairs(rows) do
    found[row[1]] = true
  end
  for _, id in ipairs(args.result) do
    if not found[id] then
      return nil, ("there is no finished result %d%s"):format(id, (args.run or args.model
        or args.where) and " that meets the other conditions" or "")
    end
  end
  if #rows == 0 then
    return nil, "no finished result meets the conditions"
  end
  return true
end

--- The result with its map and the classes that are wanted.
local function load(db, row, labels)
  local r = { id = row[1], path = row[2], model = row[3] or "?", labels = row[4] or "?" }
  local message, code
  r.map, message, code = db:map(r.id)
  if not r.map then
    return nil, message, code
  end
  local wanted
  if #labels > 0 then
    local set = r.map:labels()
    if not set then
      return nil, "its label set is not known: there are no names to choose by", "NOT_FOUND"
    end
    local ids
    ids, message, code = model.label_ids(set, labels)
    if not ids then
      return nil, message, code
    end
    wanted = {}
    for _, id in ipairs(ids) do
      wanted[id] = true
    end
  end
  local legend
  legend, message, code = r.map:legend {}
  if not legend then
    return nil, message, code
  end
  r.classes = {}
  for _, class in ipairs(legend) do
    if not wanted or wanted[class.id] then
      r.classes[#r.classes + 1] = class
    end
  end
  return r
end

--- Calls use(r) with each result, names on standard error those that fail, and counts them.
local function each(db, rows, args, use)
  local failed = 0
  for _, row in ipairs(rows) do
    local r, message, code = load(db, row, args.label)
    local ok
    if r then
      ok, message, code = use(r)
      r.map:close()
    end
    if not ok then
      failed = failed + 1
      fail(("result %d (%s): %s"):format(row[1], row[2], message))
      if code == "INTERRUPTED" then
        break
      end
    end
  end
  return failed
end

local function one_file(db, rows, args, format)
  local writer = format.new { shape = args.shape, tolerance = args.tolerance or 0 }
  local failed = each(db, rows, args, function(r) return writer:add(r) end)
  if failed > 0 then
    fail(("%d of %d results failed: nothing is written"):format(failed, #rows))
    return 1
  end
  local text = writer:finish()
  local ok, message = true, nil
  if args.output and args.output ~= "-" then
    ok, message = picture.write(args.output, text)
  else
    io.stdout:write(text)
  end
  if not ok then
    fail(message)
    return 1
  end
  return 0
end

--- The names of the files, without endings: those of the pictures; where two are alike, with the
--- result's number. A name from the catalog is only a name: no folder, no control character.
local function stems(rows)
  local list, count = {}, {}
  for i, row in ipairs(rows) do
    local _, stem = paths.split(row[2])
    stem = row[2] == "-" and "stdin" or stem:gsub("[/%c]", "_")
    list[i] = stem == "" and "result" or stem
    count[list[i]] = (count[list[i]] or 0) + 1
  end
  local by_id, taken = {}, {}
  for i, row in ipairs(rows) do
    local stem = count[list[i]] > 1 and ("%s.%d"):format(list[i], row[1]) or list[i]
    while taken[stem] do -- "a.5" may be a picture's own name
      stem = ("%s.%d"):format(stem, row[1])
    end
    taken[stem] = true
    by_id[row[1]] = stem
  end
  return by_id
end

local function file_each(db, rows, args, format)
  local names = stems(rows)
  local failed = each(db, rows, args, function(r)
    local text, message, code = format.make(r, { tolerance = args.tolerance or 0 })
    if not text then
      return nil, message, code
    end
    return picture.write(paths.join(args.output, names[r.id] .. "." .. format.ending), text)
  end)
  return failed > 0 and 1 or 0
end

local function run(argv)
  local parser = make_parser()
  local args, code = arguments.parse(parser, argv)
  if not args then
    return code
  end
  local problem = check(args)
  if problem then
    return arguments.usage_error(parser, problem)
  end
  local db, message = catalog.open(args.db, "read")
  local rows
  if db then
    rows, message = select(db, args)
  end
  local ok
  if rows then
    ok, message = check_found(rows, args)
  end
  if not ok then
    fail(message)
    return 1
  end
  local format = exports.formats[args.format]
  code = (format.one_file and one_file or file_each)(db, rows, args, format)
  db:close()
  return core.stopped() and require "lab.cli".interrupted or code
end

return { summary = summary, run = run }
