-- The page's files: those that lie in its folder when the server starts, and no others, so that no
-- path of a request ever becomes a path of the system.

local core = require "lab.core"
local http = require "lab.web.http"
local paths = require "lab.paths"
local sys = require "lab.sys"

local page = {}

local types = {
  html = "text/html; charset=utf-8", css = "text/css; charset=utf-8",
  js = "text/javascript; charset=utf-8", json = "application/json; charset=utf-8",
  svg = "image/svg+xml", png = "image/png", ico = "image/x-icon",
  webmanifest = "application/manifest+json",
}

local MAX_FILE = 4 << 20 -- bytes

---@class lab.WebPage
---@field files table<string, table>  { path, type, mtime, body, tag } by name
local Page = {}
Page.__index = Page

--- Where the page is: beside the plugins that are built or installed, or in the program's folder.
---@return string? folder
function page.folder()
  for _, folder in ipairs { paths.program("plugins", "http", "page"), paths.program("page"),
    paths.join(sys.plugin_dir(), "page") } do
    if paths.exists(paths.join(folder, "index.html"), "file") then
      return folder
    end
  end
end

--- Reads a file, or reads it again when it has changed since.
local function read(file)
  local info = sys.stat(file.path)
  if not info or file.body and file.mtime == info.mtime and #file.body == info.size then
    return file
  end
  local body = core.read_file(file.path, MAX_FILE)
  if body then
    file.body, file.mtime = body, info.mtime
    file.tag = '"' .. core.sha256(body):sub(1, 32) .. '"'
  end
  return file
end

--- The page of a folder; without one there is no page, only the API.
---@param folder string?
---@return lab.WebPage
function page.new(folder)
  local files = {}
  for _, entry in ipairs(folder and sys.list(folder) or {}) do
    local kind = types[entry.name:match "%.(%w+)$" or ""]
    if kind and entry.type == "file" and entry.name:find "^[%w_][%w_.-]*$" then
      local file = read { path = paths.join(folder, entry.name), type = kind }
      files[entry.name] = file.body and file or nil
    end
  end
  return setmetatable({ files = files }, Page)
end

--- Whether the client has these bytes already.
local function is_known(request, tag)
  for known in (http.header(request, "if-none-match") or ""):gmatch "[^,%s]+" do
    if known == tag or known == "W/" .. tag or known == "*" then
      return true
    end
  end
  return false
end
page.is_known = is_known

--- A file of the page.
---@param name string
---@param request lab.WebRequest
---@return lab.WebResponse
function Page:answer(name, request)
  local file = self.files[name]
  if not file then
    return http.problem(404, name == "index.html"
      and "the page is not installed with this program; GET /api tells what else there is"
      or ("the page has no file '%s'"):format(http.shown(name)))
  end
  read(file)
  local headers = { ETag = file.tag, ["Cache-Control"] = "no-cache" }
  if is_known(request, file.tag) then
    return http.response(304, file.type, "", headers)
  end
  return http.response(200, file.type, file.body, headers)
end

return page
