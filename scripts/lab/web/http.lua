-- The words of HTTP for the routes: what a request says (query, cookies, what it accepts) and
-- answers as plain tables { status, headers, body }. Nothing here knows a socket.

local html = require "lab.html"
local json = require "lab.json"

local http = {}

---@class lab.WebRequest
---@field id integer          what the transport knows it by
---@field method string
---@field path string         percent-decoded bytes
---@field query string?       as it was sent
---@field headers table<string, string>|string  names in any case
---@field body string?
---@field client string?      address:port
---@field client_key string?  whom fairness counts it for

---@class lab.WebResponse
---@field status integer
---@field headers table<string, string>
---@field body string

-- ---- requests ----

--- The bytes that %41 and, in a query, + stand for; nil for a % that begins nothing.
---@param text string
---@param plus? boolean
---@return string?
function http.decode(text, plus)
  if plus then
    text = text:gsub("+", " ")
  end
  if text:gsub("%%%x%x", ""):find("%", 1, true) then
    return nil
  end
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

--- The names and values of a query. Each may be there once.
---@param text string?
---@return table<string, string>? values
---@return string? message
function http.query(text)
  local values = {}
  for part in (text or ""):gmatch "[^&]+" do
    local raw_name, raw_value = part:match "^([^=]*)=?(.*)$"
    local name, value = http.decode(raw_name, true), http.decode(raw_value, true)
    if not name or not value then
      return nil, ("'%s' in the query is not percent-encoded"):format(http.shown(part))
    elseif not utf8.len(name) or not utf8.len(value) then
      return nil, ("'%s' in the query is not UTF-8"):format(http.shown(part))
    elseif values[name] then
      return nil, ("the parameter '%s' is given twice"):format(http.shown(name))
    end
    values[name] = value
  end
  return values
end

--- Text of a stranger for a message: short, and without what is no printable ASCII.
---@param text any
---@return string
function http.shown(text)
  text = tostring(text)
  local short = #text > 60 and text:sub(1, 60) .. "..." or text
  return (short:gsub("[^\32-\126]", "?"))
end

--- A header by its name in lower case.
---@param request lab.WebRequest
---@param name string
---@return string?
function http.header(request, name)
  local headers = request.headers
  if type(headers) == "string" then
    local found = {}
    for key, value in headers:gmatch "([^\r\n:]+):[ \t]*([^\r\n]*)" do
      found[key:lower()] = found[key:lower()] or value
    end
    request.headers, headers = found, found
  end
  local value = headers and headers[name]
  if value == nil then
    for key, other in pairs(headers or {}) do
      if key:lower() == name then
        return other
      end
    end
  end
  return value
end

--- The value of a cookie.
---@param request lab.WebRequest
---@param name string
---@return string?
function http.cookie(request, name)
  for key, value in (http.header(request, "cookie") or ""):gmatch "([^=;%s]+)=([^;]*)" do
    if key == name then
      return value
    end
  end
end

--- The type a header names, without its parameters: "image/jpeg".
---@param text string?
---@return string
function http.media_type(text)
  return ((text or ""):match "^%s*([^;%s]*)" or ""):lower()
end

--- Which of these media types the client asks for by name; the first of its own list.
---@param request lab.WebRequest
---@param known table<string, string>  { ["image/png"] = "png" }
---@return string?
function http.accepts(request, known)
  for part in (http.header(request, "accept") or ""):gmatch "[^,]+" do
    local found = known[http.media_type(part)]
    if found and not part:find "[; ]q=0%.?0*%s*$" then
      return found
    end
  end
end

-- ---- answers ----

--- An answer.
---@param status integer
---@param kind string    its Content-Type
---@param body string
---@param headers? table<string, string>
---@return lab.WebResponse
function http.response(status, kind, body, headers)
  local all = { ["Content-Type"] = kind }
  for name, value in pairs(headers or {}) do
    all[name] = value
  end
  return { status = status, headers = all, body = body }
end

--- An answer in JSON, which is not to be kept.
---@param status integer
---@param value any
---@param headers? table<string, string>
---@return lab.WebResponse
function http.json(status, value, headers)
  local response = http.response(status, "application/json; charset=utf-8", json.encode(value)
    .. "\n", headers)
  response.headers["Cache-Control"] = response.headers["Cache-Control"] or "no-store"
  return response
end

--- The object that every failure is told by.
---@param status integer
---@param code string
---@param message string
---@return table
function http.error_object(status, code, message)
  return { error = json.ordered({ "status", "code", "message" }, { status = status, code = code,
    message = html.valid(message) }) }
end

local codes = { [400] = "bad_request", [401] = "unauthorized", [403] = "forbidden",
  [404] = "not_found", [405] = "method_not_allowed", [409] = "conflict", [413] = "too_large",
  [415] = "unsupported", [421] = "misdirected", [422] = "damaged", [429] = "too_many",
  [500] = "failed", [503] = "busy" }

--- A failure as an answer: a sentence, with the status and its word.
---@param status integer
---@param message string
---@param headers? table<string, string>
---@param code? string  instead of the status's own word
---@return lab.WebResponse
function http.problem(status, message, headers, code)
  return http.json(status, http.error_object(status, code or codes[status] or "failed", message),
    headers)
end

-- What a failure of the library is over HTTP. What a client cannot mend is 500.
local statuses = { NOT_FOUND = 404, FORMAT = 422, UNSUPPORTED = 415, LIMIT = 413, INVALID = 400,
  NOMEM = 503, INTERRUPTED = 503 }

--- A failure of the library (message, code) as an answer.
---@param message string
---@param code string?
---@return lab.WebResponse
function http.failure(message, code)
  return http.problem(statuses[code] or 500, message)
end

--- Headers as the transport takes them, in the order of their names: each ends with a zero byte,
--- which no value can have, so that no value becomes another header.
---@param headers table<string, string>
---@return string
function http.header_text(headers)
  local lines = {}
  for name, value in pairs(headers) do
    lines[#lines + 1] = name .. ": " .. value .. "\0"
  end
  table.sort(lines)
  return table.concat(lines)
end

-- ---- events ----

--- One server-sent event. JSON is one line, so it is one line of data.
---@param name string
---@param value any
---@return string
function http.event(name, value)
  return ("event: %s\ndata: %s\n\n"):format(name, type(value) == "string" and value
    or json.encode(value))
end

return http
