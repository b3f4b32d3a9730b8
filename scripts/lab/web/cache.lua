-- Bytes that are kept for a while: the least recently used go when all together are too many.

local cache = {}

---@class lab.WebCache
---@field size integer  bytes in it
local Cache = {}
Cache.__index = Cache

--- An empty cache of so many bytes.
---@param limit integer
---@return lab.WebCache
function cache.new(limit)
  return setmetatable({ limit = limit, size = 0, count = 0, entries = {} }, Cache)
end

--- What is kept under a key.
---@param key any
---@return string?
function Cache:get(key)
  local entry = self.entries[key]
  if entry then
    self.count = self.count + 1
    entry.used = self.count
    return entry.bytes
  end
end

local function drop_oldest(self)
  local oldest
  for key, entry in pairs(self.entries) do
    if not oldest or entry.used < self.entries[oldest].used then
      oldest = key
    end
  end
  self.size = self.size - #self.entries[oldest].bytes
  self.entries[oldest] = nil
end

--- Keeps bytes under a key; more than the whole cache may hold are not kept.
---@param key any
---@param bytes string
function Cache:put(key, bytes)
  local old = self.entries[key]
  self.size = self.size - (old and #old.bytes or 0)
  self.entries[key] = nil
  if #bytes > self.limit then
    return
  end
  self.count = self.count + 1
  self.entries[key] = { bytes = bytes, used = self.count }
  self.size = self.size + #bytes
  while self.size > self.limit do
    drop_oldest(self)
  end
end

return cache
