-- From what a user names to a list of pictures: files as they are, folders with everything below
-- them, patterns with * ? [..] and **. Each item knows its place below the folder it was found in,
-- so that a tree of results can mirror the tree of pictures.

local paths = require "lab.paths"
local picture = require "lab.picture"
local sys = require "lab.sys"

local files = {}

---@class lab.Item
---@field path string
---@field rel string       folder below the one that was named; "" at its top
---@field error string?    why there is no such picture
---@field target table?    {dir, stem, ext}: where results go, for templates
---@field upload boolean?  the path is a name that came with bytes: nothing is looked for there
---@field kept string?      where the bytes of an upload are, for the catalog

local function is_picture(name)
  local _, _, ext = paths.split(name)
  return picture.endings[ext:lower()] or false
end

--- The entries of a folder in order of name; hidden ones are left out.
local function listing(folder)
  local entries, message, code = sys.list(folder)
  if not entries then
    return nil, message, code
  end
  local visible = {}
  for _, entry in ipairs(entries) do
    if entry.name:sub(1, 1) ~= "." then
      visible[#visible + 1] = entry
    end
  end
  return visible
end

--- Adds the pictures below a folder. `walk.seen` holds real paths, so that links cannot lead round
--- in circles; `walk.skip` is a folder that is left out (results inside the pictures' own tree).
local function add_folder(walk, folder, rel)
  local real = sys.real_path(folder) or folder
  if walk.seen[real] or real == walk.skip then
    return
  end
  walk.seen[real] = true
  local entries, message, code = listing(folder)
  if not entries then
    walk.items[#walk.items + 1] = { path = folder, rel = rel, error = message, code = code }
    return
  end
  local folders = {}
  for _, entry in ipairs(entries) do
    if entry.type == "dir" then
      folders[#folders + 1] = entry.name
    elseif is_picture(entry.name) then
      walk.items[#walk.items + 1] = { path = paths.join(folder, entry.name), rel = rel }
    end
  end
  for _, name in ipairs(folders) do
    add_folder(walk, paths.join(folder, name), paths.join(rel, name))
  end
end

--- A Lua pattern for one part of a path with * ? and [..].
local function part_pattern(part)
  local pattern = part:gsub("[%^%$%(%)%%%.%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
  return "^" .. pattern:gsub("%[!", "[^") .. "$"
end

--- Whether a name matches a part; a part whose brackets do not close matches itself only.
local function matches(name, part)
  local ok, found = pcall(string.find, name, part_pattern(part))
  return ok and found ~= nil or name == part
end

local function is_pattern(path)
  return path:find "[%*%?%[]" ~= nil
end

--- The paths that a pattern stands for, in order. "**" is any number of folders.
---@param pattern string
---@return string[]
function files.glob(pattern)
  local parts = {}
  for part in pattern:gmatch "[^/]+" do
    parts[#parts + 1] = part
  end
  local found = {}
  local function descend(base, i)
    local part = parts[i]
    if not part then
      found[#found + 1] = base
      return
    elseif not is_pattern(part) then
      local path = base == "" and part or paths.join(base, part)
      if i < #parts or paths.exists(path) then
        descend(path, i + 1)
      end
      return
    end
    if part == "**" then
      descend(base, i + 1)
    end
    for _, entry in ipairs(listing(base == "" and "." or base) or {}) do
      local path = base == "" and entry.name or paths.join(base, entry.name)
      if part == "**" then
        -- Links are not followed here: one to a folder above would be a circle.
        if entry.type == "dir" and not entry.link then
          descend(path, i)
        end
      elseif matches(entry.name, part) then
        descend(path, i + 1)
      end
    end
  end
  descend(pattern:sub(1, 1) == "/" and "/" or "", 1)
  return found
end

local function add_one(walk, path)
  local info, message, code = sys.stat(path)
  if info and info.type == "dir" then
    add_folder(walk, path, "")
  else
    walk.items[#walk.items + 1] = { path = path, rel = "", error = not info and message or nil,
      code = not info and code or nil }
  end
end

--- Makes the list of pictures. What does not exist is an item with an error: the rest goes on. The
--- same picture named twice is one item.
---@param names string[]   files, folders, patterns, "-"
---@param options? table   skip: a folder that is left out when it lies inside one that is walked
---@return lab.Item[]
function files.expand(names, options)
  local walk = { items = {}, seen = {}, skip = options and options.skip
    and sys.real_path(options.skip) }
  for _, name in ipairs(names) do
    if name == "-" then
      walk.items[#walk.items + 1] = { path = "-", rel = "" }
    elseif is_pattern(name) and not paths.exists(name) then
      local found = files.glob(name)
      if #found == 0 then
        walk.items[#walk.items + 1] = { path = name, rel = "", code = "NOT_FOUND",
          error = ("%s: nothing matches this pattern"):format(name) }
      end
      for _, path in ipairs(found) do
        -- Of what a pattern finds only pictures are meant, unless its ending says otherwise.
        if paths.exists(path, "dir") or is_picture(path) or not is_pattern(name:match "[^.]*$")
        then
          add_one(walk, path)
        end
      end
    else
      add_one(walk, name)
    end
  end
  local unique, known = {}, {}
  for _, item in ipairs(walk.items) do
    local key = sys.real_path(item.path) or item.path
    if not known[key] then
      known[key] = true
      unique[#unique + 1] = item
    end
  end
  return unique
end

--- Gives each item the place of its results below a folder: the folder it was found in is
--- mirrored. Two pictures of one name but another ending (a.jpg, a.png) keep their endings
--- (a.jpg.labels.png); where even that is one name, nil and a sentence, before anything is written.
---@param items lab.Item[]
---@param folder string
---@return true? ok
---@return string? message
---@return string? code
function files.place(items, folder)
  local by_stem = {}
  for _, item in ipairs(items) do
    local _, stem, ext = paths.split(item.path)
    if item.path == "-" then
      stem, ext = "stdin", ""
    end
    item.target = { dir = paths.join(folder, item.rel), stem = stem, ext = ext }
    local key = paths.join(item.target.dir, stem)
    by_stem[key] = by_stem[key] or {}
    table.insert(by_stem[key], item)
  end
  local taken = {}
  for _, item in ipairs(items) do
    local key = paths.join(item.target.dir, item.target.stem)
    if #by_stem[key] > 1 and item.target.ext ~= "" then
      item.target.stem = item.target.stem .. "." .. item.target.ext
      key = paths.join(item.target.dir, item.target.stem)
    end
    local other = taken[key]
    if other then
      return nil, ("%s and %s would write the same files (%s.…): name the folder above both instead"
        .. ", or give each its own -o"):format(other.path, item.path, key), "INVALID"
    end
    taken[key] = item
  end
  return true
end

return files
