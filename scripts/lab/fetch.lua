-- Fetching what the manifest names: by the curl program, by npm's own client for npm: sources, by
-- apt-get for deb: sources. A file goes into a temporary folder, is checked by sha256 and gets its
-- place in one step. Each fetch is announced; --offline (LUALAB_OFFLINE) forbids all.

local core = require "lab.core"
local log = require "lab.log"
local manifest = require "lab.manifest"
local paths = require "lab.paths"
local sys = require "lab.sys"

local fetch = {}

--- Largest file that is fetched: far above every model, far below what would fill a disk.
local limit = 1 << 30

---@return boolean
function fetch.offline()
  local value = os.getenv "LUALAB_OFFLINE"
  return value ~= nil and value ~= "" and value ~= "0"
end

--- Bytes for people: "2.2 MB".
---@param bytes integer
---@return string
function fetch.size_text(bytes)
  if bytes < 1e6 then
    return ("%.0f KB"):format(bytes / 1e3)
  end
  return ("%.1f MB"):format(bytes / 1e6)
end

--- Runs a program and gives what it prints.
local function run(argv, stderr, folder)
  local status, output, code = sys.spawn(argv, { stdout = "capture", stderr = stderr,
    cwd = folder })
  if not status then
    return nil, ("cannot run %s (%s)"):format(argv[1], output), code
  elseif status ~= 0 then
    local reason = output:match "([^\n]+)%s*$"
    return nil, ("%s ended with status %d%s"):format(argv[1], status,
      reason and ": " .. reason or ""), "IO"
  end
  return output
end

local function by_curl(url, _, target)
  if not (url:match "^https://" or url:match "^file://") then
    return nil, "only https, file and npm sources are fetched, not " .. url, "UNSUPPORTED"
  end
  -- What curl has to say about a failure is asked for on standard output, where we can read it.
  local ok, message, code = run({ "curl", "--fail", "--location", "--silent",
    "--proto", "=https,file", "--proto-redir", "=https", "--retry", "2",
    "--connect-timeout", "20", "--max-time", "900", "--max-filesize", tostring(limit),
    "--write-out", "%{errormsg}", "--output", target, url }, "null")
  if not ok and message:find "^cannot run" then
    message = message .. " (install it: apt-get install curl)"
  end
  return ok, message, code
end

--- npm:package@version/path: `npm pack` checks the package against the registry's own hash.
local function by_npm(url, folder, target)
  local package, path = url:match "^npm:(@?[^@]+@[^/]+)/(.+)$"
  if not package then
    return nil, ("'%s' is not npm:package@version/path"):format(url), "FORMAT"
  end
  local out, message, code = run { "npm", "pack", "--loglevel", "error", "--no-update-notifier",
    "--pack-destination", folder, package }
  if not out then
    if message:find "^cannot run" then
      message = message .. " (install it: apt-get install npm)"
    end
    return nil, message, code
  end
  local archive = out:match "([^%s]+%.tgz)%s*$"
  if not archive then
    return nil, "npm pack " .. package .. " named no archive", "FORMAT"
  end
  local ok
  ok, message, code = run { "tar", "-xzf", paths.join(folder, paths.name(archive)), "-C", folder,
    "package/" .. path }
  if not ok then
    return nil, message, code
  end
  return sys.rename(paths.join(folder, "package", path), target)
end

--- Whether files can be made in a folder, which is made if need be.
local function writable(folder)
  local probe = paths.join(folder, ".writable-" .. sys.pid())
  if core.make_dirs(folder) and core.write_file(probe, "", { durable = false }) then
    sys.remove(probe)
    return true
  end
  return false
end

--- deb:package/path: the file out of a Debian package, which is unpacked and not installed.
local function by_deb(url, folder, target)
  local package, path = url:match "^deb:([%w.+-]+)/(.+)$"
  if not package then
    return nil, ("'%s' is not deb:package/path"):format(url), "FORMAT"
  end
  local ok, message, code = run({ "apt-get", "download", "-qq", package }, "null", folder)
  if not ok then
    return nil, message, code
  end
  for _, entry in ipairs(sys.list(folder) or {}) do
    if entry.name:find "%.deb$" then
      ok, message, code = run { "dpkg-deb", "--extract", paths.join(folder, entry.name), folder }
      if not ok then
        return nil, message, code
      end
    end
  end
  return sys.rename(paths.join(folder, path), target)
