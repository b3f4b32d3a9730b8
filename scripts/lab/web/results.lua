-- The catalog over HTTP: finding results, a result again as it was, its map and its pictures.

local html = require "lab.html"
local http = require "lab.web.http"
local json = require "lab.json"
local page = require "lab.web.page"
local paths = require "lab.paths"
local core = require "lab.core"
local pictures = require "lab.web.pictures"
local shape = require "lab.web.shape"

local results = {}

--- The connection that only reads; why there is none is an answer.
---@param context table
---@return lab.Catalog? db
---@return lab.WebResponse? problem
function results.open(context)
  if not context.reader then
    local message, code
    context.reader, message, code = context.open_reader()
    if not context.reader then
      return nil, http.problem(code == "DB" and 500 or 404, html.valid(message))
    end
  end
  return context.reader
end

-- ---- finding ----

--- Words as full-text search takes them: each the beginning of a word that must be there. Nothing
--- in them has a meaning of its own.
local function fts_words(text)
  local list = {}
  for word in text:gmatch "[%w_\x80-\xff]+" do
    list[#list + 1] = ('"%s"*'):format(word)
  end
  return #list > 0 and table.concat(list, " ") or nil
end

local found = [[
  SELECT r.id, r.path, m.name AS model, s.name AS dataset, r.width, r.height, r.finished, r.image
  FROM results r
  LEFT JOIN models m ON m.id = r.model
  LEFT JOIN label_sets s ON s.id = r.label_set
  WHERE r.state = 'done' AND r.id < :before %s
  ORDER BY r.id DESC LIMIT :limit]]

-- Conditions by parameter. The plus keeps the walk by id, which ends at the limit.
local conditions = {
  { "words", [[AND (r.id IN (SELECT rowid FROM path_search(:words))
      OR r.id IN (SELECT n.result FROM notes n JOIN note_search q ON q.rowid = n.id
                  WHERE note_search MATCH :words)
      OR r.image IN (SELECT n.image FROM notes n JOIN note_search q ON q.rowid = n.id
                     WHERE note_search MATCH :words)
      OR r.image IN (SELECT image FROM tags WHERE tag = :search))]] },
  { "model", "AND +r.model IN (SELECT id FROM models WHERE name = :model)" },
  { "label", [[AND EXISTS (SELECT 1 FROM segments g JOIN labels l
      ON l.label_set = r.label_set AND l.class_id = g.class_id
      WHERE g.result = r.id AND l.name = :label)]] },
}

--- The classes of some results, by result.
local function legends(db, ids)
  local by_result = {}
  for row in db:rows([[
    SELECT g.result, g.class_id, coalesce(l.name, 'class ' || g.class_id) AS name, l.color,
           g.pixels, g.fraction, g.x, g.y, g.width, g.height
    FROM results r JOIN segments g ON g.result = r.id
    LEFT JOIN labels l ON l.label_set = r.label_set AND l.class_id = g.class_id
    WHERE r.id IN (SELECT value FROM json_each(?1))
    ORDER BY g.result, g.pixels DESC, g.class_id]], json.encode(json.list(ids))) do
    local list = by_result[row.result] or {}
    by_result[row.result] = list
    local color = html.color(row.color)
    list[#list + 1] = { id = row.class_id, name = row.name, pixels = row.pixels,
      fraction = row.fraction, box = { row.x, row.y, row.width, row.height },
      color = { tonumber(color:sub(2, 3), 16), tonumber(color:sub(4, 5), 16),
        tonumber(color:sub(6, 7), 16) } }
  end
  return by_result
end

local function texts(db, sql, ...)
  local list = {}
  for row in db:rows(sql, ...) do
    list[#list + 1] = html.valid(row.text)
  end
  return json.list(list)
end

local order = { "id", "name", "model", "dataset", "width", "height", "created", "legend", "tags",
  "notes" }

--- One line of the history.
local function describe(db, row, legend)
  return json.ordered(order, { id = row.id, name = shape.name(row.path), model = row.model
    and html.valid(row.model), dataset = row.dataset and html.valid(row.dataset),
    width = row.width, height = row.height, created = row.finished, legend = shape.legend(legend),
    tags = texts(db, "SELECT tag AS text FROM tags WHERE image = ?1 ORDER BY tag", row.image),
    notes = texts(db, [[SELECT note AS text FROM notes WHERE result = ?1
      UNION ALL SELECT note FROM notes WHERE image = ?2]], row.id, row.image) })
end

--- GET /api/results
---@param call lab.WebCall
---@return lab.WebResponse
function results.list(call)
  local db, problem = results.open(call.context)
  if not db then
    return problem
  end
  local values = call.values
  local bound = { before = values.before or math.maxinteger, limit = values.limit + 1,
    model = values.model, label = values.label }
  if values.search and values.search:find "%S" then
    bound.words, bound.search = fts_words(values.search), values.search:match "^%s*(.-)%s*$"
    if not bound.words then
      return http.json(200, { results = json.list {}, next = json.null })
    end
  end
  local parts = {}
  for _, condition in ipairs(conditions) do
    parts[#parts + 1] = bound[condition[1]] and condition[2] or nil
  end
  local rows, ids = {}, {}
  for row in db:rows(found:format(table.concat(parts, " ")), bound) do
    rows[#rows + 1], ids[#ids + 1] = row, row.id
  end
  local more = #rows > values.limit
  rows[values.limit + 1], ids[values.limit + 1] = nil, nil
  local by_result, list = legends(db, ids), {}
  for i, row in ipairs(rows) do
    list[i] = describe(db, row, by_result[row.id] or {})
  end
  return http.json(200, json.ordered({ "results", "next" }, { results = json.list(list),
    next = more and ids[#ids] or json.null }))
end

-- ---- one result ----

--- Opens the file that is recorded, and no other: the name of an upload is not tried as a path.
local function open_recorded(open)
  return function(r)
    local name = r.path
    r.path = r.recorded.path
    local image = open(r)
    r.path = name
    return image
  end
end

--- Sees to it that the picture of a result is opened, once it is asked for, without opening what a
--- client named: from the uploads that are still in memory, else from its file.
local function bring_picture(context, r)
  local recorded = r.recorded
  local bytes = recorded.sha256 and context.recent:get(recorded.sha256)
  local is_file = (recorded.path or ""):sub(1, 1) == "/"
  local open = r.path:sub(1, 1) == "/" and r.open_image or open_recorded(r.open_image)
  r.open_image = function(self)
    local image = bytes and core.decode(bytes)
    if image and image:width() == self.width and image:height() == self.height then
      return image
    elseif is_file then
      return open(self)
    end
    self.image_missing = { ("%s was sent to the server, which keeps no pictures (lualab serve "
      .. "--keep DIR does): send it again for what needs it"):format(shape.name(self.path)),
      "NOT_FOUND" }
  end
  r.has_photo = bytes ~= nil or is_file and paths.exists(recorded.path, "file")
end

--- The result of a call.
local function get(call)
  local db, problem = results.open(call.context)
  if not db then
    return nil, problem
  end
  local r, message, code = db:result(call.values.id)
  if not r then
    return nil, http.failure(html.valid(message), code == "INVALID" and "NOT_FOUND" or code)
  end
  bring_picture(call.context, r)
  return r
end

--- GET /api/results/{id}
---@param call lab.WebCall
---@return lab.WebResponse
function results.one(call)
  local r, problem = get(call)
  if not r then
    return problem
  end
  return http.json(200, shape.result(r, { id = r.row, created = r.finished, timings = r.timings,
    photo = r.has_photo, data = call.values.map == "base64" }))
end

--- An answer that the client may have already.
local function tagged(call, kind, body, headers)
  headers.ETag = '"' .. core.sha256(body):sub(1, 32) .. '"'
  headers["Cache-Control"] = "private, no-cache"
  if page.is_known(call.request, headers.ETag) then
    return http.response(304, kind, "", headers)
  end
  return http.response(200, kind, body, headers)
end

--- GET /api/results/{id}/map
---@param call lab.WebCall
---@return lab.WebResponse
function results.map(call)
  local r, problem = get(call)
  if not r then
    return problem
  end
  return tagged(call, "application/octet-stream", r.map:bytes(), { ["X-Map"] =
    ("%s %dx%d"):format(r.map:dtype(), r.height, r.width) })
end

--- What a picture's address asks for.
local function read_options(call, r)
  local values = call.values
  local classes, message
  if values.classes then
    if not r.map:labels() then
      return nil, "the label map of this result has no labels: classes cannot be named"
    end
    classes, message = pictures.read_classes(r.map:labels(), values.classes)
  end
  if message then
    return nil, "classes: " .. message
  elseif values.background and not pictures.is_color(values.background) then
    return nil, ("background must be a colour, '#rrggbb' or a name; got '%s'"):format(
      http.shown(values.background))
  end
  return { classes = classes, opacity = values.opacity, background = values.background }
end

--- Draws; within a task.
local function draw(call, kind)
  local small = kind == "thumbnail" and call.context.thumbnails:get(call.values.id)
  if small then
    return tagged(call, "image/png", small, {})
  end
  local r, problem = get(call)
  if not r then
    return problem
  end
  call.context.loop:pause()
  local options, message = read_options(call, r)
  if not options then
    return http.problem(400, message)
  end
  local png, code
  png, message, code = pictures.png(r, kind, options)
  if not png then
    -- A picture that has gone, or is another by now, is not there.
    local gone = r.image_missing and message == r.image_missing[1]
    return http.failure(html.valid(message), gone and "NOT_FOUND" or code)
  end
  if kind == "thumbnail" then
    call.context.thumbnails:put(call.values.id, png)
  end
  return tagged(call, "image/png", png, {})
end

--- GET /api/results/{id}/KIND.png
---@param kind string
---@return fun(call: lab.WebCall): lab.WebResponse?
function results.picture(kind)
  return function(call)
    return call.context.loop:submit("picture", { request = call.request,
      run = function() return draw(call, kind) end })
  end
end

return results
