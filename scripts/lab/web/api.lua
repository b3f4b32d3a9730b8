-- The table of routes: what GET /api tells, what the README shows, what the router follows.

local core = require "lab.core"
local http = require "lab.web.http"
local json = require "lab.json"
local results = require "lab.web.results"
local router = require "lab.web.router"
local segment = require "lab.web.segment"
local sql = require "lab.web.sql"
local sys = require "lab.sys"

local api = {}

local JSON, PNG = "application/json", "image/png"
local EVENTS = "text/event-stream"

-- ---- routes that are short ----

local function index(call)
  return call.context.page:answer("index.html", call.request)
end

local function page_file(call)
  return call.context.page:answer(call.values.name, call.request)
end

local function status(call)
  local context = call.context
  local loaded = {}
  for name in pairs(context.models.loaded) do
    loaded[#loaded + 1] = name
  end
  table.sort(loaded)
  local counts = context.loop:counts()
  return http.json(200, json.ordered({ "version", "threads", "kernels", "queue", "models_loaded",
    "catalog", "recording", "offline", "uptime_s", "memory" }, {
    version = core.version, threads = core.threads(), kernels = os.getenv "LUALAB_KERNELS"
      or "best", queue = counts.segment, models_loaded = json.list(loaded),
    catalog = context.db_path, recording = context.catalog ~= nil, offline = context.offline(),
    uptime_s = tonumber(("%.3f"):format(sys.clock() - context.started)),
    memory = core.memory() }))
end

local model_order = { "name", "title", "dataset", "classes", "bytes", "input", "quantised",
  "licence", "state", "default", "labels" }

local function model_json(description)
  description.input = json.list(description.input)
  return json.ordered(model_order, description)
end

local function list_models(call)
  local list = call.context.models:list()
  for i, description in ipairs(list) do
    list[i] = model_json(description)
  end
  return http.json(200, { models = json.list(list) })
end

local function one_model(call)
  local description, labels = call.context.models:describe(call.values.name)
  if not description then
    return http.problem(404, labels)
  end
  local rows = {}
  for id = 0, math.min(labels and #labels or 0, description.classes or 0) - 1 do
    rows[id + 1] = json.ordered({ "id", "name", "color" }, { id = id, name = labels:label(id),
      color = json.list { labels:color(id) } })
  end
  description.labels = json.list(rows)
  return http.json(200, model_json(description))
end

local function load_model(call)
  local context, name = call.context, call.values.name
  local known, message = context.models:find(name)
  if not known then
    return http.problem(404, message)
  end
  local work = { request = call.request }
  function work.run()
    local started = sys.clock()
    local held, why, code = context.models:get(name, function(stage, done, total)
      work.reply:event("progress", json.ordered({ "stage", "done", "total" }, { stage = stage,
        done = done, total = total }))
    end)
    if not held then
      return http.failure(why, code)
    end
    return http.json(200, json.ordered({ "name", "state", "ms" }, { name = name, state = "loaded",
      ms = tonumber(("%.3f"):format(1000 * (sys.clock() - started))) }))
  end
  return context.loop:submit("load", work)
end

local function cancel(call)
  local loop = call.context.loop
  local work = loop:find(call.values.key)
  if not work then
    return http.problem(404, "nothing under way has this key")
  end
  local state = loop:cancel(work, "cancelled by its sender")
  return http.json(200, json.ordered({ "cancelled", "state" }, { cancelled = true, state = state }))
end

-- ---- the table ----

local failure = { status = 400, type = JSON, doc = "{error: {status, code, message}}: what is "
  .. "wrong, as a sentence; also 401, 403, 404, 405, 409, 413, 415, 421, 422, 429, 500, 503" }

local id = { name = "id", place = "path", type = "integer", min = 1, max = math.maxinteger,
  doc = "of a result" }
local model_name = { name = "name", place = "path", type = "string", max = 100,
  doc = "of GET /api/models" }

--- Parameters of segment that pictures of the catalog have, too.
local function shared(...)
  local list = { id }
  for _, name in ipairs { ... } do
    for _, spec in ipairs(segment.parameters) do
      if spec.name == name then
        list[#list + 1] = spec
      end
    end
  end
  return list
end

local function picture_route(kind, summary, ...)
  return { method = "GET", path = "/api/results/{id}/" .. kind .. ".png", summary = summary,
    parameters = shared(...), answers = { { status = 200, type = PNG, doc = "the picture" },
      failure }, run = results.picture(kind) }
end

local map_in_json = { name = "map", place = "query", type = "choice",
  choices = { "none", "base64" }, default = "none",
  doc = "base64: the class of each pixel within the JSON" }

--- The page and what the server says of itself.
local function about(routes)
  return {
    { method = "GET", path = "/", summary = "the page", parameters = {
      { name = "token", place = "query", type = "string",
        doc = "of a server that asks for one: becomes a cookie" } },
      answers = { { status = 200, type = "text/html", doc = "the page" } }, run = index },
    { method = "GET", path = "/page/{name}", summary = "a file of the page", parameters = {
      { name = "name", place = "path", type = "string", doc = "of the file" } },
      answers = { { status = 200, type = "by its ending", doc = "the file, with an ETag" },
        failure }, run = page_file },
    { method = "GET", path = "/api", summary = "this table", answers = {
      { status = 200, type = JSON, doc = "[{method, path, summary, parameters, answers}]" } },
      run = function() return http.json(200, router.describe(routes)) end },
    { method = "GET", path = "/api/status", summary = "how the server is", answers = {
      { status = 200, type = JSON, doc = "{version, threads, kernels, queue: {running, waiting}, "
        .. "models_loaded, catalog, recording, offline, uptime_s, memory}" } }, run = status },
  }
end

--- Models.
local function models()
  return {
    { method = "GET", path = "/api/models", summary = "the models there are", answers = {
      { status = 200, type = JSON, doc = "{models: [{name, title, dataset, classes, bytes, input: "
        .. "[height, width], quantised, licence, state: absent, file or loaded, default}]}" } },
      run = list_models },
    { method = "GET", path = "/api/models/{name}", summary = "one model, with its labels",
      parameters = { model_name }, answers = { { status = 200, type = JSON,
        doc = "as in the list, and labels: [{id, name, color: [r, g, b]}]" }, failure },
      run = one_model },
    { method = "POST", path = "/api/models/{name}/load",
      summary = "loads a model; fetches it if it is not here and the server may",
      parameters = { model_name }, answers = { { status = 200, type = JSON,
        doc = "{name, state: loaded, ms}" }, { status = 200, type = EVENTS,
        doc = "progress {stage: fetch or load, done, total}, then result or error" }, failure },
      run = load_model },
  }
end

--- Segmenting, and cancelling it.
local function segmenting()
  return {
    { method = "POST", path = "/api/segment", summary = "what is where in a picture: the body, or "
      .. "the part `image` of a form whose fields are the parameters", form = true,
      parameters = segment.parameters, answers = { { status = 200, type = JSON,
        doc = "{id, name, model, dataset, width, height, legend, prediction, map, timings}" },
        { status = 200, type = PNG, doc = "by output, or an overlay for Accept: image/png" },
        { status = 200, type = EVENTS, doc = "queued {position}, progress, stage {name}, then "
          .. "result or error" }, failure }, run = segment.run },
    { method = "DELETE", path = "/api/requests/{key}", summary = "cancels what is under way",
      parameters = { { name = "key", place = "path", type = "string", max = 64,
        doc = "as POST /api/segment got it" } }, answers = { { status = 200, type = JSON,
        doc = "{cancelled: true, state: queued or running}" }, failure }, run = cancel },
  }
end

--- The catalog's results.
local function of_results()
  return {
    { method = "GET", path = "/api/results", summary = "results of the catalog, newest first",
      parameters = {
        { name = "search", place = "query", type = "string", max = 500,
          doc = "words of paths and notes, or a tag" },
        { name = "model", place = "query", type = "string", max = 500, doc = "of this model" },
        { name = "label", place = "query", type = "string", max = 500,
          doc = "in which this label was found" },
        { name = "limit", place = "query", type = "integer", min = 1, max = 500, default = 50,
          doc = "at most so many" },
        { name = "before", place = "query", type = "integer", min = 1, max = math.maxinteger,
          doc = "older than this id: the former answer's next" } },
      answers = { { status = 200, type = JSON, doc = "{results: [{id, name, model, dataset, width, "
        .. "height, created, legend, tags, notes}], next}" }, failure }, run = results.list },
    { method = "GET", path = "/api/results/{id}", summary = "one result, as segment gave it",
      parameters = { id, map_in_json }, answers = { { status = 200, type = JSON,
        doc = "as POST /api/segment, created, and photo: whether it is still there" }, failure },
      run = results.one },
    { method = "GET", path = "/api/results/{id}/map", summary = "the class of each pixel",
      parameters = { id }, answers = { { status = 200, type = "application/octet-stream",
        doc = "row by row, u8, or u16 little-endian for more than 256 classes; X-Map: u8 HxW" },
        failure }, run = results.map },
    picture_route("map", "the map as indexed PNG: its pixels are the class ids"),
    picture_route("overlay", "the colours over the picture", "classes", "opacity"),
    picture_route("mask", "where some classes are", "classes"),
    picture_route("cutout", "the picture without the rest", "classes", "background"),
    picture_route("thumbnail", "a small view; without the picture, of the map"),
  }
end

--- SQL.
local function of_sql()
  return {
    { method = "GET", path = "/api/queries", summary = "the named queries", answers = {
      { status = 200, type = JSON, doc = "{queries: [{name, summary, about, sql, parameters: "
        .. "[{name, doc, optional}]}]}" } }, run = sql.list },
    { method = "POST", path = "/api/sql", summary = "asks the catalog; it only reads", json = true,
      parameters = {
        { name = "sql", place = "body", type = "string", max = 100000, doc = "a statement, or" },
        { name = "query", place = "body", type = "string", max = 100,
          doc = "the name of one of GET /api/queries" },
        { name = "parameters", place = "body", type = "object",
          doc = "{name: value} for :name in it" },
        { name = "limit", place = "body", type = "integer", min = 1, max = 10000, default = 1000,
          doc = "rows at most" } },
      answers = { { status = 200, type = JSON, doc = "{columns, rows, truncated, ms}; bytes are "
        .. "{bytes: n}, PNG pictures {image: data URL}" }, failure }, run = sql.run },
  }
end

--- The routes, in the order they are told.
---@return lab.WebRoute[]
function api.routes()
  local routes = {}
  for _, group in ipairs { about(routes), models(), segmenting(), of_results(), of_sql() } do
    table.move(group, 1, #group, #routes + 1, routes)
  end
  return routes
end

return api
