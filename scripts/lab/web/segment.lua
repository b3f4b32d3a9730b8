-- POST /api/segment: a picture in a request's body goes through the five stages. Models, the
-- pipeline and the record in the catalog are those of the command line; what is different is that
-- pictures come from memory, that several clients take turns, and that they may leave.

local core = require "lab.core"
local flight = require "lab.flight"
local html = require "lab.html"
local http = require "lab.web.http"
local paths = require "lab.paths"
local pictures = require "lab.web.pictures"
local pipeline = require "lab.pipeline"
local picture = require "lab.picture"
local shape = require "lab.web.shape"
local stages = require "lab".stages
local sys = require "lab.sys"

local segment = {}

-- ---- pipelines ----

--- A stage that tells the client when it begins, and lets others go on first.
local function watched(stage)
  return setmetatable({ run = function(_, r, line)
    local work = r.item.work
    work.reply:event("stage", { name = stage.name })
    work.pause()
    return stage:run(r, line)
  end }, { __index = function(_, key)
    local value = stage[key]
    if type(value) == "function" then
      return function(_, ...) return value(stage, ...) end
    end
    return value
  end })
end

--- Where the bytes of an upload are kept: with --keep in a file of that folder; else the catalog
--- may know a file with the same bytes, whose path is then not lost.
local function keep(context, item, source)
  if context.keep then
    local path = paths.join(context.keep, source.sha256 .. "." .. source.format)
    if not paths.exists(path, "file") then
      local ok, message, code = picture.write(path, item.bytes)
      if not ok then
        return nil, message, code
      end
    end
    item.kept = path
    return true
  end
  local path, message, code = context.catalog:value(
    "SELECT path FROM images WHERE sha256 = ?1", source.sha256)
  if message then
    return nil, message, code
  elseif path and path:sub(1, 1) == "/" and paths.exists(path, "file") then
    item.kept = path
  end
  return true
end

--- The record stage, which first sees to where the picture is.
local function recording(context)
  local stage = stages.record { db = context.catalog, command = "lualab serve" }
  local run = stage.run
  function stage.run(self, r, line)
    r.item.work.sha256 = r.source.sha256
    local ok, message, code = keep(context, r.item, r.source)
    if not ok then
      return nil, message, code
    end
    return run(self, r, line)
  end
  return stage
end

--- The pipeline of a model, made when it is first needed. While the server runs, all its pictures
--- are one run of the catalog.
local function line_of(context, held, record, size)
  local key = (record and "record " or "") .. size
  local line = held.lines[key]
  if line then
    return line
  end
  local list = { watched(stages.preprocess {}), watched(stages.segment { model = held.model,
    output = size == "network" and "model" or "photo" }), watched(stages.legend {}) }
  if record then
    list[4] = watched(recording(context))
  end
  line = pipeline.new(list)
  local ok, message, code = line:prepare()
  if ok then
    ok, message, code = line:begin_run()
  end
  if not ok then
    return nil, message, code
  end
  held.lines[key] = line
  return line
end

--- Ends the runs of a model that goes.
---@param held lab.WebModel
function segment.close_lines(held)
  for key, line in pairs(held.lines) do
    line:finish "done"
    line:close()
    held.lines[key] = nil
  end
end

-- ---- one picture ----

--- Decodes on another thread, if there is one.
local function decoding(work)
  local job = core.read_picture(work.name, { bytes = work.body, sha256 = true })
  return core.job_threads() > 0 and job:start() or job
end

--- A job that has been waited for, for the pipeline, which waits for its own.
local function waited(job, image, file)
  local over = {}
  function over.start() return over end
  function over.done() return true end
  function over.wait() return image, file end
  function over.ms() return job:ms() end
  function over.close() end
  return over
end

local types = { map = "map", overlay = "overlay", mask = "mask", cutout = "cutout" }

