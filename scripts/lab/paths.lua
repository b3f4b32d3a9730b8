-- Names of files and folders: taking them apart, and where a user's things live (the XDG base
-- directories).

local sys = require "lab.sys"

local paths = {}

--- Joins parts with "/"; empty parts are left out, and a part that is absolute starts anew.
---@param ... string
---@return string
function paths.join(...)
  local result = ""
  for _, part in ipairs { ... } do
    if part:sub(1, 1) == "/" or result == "" then
      result = part
    elseif part ~= "" then
      result = result:gsub("/+$", "") .. "/" .. part
    end
  end
  return result
end

--- "a/b.c.jpg" -> "a", "b.c", "jpg". The folder of a plain name is "."; of "/x" it is "/".
---@param path string
---@return string dir, string stem, string ext
function paths.split(path)
  local dir, name = path:match "^(.*)/([^/]*)$"
  if not dir then
    dir, name = ".", path
  elseif dir == "" then
    dir = "/"
  end
  local stem, ext = name:match "^(.+)%.([^.]+)$"
  return dir, stem or name, ext or ""
end

---@param path string
---@return string
function paths.name(path)
  return path:match "([^/]*)/*$"
end

local function xdg(variable, fallback)
  local folder = os.getenv(variable)
  if not folder or folder:sub(1, 1) ~= "/" then
    folder = paths.join(sys.home(), fallback)
  end
  return paths.join(folder, "lualab")
end

--- Where a user's commands and manifest live.
---@return string
function paths.config()
  return xdg("XDG_CONFIG_HOME", ".config")
end

--- Where the catalog lives.
---@return string
function paths.data()
  return xdg("XDG_DATA_HOME", ".local/share")
end

--- Where what was typed is remembered.
---@return string
function paths.state()
  return xdg("XDG_STATE_HOME", ".local/state")
end

--- Where fetched models live when the program's own folder cannot be written.
---@return string
function paths.cache()
  return xdg("XDG_CACHE_HOME", ".cache")
end

--- A folder or file of the program: scripts, weights, db.
---@param ... string
---@return string
function paths.program(...)
  return paths.join(sys.data_dir(), ...)
end

--- True when there is something of that name (of that type: "file" or "dir").
---@param path string
---@param kind? string
---@return boolean
function paths.exists(path, kind)
  local info = sys.stat(path)
  return info ~= nil and (kind == nil or info.type == kind)
end

--- Fills {dir}, {stem} and {ext} of a template: "{dir}/{stem}.mask.png".
---@param template string
---@param place string|table  a path, or { dir, stem, ext } by name
---@return string
function paths.fill(template, place)
  local known = place
  if type(place) == "string" then
    local dir, stem, ext = paths.split(place)
    known = { dir = dir, stem = stem, ext = ext }
  end
  return (template:gsub("{(%w*)}", function(key)
    return known[key] or error(("template '%s': unknown field {%s}: there are {dir}, {stem} and "
      .. "{ext}"):format(template, key), 0)
  end))
end

return paths
