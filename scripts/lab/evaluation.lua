-- How good a model's label maps are, against ground truth: counts of pixels over many pictures, and
-- the measures of the field made of them. The counting is operators (map:confusion,
-- map:boundary_overlap); here the counts are added up, divided and written into the catalog.

local check = require "lab.options"
local core = require "lab.core"
local paths = require "lab.paths"

local evaluation = {}

---@class lab.Evaluation
---@field classes integer
---@field ignore integer     id of the truth that does not count; -1: all count
---@field rule string        "standard" or "mlperf"
---@field ratio number?      of the boundary band; nil with width
---@field width integer?
---@field pictures integer   counted so far
local Evaluation = {}
Evaluation.__index = Evaluation

--- How a picture's truth is read and which classes count.
---   standard  classes 0 .. n - 1; the mean is over those that occur in the truth: one that does
---             not cannot be found, only be seen where it is not
---   mlperf    MLPerf's rule for ADE20K: class 0 ("other") and ids beyond the network's are left
---             out of the truth; the mean is over all classes from 1, absent ones counting 0
evaluation.rules = { "standard", "mlperf" }

local endings = { ".png", ".labels.png", ".raw" }

--- The truth of a picture: of its name, in the same place below the folder, else at its top.
---@param folder string
---@param item lab.Item
---@return string? path
---@return string? message
function evaluation.find_truth(folder, item)
  local _, stem = paths.split(item.path)
  for _, place in ipairs { paths.join(folder, item.rel), folder } do
    for _, ending in ipairs(endings) do
      local path = paths.join(place, stem .. ending)
      if paths.exists(path, "file") then
        return path
      end
    end
  end
  return nil, ("there is no truth for %s: %s was looked for"):format(item.path,
    paths.join(folder, item.rel, stem .. endings[1]))
end

local known = { classes = "integer", ignore = "integer", rule = "string", ratio = "number",
  width = "integer" }

--- Starts counting.
---@param options table  classes; ignore (255); rule ("standard"); the boundary band: ratio of the
---                      diagonal (0.02), or width in pixels
---@return lab.Evaluation
function evaluation.new(options)
  options = check.check(options, known, "evaluation.new")
  return setmetatable({
    classes = options.classes, ignore = options.ignore or 255, rule = options.rule or "standard",
    ratio = not options.width and (options.ratio or 0.02) or nil, width = options.width,
    pictures = 0, digests = {},
  }, Evaluation)
end

--- The truth as the rule sees it.
local function by_rule(self, truth)
  if self.rule ~= "mlperf" then
    return truth, self.ignore
  end
  local ids = { 255 }
  for id = 1, truth:dtype() == "u16" and 65535 or 255 do
    ids[id + 1] = id < self.classes and id ~= self.ignore and id or 255
  end
  return truth:remap { ids = ids }, 255
end

--- Both are from outside: ids that there are no classes for are no mistake of the script.
local function check_ids(map, what, classes, ignore)
  local rows, message, code = map:classes()
  for _, row in ipairs(rows or {}) do
    if row.id >= classes and row.id ~= ignore then
      return nil, ("%s has %d pixels of class %d, but there are only classes 0 to %d: is it of "
        .. "another dataset, or another id to ignore?"):format(what, row.pixels, row.id,
        classes - 1), "INVALID"
    end
  end
  return rows, message, code
end

local function sum(total, more)
  if total then
    return total:add { with = more }
  end
  return more
end

