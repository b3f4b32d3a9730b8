-- From a request to the function that answers it. A route says all there is to know about itself:
-- method, path, summary, parameters with their types, bounds and defaults, and its answers. The
-- router checks requests against that, and GET /api and the README tell it.
--
--   { method = "GET", path = "/api/results/{id}", summary = "one result",
--     parameters = { { name = "id", place = "path", type = "integer", min = 1, doc = "of it" } },
--     answers = { { status = 200, type = "application/json", doc = "the result" } },
--     run = function(call) return http.json(200, …) end }

local http = require "lab.web.http"
local json = require "lab.json"
local words = require "lab.words"

local router = {}

---@class lab.WebParameter
---@field name string
---@field place string       "path", "query" (or a field of a form), "body" (of a JSON object)
---@field type string        "string", "integer", "number", "boolean", "choice", "object"
---@field default any
---@field min number?
---@field max number?        of strings: bytes
---@field choices string[]?
---@field pattern string?    of strings; `shape` says it in words
---@field shape string?
---@field doc string

---@class lab.WebRoute
---@field method string
---@field path string
---@field summary string
---@field parameters lab.WebParameter[]
---@field answers { status: integer, type: string, doc: string }[]
---@field form boolean?      a multipart form may give the parameters of the query
---@field json boolean?      the body is a JSON object with the parameters
---@field run fun(call: lab.WebCall): lab.WebResponse?

---@class lab.WebCall
---@field request lab.WebRequest
---@field route lab.WebRoute
---@field values table<string, any>  the parameters, checked, with defaults
---@field context table
---@field part table?               the file of a form: { type, filename, body }

local MAX_STRING = 1000 -- bytes of a parameter that says no other
local MAX_JSON = 1 << 20 -- bytes of a JSON body

-- ---- values ----

local readers = {}

function readers.string(text, spec)
  if #text > (spec.max or MAX_STRING) then
    return nil, ("at most %d bytes"):format(spec.max or MAX_STRING)
  elseif spec.pattern and not text:find(spec.pattern) then
    return nil, spec.shape
  end
  return text
end

local function bounded(value, spec, what)
  if not value or spec.min and value < spec.min or spec.max and value > spec.max then
    return nil, ("%s from %s to %s"):format(what, tostring(spec.min), tostring(spec.max))
  end
  return value
end

function readers.integer(text, spec)
  -- More digits than an integer has would become a float that looks like one.
  local value = text:find "^%-?%d+$" and math.tointeger(tonumber(text))
  return bounded(value, spec, "a whole number")
end

function readers.number(text, spec)
  local value = text:find "^%-?%d*%.?%d+$" and tonumber(text)
  return bounded(value, spec, "a number")
end

function readers.boolean(text)
  if text == "1" or text == "true" then
    return true
  elseif text == "0" or text == "false" then
    return false
  end
  return nil, "1 or 0"
end

function readers.choice(text, spec)
  for _, choice in ipairs(spec.choices) do
    if choice == text then
      return text
    end
  end
  return nil, "one of " .. table.concat(spec.choices, ", ")
end

--- A value of a JSON body is one of its type, or a text that can be read as it.
local function read_value(value, spec)
  if type(value) == "table" or spec.type == "object" then
    if type(value) == "table" and spec.type == "object" then
      return value
    end
    return nil, spec.type == "object" and "an object" or "a plain value"
  elseif type(value) == "boolean" then
    value = value and "1" or "0"
  elseif math.type(value) == "float" and value % 1 == 0 and math.tointeger(value) then
    value = tostring(math.tointeger(value))
  end
  return readers[spec.type](tostring(value), spec)
end

