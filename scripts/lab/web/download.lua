-- Fetching a model while the server goes on: `lualab models fetch NAME` in a process of its own,
-- whose end is looked for now and then. How far it is shows in the size of the file it makes.

local core = require "lab.core"
local paths = require "lab.paths"
local sys = require "lab.sys"

local download = {}

---@class lab.WebDownload
---@field entry lab.Entry
---@field folder string   temporary: what the process says, and its own temporary files
---@field process string  its number
local Download = {}
Download.__index = Download

-- $1 folder, $2 program, $3 model. The status appears under its name when it is complete.
local script = [[
( TMPDIR="$1" "$2" models fetch "$3" >"$1/out" 2>"$1/err" </dev/null & child=$!
  trap 'kill "$child" 2>/dev/null' TERM INT
  wait "$child"; echo "$?" >"$1/status.new"; mv "$1/status.new" "$1/status"
) >/dev/null 2>&1 & echo "$!"]]

--- Starts to fetch a model of the manifest.
---@param entry lab.Entry
---@return lab.WebDownload? download
---@return string? message
---@return string? code
function download.start(entry)
  local folder, message, code = sys.tmp_dir "lualab-fetch-"
  if not folder then
    return nil, message, code
  end
  local status, output
  status, output, code = sys.spawn({ "/bin/sh", "-c", script, "sh", folder, sys.exe(), entry.name },
    { stdout = "capture" })
  if status ~= 0 then
    sys.remove_tree(folder)
    return nil, ("%s cannot be fetched: %s"):format(entry.name, output or "no shell"), code or "IO"
  end
  return setmetatable({ entry = entry, folder = folder, process = output:match "%d+" },
    Download)
end

--- Whether the process has ended.
---@return boolean
function Download:done()
  return paths.exists(paths.join(self.folder, "status"), "file")
end

--- The largest file below a folder, two levels deep: what curl or npm are writing.
local function largest(folder, depth)
  local size = 0
  for _, entry in ipairs(sys.list(folder) or {}) do
    local path = paths.join(folder, entry.name)
    if entry.type == "dir" and depth > 0 and not entry.link then
      size = math.max(size, largest(path, depth - 1))
    elseif entry.type == "file" then
      local info = sys.stat(path)
      size = math.max(size, info and info.size or 0)
    end
  end
  return size
end

--- How many bytes there are.
---@return integer
function Download:bytes()
  return math.min(self.entry.bytes, largest(self.folder, 2))
end

--- What came of it; to be called when it is done.
---@return true? ok
---@return string? message
---@return string? code
function Download:wait()
  local function said(name)
    return core.read_file(paths.join(self.folder, name), 1 << 20) or ""
  end
  local status = said "status":match "%d+"
  local spoken = said "err"
  self:close()
  if status == "0" then
    return true
  end
  local last = "the program that fetches it ended without a word"
  for line in spoken:gmatch "[^\n]+" do
    last = line:gsub("^lualab[^:]*: ", "")
  end
  return nil, last, "IO"
end

--- Ends the process if it still runs.
function Download:close()
  if self.folder then
    if not self:done() then
      sys.spawn({ "kill", self.process }, { stderr = "null" })
    end
    sys.remove_tree(self.folder)
    self.folder = nil
  end
end

return download