--- Counts one picture.
---@param map lab.LabelMap    what the model says
---@param truth lab.LabelMap  of the same size
---@param digest? string      of the truth, so that evaluations over the same truths are known
---@return true? ok
---@return string? message
---@return string? code
function Evaluation:add(map, truth, digest)
  if map:width() ~= truth:width() or map:height() ~= truth:height() then
    return nil, ("the truth is %dx%d, the label map %dx%d: they must have one size"):format(
      truth:width(), truth:height(), map:width(), map:height()), "INVALID"
  end
  local ignore, message, code
  truth, ignore, code = by_rule(self, truth)
  if not truth then
    return nil, ignore, code
  end
  local ok
  ok, message, code = check_ids(truth, "the truth", self.classes, ignore)
  if ok then
    ok, message, code = check_ids(map, "the label map", self.classes, -1)
  end
  if not ok then
    return nil, message, code
  end
  local given = { truth = truth, classes = self.classes, ignore = ignore }
  local matrix, bands
  matrix, message, code = map:confusion(given)
  if matrix then
    given.ratio, given.width = self.ratio, self.width
    bands, message, code = map:boundary_overlap(given)
  end
  -- Both sums are made before either is kept: a picture counts as a whole or not at all.
  local matrices = bands and sum(self.matrix, matrix)
  local all_bands = matrices and sum(self.bands, bands)
  if not all_bands then
    return nil, message or "out of memory", code or "NOMEM"
  end
  self.matrix, self.bands, self.pictures = matrices, all_bands, self.pictures + 1
  self.digests[#self.digests + 1] = digest
  return true
end

--- a / b; nil where there is nothing to divide by.
local function share(a, b)
  return b > 0 and a / b or nil
end

---@class lab.ClassMeasures
---@field id integer
---@field truth integer         pixels of the class in the truth
---@field found integer         pixels that the model gave the class
---@field both integer
---@field iou number?           both / (truth + found - both); nil: the truth does not have it
---@field recall number?        both / truth
---@field precision number?     both / found
---@field boundary_iou number?  the same of the bands along borders
---@field band_truth integer
---@field band_found integer
---@field band_both integer

--- The counts of one class.
local function measure_class(self, id)
  local n = self.classes
  local row = { id = id, both = self.matrix:get(id * n + id + 1), truth = 0, found = 0 }
  for other = 0, n - 1 do
    row.truth = row.truth + self.matrix:get(id * n + other + 1)
    row.found = row.found + self.matrix:get(other * n + id + 1)
  end
  row.recall, row.precision = share(row.both, row.truth), share(row.both, row.found)
  row.band_truth, row.band_found, row.band_both = self.bands:get(3 * id + 1),
    self.bands:get(3 * id + 2), self.bands:get(3 * id + 3)
  if row.truth > 0 then
    row.iou = share(row.both, row.truth + row.found - row.both)
    row.boundary_iou = share(row.band_both, row.band_truth + row.band_found - row.band_both)
  end
  return row
end

--- The mean of a measure over the classes that have it; and over how many that is.
local function mean(rows, name)
  local total, count = 0.0, 0
  for _, row in ipairs(rows) do
    if row[name] then
      total, count = total + row[name], count + 1
    end
  end
  return share(total, count), count
end

---@class lab.Measures
---@field rows lab.ClassMeasures[]   classes that the rule counts, by id
---@field pixels integer             of the truth that count
---@field present integer            classes that occur in the truth
---@field mean_iou number?           by the rule
---@field mean_iou_all number?       over all classes, absent ones counting 0
---@field pixel_accuracy number?
---@field mean_accuracy number?      mean of the classes' recall
---@field frequency_iou number?      mean IoU, weighted by the classes' pixels in the truth
---@field boundary_iou number?       mean over the classes that occur in the truth

--- The measures of what has been counted.
---@return lab.Measures? measures
---@return string? message
---@return string? code
function Evaluation:measures()
  if self.pictures == 0 then
    return nil, "no picture has been evaluated", "INVALID"
  end
  local m = { rows = {}, pixels = 0 }
  local right, weighted, total = 0, 0.0, 0.0
  for id = self.rule == "mlperf" and 1 or 0, self.classes - 1 do
    local row = measure_class(self, id)
    m.rows[#m.rows + 1] = row
    m.pixels, right = m.pixels + row.truth, right + row.both
    weighted, total = weighted + row.truth * (row.iou or 0), total + (row.iou or 0)
  end
  m.mean_iou, m.present = mean(m.rows, "iou")
  m.mean_iou_all = share(total, #m.rows)
  if self.rule == "mlperf" then
    m.mean_iou = m.mean_iou_all
  end
  m.pixel_accuracy, m.frequency_iou = share(right, m.pixels), share(weighted, m.pixels)
  m.mean_accuracy, m.boundary_iou = mean(m.rows, "recall"), mean(m.rows, "boundary_iou")
  return m
end

--- How often a class of the truth was given a class.
---@param truth integer
---@param found integer
---@return integer pixels
function Evaluation:count(truth, found)
  return self.matrix:get(truth * self.classes + found + 1)
end

--- Says which truths have been counted, whatever their names and order were.
---@return string digest  SHA-256
function Evaluation:digest()
  local list = table.move(self.digests, 1, #self.digests, 1, {})
  table.sort(list)
  return core.sha256(table.concat(list, "\n"))
end

--- "2 % of the diagonal" or "5 pixels".
---@return string
function Evaluation:band()
  if self.width then
    return ("%d pixel%s"):format(self.width, self.width == 1 and "" or "s")
  end
  return ("%g %% of the diagonal"):format(100 * self.ratio)
end

-- ---- into the catalog ----

local insert_evaluation = [[
INSERT INTO evaluations (run, model, label_set, images, truth, digest, rule, ignored_id, band_ratio,
  band_width, pictures, failed, pixels, classes, mean_iou, pixel_accuracy, mean_accuracy,
  frequency_iou, boundary_iou, added)
SELECT :run, id, label_set, :images, :truth, :digest, :rule, nullif(:ignored_id, -1), :band_ratio,
  :band_width, :pictures, :failed, :pixels, :classes, :mean_iou, :pixel_accuracy, :mean_accuracy,
  :frequency_iou, :boundary_iou, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
FROM models WHERE id = :model]]

local insert_class = [[
INSERT INTO evaluation_classes (evaluation, class_id, truth, found, both, iou, band_truth,
  band_found, band_both, boundary_iou)
VALUES (:evaluation, :id, :truth, :found, :both, :iou, :band_truth, :band_found, :band_both,
  :boundary_iou)]]

local insert_confusion = [[
INSERT INTO evaluation_confusions (evaluation, truth, found, pixels) VALUES (?1, ?2, ?3, ?4)]]

local function insert_counts(self, db, id, measures)
  for _, row in ipairs(measures.rows) do
    local ok, message, code = db:exec(insert_class, {
      evaluation = id, id = row.id, truth = row.truth, found = row.found, both = row.both,
      iou = row.iou, band_truth = row.band_truth, band_found = row.band_found,
      band_both = row.band_both, boundary_iou = row.boundary_iou,
    })
    if not ok then
      return nil, message, code
    end
  end
  for truth = 0, self.classes - 1 do
    for found = 0, self.classes - 1 do
      local pixels = self:count(truth, found)
      if pixels > 0 then
        local ok, message, code = db:exec(insert_confusion, id, truth, found, pixels)
        if not ok then
          return nil, message, code
        end
      end
    end
  end
  return true
end

--- Writes the evaluation, its classes and its confusion matrix: all or nothing.
---@param db lab.Catalog
---@param about table  run, model (ids), images, truth (folders), failed (pictures that are missing)
---@return integer? id
---@return string? message
---@return string? code
function Evaluation:record(db, about)
  local measures, why, kind = self:measures()
  if not measures then
    return nil, why, kind
  end
  return db:transaction(function()
    local ok, message, code = db:exec(insert_evaluation, {
      run = about.run, model = about.model, images = about.images, truth = about.truth,
      digest = self:digest(), rule = self.rule, ignored_id = self.ignore, band_ratio = self.ratio,
      band_width = self.width, pictures = self.pictures, failed = about.failed,
      pixels = measures.pixels, classes = measures.present, mean_iou = measures.mean_iou,
      pixel_accuracy = measures.pixel_accuracy, mean_accuracy = measures.mean_accuracy,
      frequency_iou = measures.frequency_iou, boundary_iou = measures.boundary_iou,
    })
    local id = ok and db:connection():last_id()
    if ok then
      ok, message, code = insert_counts(self, db, id, measures)
    end
    if not ok then
      return nil, message, code
    end
    return id
  end)
end

return evaluation
