-- Into the catalog: a row before a picture's work and the rest after it, so that a crash is
-- visible and a failure is a row with its reason.

local catalog = require "lab.catalog"
local check = require "lab.options"
local core = require "lab.core"
local json = require "lab.json"
local sys = require "lab.sys"

local known = { db = "string|table", command = "string" }

local Record = { name = "record" }
Record.__index = Record

--- Opens the catalog and writes the row of the model.
function Record:prepare(pipeline)
  local message, code
  if type(self.given) == "table" then
    self.catalog = self.given
  else
    self.catalog, message, code = catalog.open(self.given)
    self.owned = self.catalog
  end
  if not self.catalog then
    return nil, message, code
  end
  local model = pipeline.model
  if not model then
    error("the record stage needs a segment stage in the same pipeline", 0)
  end
  pipeline.wants_sha256 = true -- of the pictures' files
  self.model_id, message, code = self.catalog:connection():add_model {
    sha256 = model.sha256, name = model.name, path = sys.real_path(model.path) or model.path,
    format = model:info().format, licence = model.entry and model.entry.licence,
    labels = model:labels(), input_width = model.width, input_height = model.height,
  }
  return self.model_id, message, code
end

function Record:start(pipeline)
  local message, code
  self.run_id, message, code = self.catalog:connection():begin_run {
    command = self.command or "pipeline", pipeline = (pipeline:describe()),
    version = core.version, kernels = os.getenv "LUALAB_KERNELS" or "best",
    threads = core.threads(),
  }
  return self.run_id, message, code
end

--- The path that a row carries: absolute where there is one.
local function row_path(path)
  return sys.real_path(path) or path
end

--- The path of a result. That of an upload is a name that a stranger gave: it is written as it is
--- and never looked for.
local function path_of(r)
  return r.item.upload and r.path or row_path(r.path)
end

--- Writes the row, unless the item brings the one of a run that was killed: that one is continued.
function Record:begin(r)
  local message, code
  r.row = r.item.row
  if not r.row then
    r.row, message, code = self.catalog:connection():begin_result {
      run = self.run_id, model = self.model_id, path = path_of(r) }
  end
  return r.row, message, code
end

function Record:run(r)
  local source = r.source
  if not source then -- an image that came as a value: its pixels are what there is
    local pixels = r.image:bytes()
    source = { sha256 = core.sha256(pixels), bytes = #pixels, format = "memory" }
  end
  return self.catalog:connection():finish_result(r.row, {
    image = { sha256 = source.sha256, path = r.item.kept or path_of(r), bytes = source.bytes,
      width = r.image:width(), height = r.image:height(), format = source.format },
    map = r.map, legend = r.legend, timings = json.encode(r:timings_json()),
  })
end

--- A Ctrl-C may arrive between the row that says done and the end of the stage: then it is done.
function Record:fail(r, message)
  if not r.row then
    return
  end
  local rows = self.catalog:query("SELECT state FROM results WHERE id = ?1", { r.row })
  if not rows or rows[1] and rows[1][1] == "running" then
    self.catalog:connection():fail_result(r.row, message)
  end
end

function Record:finish(_, state)
  if self.run_id then
    local id = self.run_id
    self.run_id = nil
    return self.catalog:connection():finish_run(id, state)
  end
end

function Record:close()
  if self.owned then
    self.owned:close()
    self.owned, self.catalog = nil, nil
  end
end

--- What --resume asks: whether this picture is done with this model, or the row that a killed run
--- left for it. Runs that such pictures tell of and that still say "running" are noted.
---@param path string
---@return boolean? done
---@return integer|string|nil row  or the message
---@return string? code
function Record:state_of(path)
  local rows, message, code = self.catalog:query([[
    SELECT r.id, r.state, n.id, n.state FROM results r JOIN runs n ON n.id = r.run
    WHERE r.path = ?1 AND r.model = ?2 AND r.state IN ('done', 'running')
    ORDER BY r.state = 'done' DESC, r.id DESC LIMIT 1]], { row_path(path), self.model_id })
  if not rows then
    return nil, message, code
  end
  local row = rows[1]
  if not row then
    return false
  end
  if row[4] == "running" then
    self.left_runs[row[3]] = true
  end
  return row[2] == "done", row[2] == "running" and row[1] or nil
end

--- Says of the runs that state_of noted that they were interrupted: who has resumed them knows it.
--- What they still have running becomes failed with that.
function Record:end_left_runs()
  for run in pairs(self.left_runs) do
    self.catalog:connection():finish_run(run, "interrupted")
  end
  self.left_runs = {}
end

--- Records each result.
---@param options? table  db = a catalog or its path; command = what was asked, for people
---@return table stage
return function(options)
  options = check.check(options, known, "stages.record")
  return setmetatable({ given = options.db, command = options.command, left_runs = {} }, Record)
end
