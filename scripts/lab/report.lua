-- What a report of a run tells, gathered from the catalog: facts, areas, small pictures with their
-- label maps as transparent layers, failures. lab.report_page makes a page of it.

local html = require "lab.html"
local picture = require "lab.picture"

local report = {}

---@class lab.ReportClass
---@field key string       of its style: "k1", "k2", …
---@field name string
---@field color string     "#rrggbb"
---@field fraction number  of all pixels of the run
---@field pictures integer

---@class lab.ReportPicture
---@field path string
---@field width integer
---@field height integer
---@field model string
---@field seconds number?
---@field photo string?    data: URL, JPEG
---@field overlay string?  data: URL, PNG with transparency
---@field note string?     why one of them is missing
---@field classes { class: lab.ReportClass, fraction: number }[]  largest first

---@class lab.Report
---@field run table               of v_runs
---@field models table[]          name, sha256, licence, labels
---@field stages table[]          name, mean: milliseconds
---@field classes lab.ReportClass[]  largest first
---@field pictures lab.ReportPicture[]
---@field failures table[]        path, reason
---@field left_out integer        pictures beyond the limit
---@field failures_left_out integer

local MAX_FAILURES = 1000

--- The run: the given one, or the latest.
local function find_run(db, id)
  local row, message, code
  if id then
    row, message, code = db:one("SELECT * FROM v_runs WHERE run = ?1", id)
  else
    row, message, code = db:one "SELECT * FROM v_runs ORDER BY run DESC LIMIT 1"
  end
  if message then
    return nil, message, code
  elseif not row then
    return nil, id and ("the catalog has no run %d: 'lualab sql runs' lists them"):format(id)
      or "the catalog has no run yet: segment something first", "NOT_FOUND"
  end
  return row
end

--- The classes of the run, largest first, and where each is found by label set and id.
local function find_classes(db, run)
  local classes, index = {}, {}
  local total = db:value([[
    SELECT sum(width * height) FROM results WHERE run = ?1 AND state = 'done']], run) or 0
  for row in db:rows([[
    SELECT r.label_set, g.class_id, coalesce(l.name, 'class ' || g.class_id) AS name, l.color,
           sum(g.pixels) AS pixels, count(*) AS pictures
    FROM results r
    JOIN segments g ON g.result = r.id
    LEFT JOIN labels l ON l.label_set = r.label_set AND l.class_id = g.class_id
    WHERE r.run = ?1 GROUP BY r.label_set, g.class_id ORDER BY pixels DESC, 1, 2]], run) do
    local class = { key = "k" .. #classes + 1, name = row.name, color = html.color(row.color),
      fraction = total > 0 and row.pixels / total or 0, pictures = row.pictures }
    classes[#classes + 1] = class
    index[(row.label_set or 0) .. ":" .. row.class_id] = class
  end
  return classes, index
end

--- The size of a picture that is no larger than `longest`.
local function small_size(width, height, longest)
  local scale = math.min(1, longest / math.max(width, height))
  return math.max(1, math.floor(width * scale + 0.5)), math.max(1, math.floor(height * scale + 0.5))
end

local function photo_url(r, width, height)
  local image = r.image
  if not image then
    return nil, r.image_missing[1]
  end
  local small, message = picture.rgb(image)
  if small then
    small, message = small:resize { width = width, height = height, method = "area" }
  end
  local bytes
  if small then
    bytes, message = small:encode { format = "jpeg", quality = 82 }
  end
  return bytes and html.data_url(bytes, "jpeg"), message
end

--- The label map in its colours; its background is transparent.
local function overlay_url(r, width, height)
  local map, message = r.map:resize { width = width, height = height }
  local colors, mask, bytes
  if map then
    colors, message = map:colorize {}
  end
  if colors and r.model.background then
    mask, message = map:mask { exclude = { r.model.background } }
    colors = mask and colors
    if colors then
      colors, message = colors:cutout { mask = mask }
    end
  end
  if colors then
    bytes, message = colors:encode { format = "png", level = 9 }
  end
  return bytes and html.data_url(bytes, "png"), message
end

--- One picture. What cannot be shown is said in its note.
local function describe_picture(db, row, index, size)
  local entry = { path = row.path, width = row.width, height = row.height, model = row.model,
    seconds = row.seconds, classes = {} }
  for part in db:rows([[
    SELECT r.label_set, g.class_id, g.fraction FROM segments g JOIN results r ON r.id = g.result
    WHERE g.result = ?1 ORDER BY g.pixels DESC, g.class_id]], row.result) do
    local class = index[(part.label_set or 0) .. ":" .. part.class_id]
    if class then -- not written since the classes were read
      table.insert(entry.classes, { class = class, fraction = part.fraction })
    end
  end
  local r, message = db:result(row.result)
  if r then
    local width, height = small_size(r.width, r.height, size)
    entry.small_width, entry.small_height = width, height
    local why
    entry.photo, message = photo_url(r, width, height)
    entry.overlay, why = overlay_url(r, width, height)
    message = not entry.photo and message or not entry.overlay and why or nil
    r.map:close()
    if rawget(r, "image") then
      r.image:close()
    end
  end
  entry.note = message
  return entry
end

local function find_stages(db, run)
  local stages = {}
  for row in db:rows([[
    SELECT t.key AS name, avg(t.value) AS mean FROM results r, json_each(r.timings) t
    WHERE r.run = ?1 AND r.state = 'done' AND t.type IN ('integer', 'real')
    GROUP BY t.key ORDER BY min(t.id)]], run) do
    stages[#stages + 1] = row
  end
  return stages
end

local function find_models(db, run)
  local models = {}
  for row in db:rows([[
    SELECT m.name, m.sha256, m.licence, s.name AS labels FROM models m
    LEFT JOIN label_sets s ON s.id = m.label_set
    WHERE m.id IN (SELECT model FROM results WHERE run = ?1) ORDER BY m.name]], run) do
    models[#models + 1] = row
  end
  return models
end

local function find_failures(db, run)
  local failures = {}
  for row in db:rows([[
    SELECT path, coalesce(reason, 'it was started, but never finished') AS reason FROM results
    WHERE run = ?1 AND state <> 'done' ORDER BY id LIMIT ?2]], run, MAX_FAILURES) do
    failures[#failures + 1] = row
  end
  return failures
end

--- Gathers a run. Raises what SQL says of a catalog that is damaged.
---@param db lab.Catalog
---@param options? table  run (the latest), limit: pictures at most (200), size: of their longest
---                       side in pixels (480), progress = function(done, total)
---@return lab.Report? report
---@return string? message
---@return string? code
function report.gather(db, options)
  options = options or {}
  local run, message, code = find_run(db, options.run)
  if not run then
    return nil, message, code
  end
  local classes, index = find_classes(db, run.run)
  local rows = {}
  for row in db:rows([[
    SELECT result, path, model, width, height, seconds FROM v_results
    WHERE run = ?1 AND state = 'done' ORDER BY result LIMIT ?2]], run.run, options.limit or 200) do
    rows[#rows + 1] = row
  end
  local pictures = {}
  for i, row in ipairs(rows) do
    pictures[i] = describe_picture(db, row, index, options.size or 480)
    if options.progress then
      options.progress(i, #rows)
    end
  end
  local failures = find_failures(db, run.run)
  return { run = run, models = find_models(db, run.run), stages = find_stages(db, run.run),
    classes = classes, pictures = pictures, failures = failures,
    left_out = run.done - #pictures,
    failures_left_out = run.failed + run.running - #failures }
end

return report
