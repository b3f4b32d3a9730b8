-- multipart/form-data (RFC 7578), for POST /api/segment: small fields, and one file as the part
-- `image`. Everything in it is a stranger's: a part that is not well formed refuses the whole.

local http = require "lab.web.http"

local form = {}

local MAX_PARTS = 32
local MAX_FIELD = 4096 -- bytes of a field that is no file
local MAX_HEAD = 8192  -- bytes of a part's own headers

--- The boundary between parts; nil when the body is no form, and why when it says it is one.
local function boundary_of(request)
  local kind = http.header(request, "content-type")
  if http.media_type(kind) ~= "multipart/form-data" then
    return nil
  end
  local boundary = kind:match ';%s*[bB][oO][uU][nN][dD][aA][rR][yY]="([^"]+)"'
    or kind:match ";%s*[bB][oO][uU][nN][dD][aA][rR][yY]=([^%s;]+)"
  if not boundary or #boundary > 70 then
    return nil, "the form's Content-Type has no boundary of 1 to 70 characters"
  end
  return boundary
end

--- A value of Content-Disposition: a quoted text (browsers write %22 for a quote), or a word.
local function disposition_value(text, name)
  return text:match("[; \t]" .. name .. '="([^"]*)"')
    or text:match("[; \t]" .. name .. "=([^%s;\"]+)")
end

--- What the lines at the top of a part say.
local function read_head(head)
  local part = {}
  for line in (head .. "\r\n"):gmatch "(.-)\r\n" do
    local name, value = line:match "^([%w-]+):[ \t]*(.*)$"
    name = name and name:lower()
    if name == "content-disposition" then
      if not value:lower():find "^form%-data" then
        return nil, "a part of the form is no form-data"
      end
      part.name = disposition_value(value, "name")
      part.filename = disposition_value(value, "filename")
    elseif name == "content-type" then
      part.type = http.media_type(value)
    end
  end
  if not part.name then
    return nil, "a part of the form has no name"
  end
  return part
end

--- Takes one part into the form.
local function add_part(found, part, body)
  if part.name == "image" then
    if found.file then
      return nil, "the form has more than one part 'image': one picture at a time"
    end
    found.file = { type = part.type, filename = part.filename, body = body }
  elseif #body > MAX_FIELD then
    return nil, ("the field '%s' of the form has %d bytes: at most %d"):format(
      http.shown(part.name), #body, MAX_FIELD)
  elseif found.fields[part.name] then
    return nil, ("the parameter '%s' is given twice"):format(http.shown(part.name))
  elseif not utf8.len(part.name) or not utf8.len(body) then
    return nil, ("the field '%s' of the form is not UTF-8"):format(http.shown(part.name))
  else
    found.fields[part.name] = body
  end
  return true
end

--- The parts between the boundaries.
local function read_parts(body, boundary)
  local found = { fields = {} }
  local line = "--" .. boundary
  local _, at = body:find(line, 1, true)
  if not at or at ~= #line and body:sub(at - #line - 1, at - #line) ~= "\r\n" then
    return nil, "the form does not begin with its boundary"
  end
  for _ = 1, MAX_PARTS do
    if body:sub(at + 1, at + 2) == "--" then
      return found
    end
    local head_end = body:sub(at + 1, at + 2) == "\r\n" and body:find("\r\n\r\n", at + 1, true)
    if not head_end or head_end - at > MAX_HEAD then
      return nil, "a part of the form has no end of its headers"
    end
    local part, message = read_head(body:sub(at + 3, head_end - 1))
    if not part then
      return nil, message
    end
    local from, to = body:find("\r\n" .. line, head_end + 2, true)
    if not from then
      return nil, "the form breaks off: its last boundary is missing"
    end
    local ok
    ok, message = add_part(found, part, body:sub(head_end + 4, from - 1))
    if not ok then
      return nil, message
    end
    at = to
  end
  return nil, ("the form has more than %d parts"):format(MAX_PARTS)
end

--- Reads the form in a request's body.
---@param request lab.WebRequest
---@return { fields: table<string, string>, file: table? }? form  nil alone: the body is no form
---@return string? message
function form.read(request)
  local boundary, message = boundary_of(request)
  if not boundary then
    return nil, message
  end
  return read_parts(request.body or "", boundary)
end

return form