--- The answer to a picture that went well.
local function answer(work, r)
  local values = work.values
  local started = sys.clock()
  local timings = table.move(r.timings, 1, #r.timings, 2, { "queue" })
  timings.queue = 1000 * (work.begun - work.arrived)
  for _, name in ipairs(r.timings) do
    timings[name] = r.timings[name]
  end
  local headers = { ["Cache-Control"] = "no-store" }
  if values.output ~= "json" then
    local png, message, code = pictures.png(r, types[values.output], { classes = work.classes,
      opacity = values.opacity, background = values.background })
    if not png then
      return http.failure(message, code)
    end
    headers["X-Result"] = r.row and tostring(r.row) or nil
    return http.response(200, "image/png", png, headers)
  end
  -- Encoding the map is most of the rest, and known only when it is done: it is done first.
  local value = shape.result(r, { id = r.row, timings = timings, data = values.map == "base64" })
  timings[#timings + 1], timings[#timings + 2] = "encode", "total"
  timings.encode = 1000 * (sys.clock() - started)
  timings.total = 1000 * (sys.clock() - work.arrived)
  value.timings = shape.timings(timings)
  return http.json(200, value, headers)
end

--- Takes the picture through the stages; within a task.
local function perform(work)
  local context, values = work.context, work.values
  local job <close> = decoding(work)
  local held, message, code = context.models:get(values.model, function(stage, done, total)
    work.reply:event("progress", { stage = stage, done = done, total = total })
  end)
  if not held then
    return http.failure(message, code)
  end
  work.reply:event("stage", { name = "decode" })
  local image, file
  image, file, code = flight.await(job)
  if not image then -- before there is a row: what is no picture leaves none
    return http.failure(html.valid(file), code)
  end
  held.users = held.users + 1
  local _ <close> = setmetatable({}, { __close = function() held.users = held.users - 1 end })
  local line
  line, message, code = line_of(context, held, work.record, values.size)
  if not line then
    return http.failure(message, code)
  end
  local r
  r, message, code = line:take { path = work.name, upload = true, bytes = work.body, work = work,
    job = waited(job, image, file) }
  if not r then
    return http.failure(html.valid(message), code)
  end
  if work.record then
    context.recent:put(work.sha256, work.body)
  end
  local response = answer(work, r)
  r:close() -- many pictures pass before the collector would see to it
  return response
end

-- ---- the request ----

--- What bodies may say they are. The bytes decide; this tells a mistake from a picture, and curl
--- calls everything a form.
local function is_picture_type(kind)
  return kind == "" or kind:find "^image/" or kind == "application/octet-stream"
    or kind == "application/x-www-form-urlencoded"
end

--- The picture's bytes, its type and the name its sender gave it.
local function picture_of(call)
  local request, part = call.request, call.part
  local kind = http.media_type(http.header(request, "content-type"))
  if kind == "multipart/form-data" and not part then
    return nil, http.problem(400, "the form has no part 'image' with the picture")
  end
  local body = part and part.body or request.body or ""
  kind = part and (part.type or "") or kind
  if not is_picture_type(kind) then
    return nil, http.problem(415, ("a picture is expected (image/..., application/octet-stream or "
      .. "a form with a part 'image'); got '%s'"):format(http.shown(kind)))
  elseif body == "" then
    return nil, http.problem(400, part and "the form's part 'image' is empty"
      or "the body is empty: send the bytes of a picture")
  end
  return body, part and part.filename
end

--- A name for people and the catalog: the last part of what the client says, without what no name
--- has. It is data and never a path.
local function clean_name(text)
  local name = html.valid(text or ""):match "([^/\\]*)$":gsub("%c", " "):match "^%s*(.-)%s*$"
  while #name > 255 do
    name = name:sub(1, utf8.offset(name, -1) - 1)
  end
  return (name == "" or name == "-" or name == "." or name == "..") and "picture" or name
end

--- Looks at the header only: what is no picture, or too large, is told before anything is decoded.
local function check_size(body, name, limit)
  local facts, message, code = core.probe(body)
  if not facts then
    return nil, http.problem(code == "LIMIT" and 413 or 415, name .. ": " .. message)
  elseif facts.width * facts.height > limit then
    return nil, http.problem(413, ("%s: %dx%d pixels are more than this server takes (%d): make "
      .. "the picture smaller first"):format(name, facts.width, facts.height, limit))
  end
  return true
end

--- What is asked for, as far as it can be checked before the picture's turn.
local function check_values(call, work)
  local values, context = call.values, call.context
  values.model = values.model or context.models.default
  local known, labels = context.models:describe(values.model)
  if not known then
    return nil, http.problem(404, labels)
  end
  if values.output == "json" and http.accepts(call.request, { ["image/png"] = "png",
    ["application/json"] = "json", ["text/event-stream"] = "events" }) == "png" then
    values.output = "overlay"
  end
  if values.classes then
    local ids, message = pictures.read_classes(labels, values.classes)
    if message then
      return nil, http.problem(400, "classes: " .. message)
    end
    work.classes = ids
  end
  if values.background and not pictures.is_color(values.background) then
    return nil, http.problem(400, ("background must be a colour, '#rrggbb' or a name; got '%s'")
      :format(http.shown(values.background)))
  elseif values.key and context.loop:find(values.key) then
    return nil, http.problem(409, ("the key '%s' is in use: choose another"):format(values.key))
  end
  return true
end

--- Takes in a picture; the answer comes when its turn has come.
---@param call lab.WebCall
---@return lab.WebResponse?
function segment.run(call)
  local body, name = picture_of(call)
  if not body then
    return name
  end
  local work = { request = call.request, context = call.context, values = call.values,
    body = body, bytes = #body, name = clean_name(call.values.name or name),
    key = call.values.key }
  local ok, problem = check_size(body, work.name, call.context.max_pixels)
  if ok then
    ok, problem = check_values(call, work)
  end
  if not ok then
    return problem
  end
  work.record = call.values.record and call.context.catalog ~= nil
  work.pause = function() call.context.loop:pause() end
  work.run = perform
  call.request.body = nil -- held once
  return call.context.loop:submit("segment", work)
end

segment.parameters = {
  { name = "model", place = "query", type = "string", max = 100,
    doc = "a name of GET /api/models; without it the server's own choice" },
  { name = "name", place = "query", type = "string", max = 1000,
    doc = "what the picture is called; a form brings its own" },
  { name = "record", place = "query", type = "boolean", default = true,
    doc = "1: into the catalog, where there is one" },
  { name = "map", place = "query", type = "choice", choices = { "none", "base64" },
    default = "none", doc = "base64: the class of each pixel within the JSON" },
  { name = "size", place = "query", type = "choice", choices = { "photo", "network" },
    default = "photo", doc = "of the map: the picture's, or the network's own bytes" },
  { name = "output", place = "query", type = "choice", choices = { "json", "overlay", "map",
    "mask", "cutout" }, default = "json", doc = "all but json are PNG" },
  { name = "classes", place = "query", type = "string", max = 4000,
    doc = "of overlay, mask and cutout: names or ids, with commas between; without it all but the "
      .. "background" },
  { name = "opacity", place = "query", type = "number", min = 0, max = 1,
    doc = "of an overlay; 0.6 without it" },
  { name = "background", place = "query", type = "string", max = 40,
    doc = "a colour behind a cutout: #rrggbb or a name; without it transparent" },
  { name = "key", place = "query", type = "string", max = 64, pattern = "^[%w_-]+$",
    shape = "letters, digits, - and _", doc = "a random word by which DELETE /api/requests/{key} "
      .. "cancels" },
}

return segment