end

--- The folder a fetched file goes to: the first that the user names in LUALAB_WEIGHTS_PATH, else
--- weights/ of the program when it can be written, else the cache.
local function destination(entry)
  local folders, named = manifest.folders(entry.kind)
  local own, cache = folders[1], folders[#folders]
  if named and writable(named) then
    return named
  elseif writable(own) then
    return own
  end
  local ok, message, code = core.make_dirs(cache)
  if not ok then
    return nil, message, code
  end
  return cache
end

--- The sentence about a file that is not the manifest's.
---@param entry lab.Entry
---@param sha256 string  what it has
---@param where string
---@return string
function fetch.mismatch(entry, sha256, where)
  return ("%s: sha256 %s, but %s has %s: the file is damaged or another one; fetch it with "
    .. "'lualab models fetch --force %s'"):format(where, sha256, entry.name, entry.sha256,
    entry.name)
end

--- Checks bytes against the manifest.
---@param entry lab.Entry
---@param bytes string
---@param where string  for the message
---@return boolean? ok
---@return string? message
---@return string? code
function fetch.check(entry, bytes, where)
  local sha256 = core.sha256(bytes)
  if sha256 ~= entry.sha256 then
    return nil, fetch.mismatch(entry, sha256, where), "FORMAT"
  end
  return true
end

--- Fetches from one source into an empty folder and checks what came.
local function fetch_from(entry, url, folder, path)
  local target = paths.join(folder, "file")
  local kind = url:match "^(%a+):"
  local get = kind == "npm" and by_npm or kind == "deb" and by_deb or by_curl
  local ok, message, code = get(url, folder, target)
  if not ok then
    return nil, ("%s could not be fetched from %s: %s"):format(entry.name, url, message), code
  end
  local bytes
  bytes, message, code = core.read_file(target, limit)
  if bytes then
    ok, message, code = fetch.check(entry, bytes, url)
    if ok then
      return core.write_file(path, bytes)
    end
  end
  return nil, message, code
end

--- One source, with a temporary folder that goes away in any case.
local function try_source(entry, url, path)
  local folder, message, code = sys.tmp_dir()
  if not folder then
    return nil, message, code
  end
  log.warn("fetching %s (%s, %s) from %s", entry.name, fetch.size_text(entry.bytes),
    entry.licence or "licence not stated", url)
  local ok
  ok, message, code = fetch_from(entry, url, folder, path)
  sys.remove_tree(folder)
  return ok, message, code
end

--- Fetches the file of an entry, from its url or else from one of its mirrors, and gives its path.
---@param entry lab.Entry
---@return string? path
---@return string? message
---@return string? code
function fetch.get(entry)
  if not entry.url then
    return nil, ("%s: %s is not there and the manifest gives no url"):format(entry.name,
      entry.file), "NOT_FOUND"
  end
  if fetch.offline() then
    return nil, ("%s is not here and --offline forbids to fetch it (%s from %s)"):format(entry.name,
      entry.file, entry.url), "NOT_FOUND"
  end
  local into, message, code = destination(entry)
  if not into then
    return nil, message, code
  end
  local path = paths.join(into, entry.file)
  local reasons = {}
  for _, url in ipairs { entry.url, table.unpack(entry.mirrors or {}) } do
    local ok
    ok, message, code = try_source(entry, url, path)
    if ok then
      log.warn("%s is in %s", entry.name, path)
      return path
    end
    reasons[#reasons + 1] = message
  end
  return nil, table.concat(reasons, "; "), code
end

--- The file of an entry: found, or fetched.
---@param entry lab.Entry
---@return string? path
---@return string? message
---@return string? code
function fetch.need(entry)
  local path, searched = manifest.find(entry)
  if path then
    return path
  end
  local message, code
  path, message, code = fetch.get(entry)
  if not path then
    message = ("%s. Looked in %s; put %s into one of them, or name a folder in "
      .. "LUALAB_WEIGHTS_PATH"):format(message, table.concat(searched, ", "), entry.file)
  end
  return path, message, code
end

return fetch