--- The parameters of one place, checked.
local function read_all(route, place, given, into)
  local known, names = {}, {}
  for _, spec in ipairs(route.parameters or {}) do
    if spec.place == place then
      known[spec.name] = spec
      names[#names + 1] = spec.name
    end
  end
  for name, value in pairs(given) do
    local spec = known[name]
    if not spec then
      return nil, #names == 0 and ("%s %s takes no parameters"):format(route.method, route.path)
        or words.unknown("parameter", http.shown(name), names)
    end
    local read, expected = read_value(value, spec)
    if read == nil then
      return nil, ("the parameter '%s' must be %s; got '%s'"):format(name, expected,
        http.shown(type(value) == "table" and "an object" or value))
    end
    into[name] = read
  end
  return true
end

--- Defaults, and what is missing.
local function complete(route, values)
  for _, spec in ipairs(route.parameters or {}) do
    if values[spec.name] == nil then
      if spec.required then
        return nil, ("the parameter '%s' is missing: %s"):format(spec.name, spec.doc)
      end
      values[spec.name] = spec.default
    end
  end
  return true
end

-- ---- bodies ----

--- The JSON object of a body.
local function read_json(request)
  local body = request.body or ""
  local kind = http.media_type(http.header(request, "content-type"))
  if kind ~= "application/json" then
    return nil, http.problem(415, ("the body must be application/json; got '%s'"):format(
      http.shown(kind)))
  elseif #body > MAX_JSON then
    return nil, http.problem(413, ("the body has %d bytes: at most %d"):format(#body, MAX_JSON))
  elseif not utf8.len(body) then
    return nil, http.problem(400, "the body is not UTF-8")
  end
  local ok, value, message = pcall(json.decode, body)
  if not ok or value == nil then
    return nil, http.problem(400, "the body is not JSON: " .. http.shown(ok and (message
      or "nothing in it") or "nested too deeply"))
  elseif type(value) ~= "table" or #value > 0 then
    return nil, http.problem(400, "the body must be a JSON object")
  end
  return value
end

-- ---- finding ----

local function split(path)
  local parts = {}
  for part in (path .. "/"):sub(2):gmatch "([^/]*)/" do
    parts[#parts + 1] = part
  end
  return parts
end

--- The parts of a path that stand for {names}; nil when the path is another.
local function match(route, parts)
  local own = route.parts
  if #own ~= #parts then
    return nil
  end
  local found = {}
  for i, part in ipairs(own) do
    local name = part:match "^{([%w_]+)}$"
    if name and parts[i] ~= "" then
      found[name] = parts[i]
    elseif part ~= parts[i] then
      return nil
    end
  end
  return found
end

--- The route of a request and what stands for the {names} of its path.
local function find(routes, request)
  if not utf8.len(request.path) or request.path:find "%c" then
    return nil, http.problem(400, "the path is not UTF-8 text")
  end
  local parts = split(request.path)
  local method = request.method == "HEAD" and "GET" or request.method
  local allowed = {}
  for _, route in ipairs(routes) do
    local found = match(route, parts)
    if found and route.method == method then
      return route, found
    elseif found then
      allowed[#allowed + 1] = route.method
    end
  end
  if #allowed > 0 then
    return nil, http.problem(405, ("%s is for %s"):format(http.shown(request.path),
      table.concat(allowed, ", ")), { Allow = table.concat(allowed, ", ") })
  end
  return nil, http.problem(404, ("there is nothing at %s; GET /api tells what there is"):format(
    http.shown(request.path)))
end

--- Makes a list of routes ready to be matched.
---@param routes lab.WebRoute[]
---@return lab.WebRoute[]
function router.compile(routes)
  for _, route in ipairs(routes) do
    route.parts = split(route.path)
  end
  return routes
end

--- The call that a request is.
---@param routes lab.WebRoute[]
---@param request lab.WebRequest
---@param context table
---@return lab.WebCall? call
---@return lab.WebResponse? problem
function router.read(routes, request, context)
  local route, found = find(routes, request)
  if not route then
    return nil, found
  end
  local call = { request = request, route = route, values = {}, context = context }
  local query, message = http.query(request.query)
  local ok = query
  if ok then
    ok, message = read_all(route, "path", found, call.values)
  end
  if ok then
    ok, message = read_all(route, "query", query, call.values)
  end
  if ok and route.json then
    local given, problem = read_json(request)
    if not given then
      return nil, problem
    end
    ok, message = read_all(route, "body", given, call.values)
  end
  if ok and route.form then
    local problem
    ok, problem = router.read_form(call)
    if not ok then
      return nil, problem
    end
  end
  if ok then
    ok, message = complete(route, call.values)
  end
  if not ok then
    return nil, http.problem(400, message)
  end
  return call
end

--- Takes the fields of a multipart form as parameters, and its file as call.part.
---@param call lab.WebCall
---@return boolean? ok
---@return lab.WebResponse? problem
function router.read_form(call)
  local form, message, status = require("lab.web.form").read(call.request)
  if form == nil and message then
    return nil, http.problem(status or 400, message)
  elseif not form then
    return true
  end
  for name in pairs(form.fields) do
    if call.values[name] ~= nil then
      return nil, http.problem(400, ("the parameter '%s' is given twice"):format(http.shown(name)))
    end
  end
  local ok
  ok, message = read_all(call.route, "query", form.fields, call.values)
  call.part = form.file
  return ok, message and http.problem(400, message)
end

--- Answers a request: the response, or nil when the route will see to it later. A mistake in a
--- route is told to `report` and is a 500 to the client.
---@param routes lab.WebRoute[]
---@param request lab.WebRequest
---@param context table
---@param report fun(message: string)
---@return lab.WebResponse?
function router.answer(routes, request, context, report)
  local call, problem = router.read(routes, request, context)
  if not call then
    return problem
  end
  local ok, response = xpcall(call.route.run, function(mistake)
    return type(mistake) == "string" and debug.traceback(mistake, 2) or mistake
  end, call)
  if not ok then
    report(tostring(response))
    return http.problem(500, "a mistake in the server: its log tells more")
  end
  return response
end

-- ---- telling ----

local function describe_parameter(spec)
  return json.ordered({ "name", "in", "type", "required", "default", "choices", "min", "max",
    "doc" }, { name = spec.name, ["in"] = spec.place, type = spec.type, required = spec.required
    or nil, default = spec.default, choices = spec.choices and json.list(spec.choices),
    min = spec.type ~= "string" and spec.min or nil, max = spec.max, doc = spec.doc })
end

--- The table of routes, for GET /api.
---@param routes lab.WebRoute[]
---@return table
function router.describe(routes)
  local list = {}
  for i, route in ipairs(routes) do
    local parameters, answers = {}, {}
    for j, spec in ipairs(route.parameters or {}) do
      parameters[j] = describe_parameter(spec)
    end
    for j, answer in ipairs(route.answers or {}) do
      answers[j] = json.ordered({ "status", "type", "doc" }, { status = answer.status,
        type = answer.type, doc = answer.doc })
    end
    list[i] = json.ordered({ "method", "path", "summary", "parameters", "answers" }, {
      method = route.method, path = route.path, summary = route.summary,
      parameters = json.list(parameters), answers = json.list(answers) })
  end
  return json.list(list)
end

return router
